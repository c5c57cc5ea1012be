import { useState } from 'preact/hooks';
import type { Group, Member } from '../core';
import { Avatar } from '../ui/avatar';
import { Confirm, Dialog } from '../ui/dialog';
import { EditDialog } from '../ui/edit';
import { Search } from '../ui/field';
import { format, untilThen } from '../ui/format';
import { Icon } from '../ui/icon';
import { linkify } from '../ui/linkify';
import { Menu, MenuItem } from '../ui/menu';
import { MuteMember } from '../ui/mute';
import { calm, Name } from '../ui/name';
import { t } from '../ui/prefs';
import { attempt } from '../ui/toast';
import { BotTag } from './bot-tag';
import { useCore, usePerson } from './context';
import { ConversationSwitches } from './conversation-menu';
import { AddMembers } from './group';
import { GroupPolicy } from './group-policy';
import { WaysIn } from './group-ways';
import { announcementLimit, nameLimit } from './limits';
import { ChangePicture } from './media/change-picture';
import { PeopleSkeleton } from './people';
import { follow, go, href } from './route';

type Asking =
  | { kind: 'add' | 'rename' | 'announce' | 'leave' | 'dissolve' }
  | { kind: 'remove' | 'owner' | 'mute'; member: Member };

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
  const fixed = !!group.by_department;
  const mayAdd = !fixed && (manages || (role === 'member' && group.join !== 'approval'));
  return (
    <div class="profile">
      <Avatar id={`g:${gid}`} name={group.name} src={group.avatar} size="l" group />
      <h2 class="profile-name">
        <Name name={group.name} />
      </h2>
      <p class="row-sub">{text.memberCount(group.members, format.value.number.format(group.members))}</p>
      {manages && (
        <ChangePicture has={group.avatar.startsWith('/media/')} set={(avatar) => core.updateGroup(gid, { avatar })} />
      )}
      {group.announcement && (
        <section class="callout announcement">
          <h3 class="label">{text.announcement}</h3>
          <p class="text">{linkify(calm(group.announcement))}</p>
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
          <>
            <button type="button" class="button" onClick={() => ask({ kind: 'rename' })}>
              <Icon name="edit" />
              {text.rename}
            </button>
            <button type="button" class="button" onClick={() => ask({ kind: 'announce' })}>
              <Icon name="announce" />
              {text.announce}
            </button>
          </>
        )}
      </div>
      <ConversationSwitches conv={`g:${gid}`} />
      {manages && !fixed && <WaysIn group={group} />}
      {manages && <GroupPolicy group={group} />}
      <h3 class="list-heading">{text.members}</h3>
      {fixed && <p class="list-hint">{text.byDepartment}</p>}
      <MemberList
        members={members}
        total={group.members}
        render={(m) => <MemberRow key={m.uid} m={m} gid={gid} role={role} fixed={fixed} ask={ask} />}
      />
      {role !== '' && (
        <div class="profile-foot">
          {!fixed && (
            <button type="button" class="button plain danger" onClick={() => ask({ kind: 'leave' })}>
              <Icon name="out" />
              {text.leave}
            </button>
          )}
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

/** Rows of members that stand in the page at first, and come with each "more". */
const memberStep = 100;
/** From so many members on there is a box to search them. */
const searchFrom = 12;

interface MemberListProps {
  members: Member[];
  /** How many there are, also while they are being read. */
  total: number;
  render(m: Member): preact.ComponentChildren;
}

function MemberList({ members, total, render }: MemberListProps) {
  const [query, setQuery] = useState('');
  const [shown, setShown] = useState(memberStep);
  const text = t.value.group;
  if (members.length === 0 && total > 0) return <PeopleSkeleton />;
  const wanted = query.trim().toLocaleLowerCase();
  const fitting = wanted
    ? members.filter((m) => m.name.toLocaleLowerCase().includes(wanted) || m.uid.includes(wanted))
    : members;
  return (
    <>
      {members.length >= searchFrom && (
        <div class="pane-search">
          <Search label={text.searchMembers} value={query} onInput={setQuery} />
        </div>
      )}
      {fitting.length === 0 && <p class="list-hint">{t.value.people.noneFound}</p>}
      <ul class="rows-list">{fitting.slice(0, shown).map(render)}</ul>
      {fitting.length > shown && (
        <button type="button" class="button plain list-more" onClick={() => setShown(shown + memberStep)}>
          {t.value.people.more}
        </button>
      )}
    </>
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
      return (
        <EditDialog
          title={text.rename}
          label={text.name}
          value={group.name}
          maxLength={nameLimit}
          required={text.needName}
          action={text.save}
          onClose={close}
          save={(name) => core.updateGroup(gid, { name })}
        />
      );
    case 'announce':
      return (
        <EditDialog
          title={text.announcement}
          label={text.announcementHint}
          value={group.announcement}
          maxLength={announcementLimit}
          long
          action={text.save}
          onClose={close}
          save={(announcement) => core.updateGroup(gid, { announcement })}
        />
      );
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
    case 'mute':
      return (
        <MuteMember
          name={asking.member.name}
          onClose={close}
          run={(muted_until) => core.setMember(gid, asking.member.uid, { muted_until })}
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
  /** Nobody is removed by hand. */
  fixed: boolean;
  ask(a: Asking): void;
}

function MemberRow({ m, gid, role, fixed, ask }: MemberRowProps) {
  const core = useCore();
  const person = usePerson(m.uid);
  const text = t.value.group;
  const me = core.account.value.me?.uid === m.uid;
  const muted = m.muted_until !== null && Date.parse(m.muted_until) > core.now();
  const manages = !me && m.role !== 'owner' && (role === 'owner' || (role === 'admin' && m.role === 'member'));
  return (
    <li class="row member">
      <a class="member-link" href={href.person(m.uid)} onClick={follow}>
        <Avatar id={m.uid} name={m.name} src={m.avatar || person.avatar} size="s" status={person.presence.status} />
        <span class="row-text">
          <Name class="row-name ellipsis" name={m.name} uid={m.uid} />
        </span>
      </a>
      <BotTag uid={m.uid} />
      {muted && (
        <span class="tag quiet" title={text.mutedTill(untilThen(Date.parse(m.muted_until ?? '')))}>
          {text.mutedTag}
        </span>
      )}
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
          {m.role === 'member' && (
            <MenuItem
              onSelect={() =>
                muted ? attempt(core.setMember(gid, m.uid, { muted_until: null })) : ask({ kind: 'mute', member: m })
              }
            >
              {muted ? text.unmuteMember : text.muteMember}
            </MenuItem>
          )}
          {!fixed && (
            <MenuItem danger onSelect={() => ask({ kind: 'remove', member: m })}>
              {text.remove}
            </MenuItem>
          )}
        </Menu>
      )}
    </li>
  );
}
