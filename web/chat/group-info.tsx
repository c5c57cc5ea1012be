import { useState } from 'preact/hooks';
import type { Group, Member } from '../core';
import { Avatar } from '../ui/avatar';
import { Confirm, Dialog } from '../ui/dialog';
import { Field } from '../ui/field';
import { Icon } from '../ui/icon';
import { Menu, MenuItem } from '../ui/menu';
import { t } from '../ui/prefs';
import { explain } from '../ui/problem';
import { attempt } from '../ui/toast';
import { useCore, usePerson } from './context';
import { ConversationSwitches } from './conversation-menu';
import { AddMembers, nameLimit } from './group';
import { follow, go, href } from './route';

type Asking = { kind: 'add' | 'rename' | 'leave' | 'dissolve' } | { kind: 'remove' | 'owner'; member: Member };

/** A group's panel: what it is, who is in it, and what one may do there. */
export function GroupInfo({ gid }: { gid: string }) {
  const core = useCore();
  const group = core.group(gid).value;
  const members = core.members(gid).value;
  const me = core.account.value.me?.uid;
  const [asking, ask] = useState<Asking>();
  const text = t.value.group;
  if (!group) return <p class="empty">{t.value.problem.gone}</p>;

  const role = group.role || members.find((m) => m.uid === me)?.role || '';
  const manages = role === 'owner' || role === 'admin';
  const mayAdd = manages || (role === 'member' && group.join !== 'approval');
  return (
    <div class="profile">
      <Avatar id={`g:${gid}`} name={group.name} src={group.avatar} size="l" group />
      <h2 class="profile-name">
        <bdi>{group.name}</bdi>
      </h2>
      <p class="row-sub">{text.memberCount(group.members)}</p>
      {group.announcement && (
        <section class="callout announcement">
          <h3 class="label">{text.announcement}</h3>
          <p class="text">{group.announcement}</p>
        </section>
      )}
      <div class="profile-actions">
        {mayAdd && (
          <button type="button" class="button" onClick={() => ask({ kind: 'add' })}>
            <Icon name="groupAdd" />
            {text.add}
          </button>
        )}
        {manages && (
          <button type="button" class="button" onClick={() => ask({ kind: 'rename' })}>
            <Icon name="edit" />
            {text.rename}
          </button>
        )}
      </div>
      <ConversationSwitches conv={`g:${gid}`} />
      <h3 class="list-heading">{text.members}</h3>
      <ul class="rows-list">
        {members.map((m) => (
          <MemberRow key={m.uid} m={m} gid={gid} role={role} ask={ask} />
        ))}
      </ul>
      {role !== '' && (
        <div class="profile-foot">
          <button type="button" class="button plain danger" onClick={() => ask({ kind: 'leave' })}>
            <Icon name="out" />
            {text.leave}
          </button>
          {role === 'owner' && (
            <button type="button" class="button plain danger" onClick={() => ask({ kind: 'dissolve' })}>
              <Icon name="trash" />
              {text.dissolve}
            </button>
          )}
        </div>
      )}
      {asking && <Asked asking={asking} group={group} role={role} members={members} close={() => ask(undefined)} />}
    </div>
  );
}

interface AskedProps {
  asking: Asking;
  group: Group;
  role: string;
  members: Member[];
  close(): void;
}

function Asked({ asking, group, role, members, close }: AskedProps) {
  const core = useCore();
  const text = t.value.group;
  const { gid } = group;
  switch (asking.kind) {
    case 'add':
      return <AddMembers gid={gid} already={new Set(members.map((m) => m.uid))} onClose={close} />;
    case 'rename':
      return <Rename group={group} onClose={close} />;
    case 'leave':
      if (role === 'owner') {
        return (
          <Dialog title={text.leave} onClose={close}>
            <p>{text.leaveOwner}</p>
          </Dialog>
        );
      }
      return (
        <Confirm
          title={text.leaveAsk(group.name)}
          text={text.leaveHint}
          action={text.leave}
          danger
          onClose={close}
          run={async () => {
            await core.leaveGroup(gid);
            go(href.chats, 'replace');
          }}
        />
      );
    case 'dissolve':
      return (
        <Confirm
          title={text.dissolveAsk(group.name)}
          text={text.dissolveHint}
          action={text.dissolve}
          danger
          onClose={close}
          run={async () => {
            await core.dissolveGroup(gid);
            go(href.chats, 'replace');
          }}
        />
      );
    case 'remove':
      return (
        <Confirm
          title={text.removeAsk(asking.member.name)}
          text={text.removeHint}
          action={text.remove}
          danger
          onClose={close}
          run={() => core.removeMember(gid, asking.member.uid)}
        />
      );
    case 'owner':
      return (
        <Confirm
          title={text.ownerAsk(asking.member.name)}
          text={text.ownerHint}
          action={text.makeOwner}
          onClose={close}
          run={() => core.setMember(gid, asking.member.uid, { role: 'owner' })}
        />
      );
  }
}

interface MemberRowProps {
  m: Member;
  gid: string;
  /** One's own role. */
  role: string;
  ask(a: Asking): void;
}

function MemberRow({ m, gid, role, ask }: MemberRowProps) {
  const core = useCore();
  const person = usePerson(m.uid);
  const text = t.value.group;
  const me = core.account.value.me?.uid === m.uid;
  const manages = !me && m.role !== 'owner' && (role === 'owner' || (role === 'admin' && m.role === 'member'));
  return (
    <li class="row member">
      <a class="member-link" href={href.person(m.uid)} onClick={follow}>
        <Avatar id={m.uid} name={m.name} src={m.avatar || person.avatar} size="s" status={person.presence.status} />
        <span class="row-text">
          <bdi class="row-name ellipsis">{m.name}</bdi>
        </span>
      </a>
      {m.role !== 'member' && <span class="tag">{m.role === 'owner' ? text.owner : text.admin}</span>}
      {manages && (
        <Menu label={text.more(m.name)} button={<Icon name="more" />}>
          {role === 'owner' && (
            <>
              <MenuItem
                onSelect={() => attempt(core.setMember(gid, m.uid, { role: m.role === 'admin' ? 'member' : 'admin' }))}
              >
                {m.role === 'admin' ? text.makeMember : text.makeAdmin}
              </MenuItem>
              <MenuItem onSelect={() => ask({ kind: 'owner', member: m })}>{text.makeOwner}</MenuItem>
              <hr />
            </>
          )}
          <MenuItem danger onSelect={() => ask({ kind: 'remove', member: m })}>
            {text.remove}
          </MenuItem>
        </Menu>
      )}
    </li>
  );
}

function Rename({ group, onClose }: { group: Group; onClose(): void }) {
  const core = useCore();
  const text = t.value.group;
  const [name, setName] = useState(group.name);
  const [error, setError] = useState('');
  const save = async () => {
    if (!name.trim()) return setError(text.needName);
    try {
      if (name.trim() !== group.name) await core.updateGroup(group.gid, { name: name.trim() });
      onClose();
    } catch (e) {
      setError(explain(e));
    }
  };
  return (
    <Dialog
      title={text.rename}
      onClose={onClose}
      onSubmit={save}
      footer={
        <button type="submit" class="button primary">
          {text.save}
        </button>
      }
    >
      <Field label={text.name} value={name} onInput={setName} maxLength={nameLimit} error={error} autofocus />
    </Dialog>
  );
}
