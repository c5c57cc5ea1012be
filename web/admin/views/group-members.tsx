import { useState } from 'preact/hooks';
import type { GroupRole, Member } from '../../core';
import { Avatar } from '../../ui/avatar';
import { now } from '../../ui/day';
import { Confirm } from '../../ui/dialog';
import { Icon } from '../../ui/icon';
import { Menu, MenuItem } from '../../ui/menu';
import { MuteMember } from '../../ui/mute';
import { Name } from '../../ui/name';
import { t } from '../../ui/prefs';
import { attempt } from '../../ui/toast';
import { api, can } from '../client';
import { usePages } from '../pages';
import { PeoplePicker } from '../parts/people-picker';
import { Block, PaneProblem } from '../parts/split';
import { a } from '../text';
import type { AdminGroup } from '../types';

const keyOf = (m: Member) => m.uid;

interface MembersProps {
  /** Of the group, after /api/v1. */
  path: string;
  group: AdminGroup;
  onChange(): void;
}

/** Who is in a group: roles, mutes, coming and going. */
export function GroupMembers({ path, group, onChange }: MembersProps) {
  const text = a.value.groups;
  const [times, setTimes] = useState(0);
  const [adding, setAdding] = useState(false);
  const [asking, setAsking] = useState<{ member: Member; what: 'remove' | 'owner' | 'mute' }>();
  const pages = usePages<Member>(`${path}/members`, {}, keyOf, times + group.version + group.members);
  const changed = () => {
    setTimes((n) => n + 1);
    onChange();
  };
  const member = (m: Member) => `${path}/members/${encodeURIComponent(m.uid)}`;
  const set = async (m: Member, body: { role?: GroupRole; muted_until?: string | null }) => {
    await api.request('PATCH', member(m), { body });
    changed();
  };
  return (
    <Block title={text.people} hint={group.follows ? text.followed : ''}>
      {pages.state.value === 'failed' && <PaneProblem error={pages.error.value} again={() => void pages.more()} />}
      <ul class="people-list">
        {pages.items.value.map((m) => (
          <li key={m.uid}>
            <span class="row">
              <Avatar id={m.uid} name={m.name} src={m.avatar} size="s" />
              <span class="row-text">
                <Name class="row-name ellipsis" name={m.name} uid={m.uid} />
                <span class="row-sub ellipsis">{m.uid}</span>
              </span>
              {m.role !== 'member' && <span class="tag">{t.value.group[m.role]}</span>}
              {isMuted(m) && <span class="tag quiet">{t.value.group.mutedTag}</span>}
            </span>
            {can('change') && m.role !== 'owner' && (
              <Menu label={t.value.group.more(m.name)} button={<Icon name="more" />} buttonClass="icon-button small">
                <MenuItem onSelect={() => attempt(set(m, { role: m.role === 'admin' ? 'member' : 'admin' }))}>
                  {m.role === 'admin' ? t.value.group.makeMember : t.value.group.makeAdmin}
                </MenuItem>
                <MenuItem onSelect={() => setAsking({ member: m, what: 'owner' })}>{text.makeOwner}</MenuItem>
                <MenuItem
                  onSelect={() =>
                    isMuted(m) ? attempt(set(m, { muted_until: null })) : setAsking({ member: m, what: 'mute' })
                  }
                >
                  {isMuted(m) ? t.value.group.unmuteMember : t.value.group.muteMember}
                </MenuItem>
                {!group.follows && (
                  <MenuItem danger onSelect={() => setAsking({ member: m, what: 'remove' })}>
                    {t.value.group.remove}
                  </MenuItem>
                )}
              </Menu>
            )}
          </li>
        ))}
      </ul>
      {!pages.ended && pages.items.value.length > 0 && (
        <button type="button" class="button plain" onClick={() => void pages.more()}>
          {a.value.more}
        </button>
      )}
      {can('change') && !group.follows && (
        <button type="button" class="button" onClick={() => setAdding(true)}>
          <Icon name="plus" />
          {text.addPeople}
        </button>
      )}
      {adding && (
        <PeoplePicker
          title={text.addPeople}
          action={text.addAction}
          without={(p) => pages.find(p.uid) !== undefined}
          onClose={() => setAdding(false)}
          run={async (people) => {
            await api.request('POST', `${path}/members`, { body: { uids: people.map((p) => p.uid) } });
            changed();
          }}
        />
      )}
      {asking?.what === 'mute' && (
        <MuteMember
          name={asking.member.name}
          onClose={() => setAsking(undefined)}
          run={(muted_until) => set(asking.member, { muted_until })}
        />
      )}
      {asking && asking.what !== 'mute' && (
        <Confirm
          title={(asking.what === 'owner' ? text.ownerAsk : t.value.group.removeAsk)(asking.member.name)}
          text={asking.what === 'owner' ? text.ownerText : t.value.group.removeHint}
          action={asking.what === 'owner' ? text.makeOwner : t.value.group.remove}
          danger
          onClose={() => setAsking(undefined)}
          run={async () => {
            if (asking.what === 'owner') return set(asking.member, { role: 'owner' });
            await api.request('DELETE', member(asking.member));
            changed();
          }}
        />
      )}
    </Block>
  );
}

function isMuted(m: Member): boolean {
  return m.muted_until !== null && Date.parse(m.muted_until) > now();
}
