import { useState } from 'preact/hooks';
import type { Me } from '../core';
import { Avatar, Dot } from '../ui/avatar';
import { Confirm } from '../ui/dialog';
import { EditDialog } from '../ui/edit';
import { Menu, MenuItem } from '../ui/menu';
import { Name, Words } from '../ui/name';
import { t } from '../ui/prefs';
import { attempt } from '../ui/toast';
import { useCore } from './context';
import { go, href } from './route';
import { framed } from './surface';

/** One's own picture in the rail: the status that others see, the settings, the way out. */
export function AccountMenu() {
  const core = useCore();
  const me = core.account.value.me;
  const [writing, setWriting] = useState(false);
  const [leaving, setLeaving] = useState(false);
  if (!me) return null;
  const person = core.person(me.uid).value;
  const { status } = person.presence;
  const shown = core.connection.value.state === 'online' ? (status === 'offline' ? 'online' : status) : 'offline';
  const text = t.value.presence;
  const choose = (one: 'online' | 'busy' | 'away') => attempt(core.setPresence({ status: one }));
  return (
    <>
      <Menu
        label={t.value.nav.account}
        buttonClass="rail-account"
        button={<Avatar id={me.uid} name={me.name} src={me.avatar} size="s" status={shown} />}
      >
        <p class="menu-head">
          <Name class="row-name ellipsis" name={me.name} uid={me.uid} />
          <Words class="row-sub ellipsis">{person.presence.text || text[shown]}</Words>
        </p>
        <hr />
        {(['online', 'busy', 'away'] as const).map((one) => (
          <MenuItem key={one} checked={status === one} onSelect={() => choose(one)}>
            <Dot status={one} />
            {text[one]}
          </MenuItem>
        ))}
        <MenuItem checked={status === 'custom'} onSelect={() => setWriting(true)}>
          <Dot status="custom" />
          {text.custom}…
        </MenuItem>
        {!framed && <Ways role={me.role} leave={() => setLeaving(true)} />}
      </Menu>
      {leaving && <SignOut onClose={() => setLeaving(false)} />}
      {writing && <CustomStatus before={person.presence.text} onClose={() => setWriting(false)} />}
    </>
  );
}

/** To other pages of ours, and out. */
function Ways({ role, leave }: { role: Me['role']; leave(): void }) {
  return (
    <>
      <hr />
      <MenuItem icon="settings" onSelect={() => go(href.settings)}>
        {t.value.nav.settings}
      </MenuItem>
      {role !== 'member' && (
        <MenuItem icon="lock" onSelect={() => location.assign('/admin')}>
          {t.value.nav.administration}
        </MenuItem>
      )}
      <MenuItem icon="out" danger onSelect={leave}>
        {t.value.settings.signOut}
      </MenuItem>
    </>
  );
}

/** Characters of a status: 140 bytes, docs/protocol.md §7. */
const statusLimit = 46;

function CustomStatus({ before, onClose }: { before: string; onClose(): void }) {
  const core = useCore();
  const text = t.value.presence;
  return (
    <EditDialog
      title={text.set}
      label={text.customHint}
      value={before}
      maxLength={statusLimit}
      action={text.save}
      onClose={onClose}
      save={(words) => core.setPresence(words ? { status: 'custom', text: words } : { status: 'online' })}
    >
      {(fill) => (
        <div class="chips">
          {text.presets.map((one) => (
            <button key={one} type="button" class="chip preset" onClick={() => fill(one)}>
              {one}
            </button>
          ))}
        </div>
      )}
    </EditDialog>
  );
}

/** Asks before one signs out. */
export function SignOut({ onClose }: { onClose(): void }) {
  const core = useCore();
  const text = t.value.settings;
  return (
    <Confirm
      title={text.signOutAsk}
      text={text.signOutHint}
      action={text.signOut}
      danger
      onClose={onClose}
      run={async () => {
        await core.logout();
        go(href.chats, 'replace');
      }}
    />
  );
}
