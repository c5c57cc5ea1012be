import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { ConversationView } from '../core';
import { Avatar } from '../ui/avatar';
import { format } from '../ui/format';
import { Icon } from '../ui/icon';
import { Menu } from '../ui/menu';
import { Name, Words } from '../ui/name';
import { t } from '../ui/prefs';
import { statusOf } from '../ui/problem';
import { looksHere } from './alerts';
import { AnnouncementStrip } from './announcement';
import { BotTag } from './bot-tag';
import { useClosed } from './closed';
import { Composer } from './composer';
import { split, useConversation, useCore, usePerson } from './context';
import { ConversationMenuItems } from './conversation-menu';
import { Join } from './join';
import { Lost } from './lost';
import { back, follow, go, href } from './route';
import { ConnectionWord } from './status';
import { leftAt, Timeline } from './timeline';
import './styles/conversation.css';
import './styles/writing.css';
import './styles/composing.css';
import './styles/media.css';

/** One conversation: its bar, its messages, the place to write. Rendered anew for each (`key`). */
export function ConversationPane({ conv, info }: { conv: string; info: boolean }) {
  const core = useCore();
  const unread = useConversation(conv, (c) => c.unread);
  const draft = useConversation(conv, (c) => c.draft);
  const readSeq = () => core.conversations.peek().find((one) => one.conv === conv)?.readSeq ?? 0;
  const view = useMemo(() => core.open(conv, leftAt(conv) ?? (unread ? readSeq() + 1 : undefined)), [core, conv]);
  useEffect(() => () => view.close(), [view]);
  const current = core.current.value;
  const reading = () => current && looksHere();
  // The line "new messages" stands before what was unread when the conversation was opened, or when one looked elsewhere, and stays
  // until that happens again. A page that is loaded anew shows what it kept first: nothing is read before it knows what is new.
  const line = useRef<number | undefined>(undefined);
  const before = useRef({ unread: 0, opened: false });
  if (unread !== undefined) {
    if (unread > 0 && before.current.unread === 0 && (!before.current.opened || !reading())) line.current = readSeq();
    // So much has come meanwhile that one goes on reading where one was.
    else if (unread > 0 && line.current === undefined && view.hasNewer.value) line.current = readSeq();
    before.current = { unread, opened: true };
  }
  const [kind, id] = split(conv);
  const closed = useClosed(conv);
  const name = useConversationName(conv);
  const nobody = statusOf(view.error.value) === 404 || (kind === 'u' && core.person(id).value.missing);
  if (nobody && view.items.value.length === 0) {
    const open = kind === 'g' ? core.group(id).value : undefined;
    return open?.role !== undefined ? <Join group={open} entered={() => view.loadOlder()} /> : <Lost what="chat" />;
  }
  return (
    <section class="conversation-pane" aria-label={name}>
      <Bar conv={conv} info={info} name={name} />
      {kind === 'g' && <AnnouncementStrip gid={id} />}
      <Timeline
        key={conv}
        view={view}
        group={kind === 'g'}
        readUpTo={line.current}
        reading={reading}
        unread={unread ?? 0}
      />
      <TypingLine view={view} group={kind === 'g'} />
      {closed ? (
        <p class="composer-closed">{closed}</p>
      ) : (
        <Composer key={conv} view={view} name={name || id} draft={draft ?? ''} />
      )}
    </section>
  );
}

function useConversationName(conv: string): string {
  const core = useCore();
  const [kind, id] = split(conv);
  const listed = useConversation(conv, (c) => c.name);
  if (kind === 'g') return core.group(id).value?.name ?? listed ?? '';
  const person = core.person(id).value;
  return person.name === person.uid ? (listed ?? person.name) : person.name;
}

function Bar({ conv, info, name }: { conv: string; info: boolean; name: string }) {
  const [kind, id] = split(conv);
  const text = t.value;
  const core = useCore();
  const listed = useConversation(conv, () => true);
  const avatar = useConversation(conv, (c) => c.avatar);
  const asking = kind === 'g' ? (core.joining.waiting.value.get(id) ?? 0) : 0;
  const toggle = () => (info ? go(href.conv(conv), 'replace') : go(href.conv(conv, true)));
  return (
    <header class="pane-bar">
      <button type="button" class="icon-button only-phone" aria-label={text.nav.back} onClick={() => back(href.chats)}>
        <Icon name="back" />
      </button>
      <a class="bar-name" href={href.conv(conv, true)} onClick={follow}>
        {kind === 'u' ? <UserPicture uid={id} /> : <Avatar id={conv} name={name} src={avatar} size="s" group />}
        <span class="row-text">
          <h2 class="ellipsis bar-title">
            <Name name={name} uid={kind === 'u' ? id : undefined} />
            {kind === 'u' && <BotTag uid={id} />}
          </h2>
          <span class="row-sub ellipsis">
            <ConnectionWord onPhone otherwise={<BarLine conv={conv} />} />
          </span>
        </span>
      </a>
      <button
        type="button"
        class="icon-button"
        aria-label={asking > 0 ? `${text.chat.info}, ${text.group.requestCount(asking)}` : text.chat.info}
        title={asking > 0 ? text.group.requestCount(asking) : text.chat.info}
        aria-pressed={info}
        onClick={toggle}
      >
        <Icon name="info" />
        {asking > 0 && (
          <span class="badge corner" aria-hidden="true">
            {asking > 99 ? '99+' : asking}
          </span>
        )}
      </button>
      {listed && (
        <Menu label={text.group.more(name)} button={<Icon name="more" />}>
          <ConversationMenuItems conv={conv} />
        </Menu>
      )}
    </header>
  );
}

function UserPicture({ uid }: { uid: string }) {
  const person = usePerson(uid);
  return <Avatar id={uid} name={person.name} src={person.avatar} size="s" status={person.presence.status} />;
}

/** Under the name: the person's status or the number of members. */
function BarLine({ conv }: { conv: string }) {
  const core = useCore();
  const [kind, id] = split(conv);
  const text = t.value;
  if (kind === 'u') {
    const { status, text: own } = core.person(id).value.presence;
    return core.current.value ? <Words>{own || text.presence[status]}</Words> : null;
  }
  const count = core.group(id).value?.members;
  return <>{count ? text.group.memberCount(count, format.value.number.format(count)) : ''}</>;
}

/** A line kept free for "is typing", so that the messages don't move when it comes. */
function TypingLine({ view, group }: { view: ConversationView; group: boolean }) {
  const core = useCore();
  const text = t.value.chat;
  const names = view.typing.value.slice(0, 3).map((uid) => core.person(uid).value.name);
  const count = view.typing.value.length;
  const [only] = names;
  const words =
    count === 0 || only === undefined
      ? ''
      : count === 1
        ? text.typingOne(only)
        : count <= 3
          ? text.typingMany(format.value.list.format(names))
          : text.typingCount(count);
  return (
    <div class="typing-line" aria-live="polite">
      {words && (
        <>
          <span class="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <bdi class="ellipsis">{group ? words : text.typingOne(only ?? '')}</bdi>
        </>
      )}
    </div>
  );
}
