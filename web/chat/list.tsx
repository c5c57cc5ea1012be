import { computed, useComputed } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Conversation, Message } from '../core';
import { Avatar } from '../ui/avatar';
import { Search } from '../ui/field';
import { format, moment } from '../ui/format';
import { Icon } from '../ui/icon';
import { MenuAt } from '../ui/menu';
import { Name, Words } from '../ui/name';
import { t } from '../ui/prefs';
import { AskAlerts } from './ask-alerts';
import { BotTag } from './bot-tag';
import { useCore, usePerson } from './context';
import { ConversationMenuItems } from './conversation-menu';
import { fits } from './fits';
import { MediaIcon } from './media/hint';
import { lazy } from './media/lazy';
import { PeopleSkeleton, PersonContent, useDirectory } from './people';
import { follow, href, route } from './route';
import { ConnectionWord } from './status';
import { Mark, summary } from './summary';
import { searchKey, walkRows } from './walk';

const NewGroup = lazy(async () => (await import('./group')).NewGroup);

/** A row is drawn anew when its conversation has changed, not whenever one of a thousand has. */
const rows = new WeakMap<Conversation, VNode>();

function rowOf(c: Conversation): VNode {
  const row = rows.get(c) ?? <ConversationRow key={c.conv} c={c} />;
  rows.set(c, row);
  return row;
}

/** The conversations, newest first, with a box that filters them by name. */
export function ConversationList() {
  const core = useCore();
  const [query, setQuery] = useState('');
  const [making, setMaking] = useState(false);
  const [menu, setMenu] = useState<{ conv: string; x: number; y: number }>();
  const nav = useRef<HTMLElement>(null);
  const text = t.value.list;
  const all = core.conversations.value;
  const settled = useSettled();
  const wanted = query.trim();
  const shown = wanted ? all.filter((c) => fits(c.name, c.kind === 'user' ? c.conv.slice(2) : undefined, wanted)) : all;
  const at = menu && all.find((c) => c.conv === menu.conv);
  const openMenu = (e: MouseEvent) => {
    const row = e.target instanceof Element ? e.target.closest<HTMLElement>('.conversation') : null;
    if (!row?.dataset.conv) return;
    e.preventDefault();
    const box = row.getBoundingClientRect();
    // The menu key has no pointer: then it opens in the middle of the row.
    const byPointer = e.clientX > 0 && e.clientY > 0;
    setMenu({
      conv: row.dataset.conv,
      x: byPointer ? e.clientX : box.left + box.width / 2,
      y: byPointer ? e.clientY : box.top + box.height / 2,
    });
  };
  return (
    <>
      <header class="pane-bar">
        <h1 class="pane-title">
          <ConnectionWord otherwise={text.title} />
        </h1>
        <button
          type="button"
          class="icon-button"
          aria-label={text.newGroup}
          title={text.newGroup}
          onClick={() => setMaking(true)}
        >
          <Icon name="groupAdd" />
        </button>
      </header>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the search box inside. */}
      <div class="pane-search" onKeyDown={(e) => searchKey(e, nav.current)}>
        <Search label={text.search} value={query} onInput={setQuery} />
      </div>
      <AskAlerts />
      <nav
        ref={nav}
        class="pane-scroll"
        aria-label={text.title}
        onContextMenu={openMenu}
        onKeyDown={(e) => walkRows(e.currentTarget, e)}
      >
        {wanted && all.length === 0 ? (
          <FoundPeople query={wanted} shown={shown} chosen={() => setQuery('')} />
        ) : all.length === 0 && !settled ? (
          <PeopleSkeleton />
        ) : all.length === 0 ? (
          <div class="empty">
            <strong>{text.empty}</strong>
            <span>{text.emptyHint}</span>
            <a class="button" href={href.people} onClick={follow}>
              {t.value.nav.people}
            </a>
          </div>
        ) : (
          <>
            {wanted && shown.length > 0 && <h2 class="list-heading">{text.title}</h2>}
            <ul class="rows-list">{shown.map(rowOf)}</ul>
            {wanted && <FoundPeople query={wanted} shown={shown} chosen={() => setQuery('')} />}
          </>
        )}
      </nav>
      {menu && at && (
        <MenuAt label={t.value.group.more(at.name)} x={menu.x} y={menu.y} onClose={() => setMenu(undefined)}>
          <ConversationMenuItems conv={at.conv} />
        </MenuAt>
      )}
      {making && <NewGroup onClose={() => setMaking(false)} />}
    </>
  );
}

interface FoundPeopleProps {
  query: string;
  /** The conversations that stand above. */
  shown: Conversation[];
  chosen(): void;
}

/** People of the organisation who fit what is searched for: a chat with them begins at a click. */
function FoundPeople({ query, shown, chosen }: FoundPeopleProps) {
  const core = useCore();
  const { found, error } = useDirectory(query);
  const text = t.value.list;
  const me = core.account.value.me?.uid;
  const here = new Set(shown.map((c) => c.conv));
  const fitting = found?.people.filter((p) => p.uid !== me && !here.has(`u:${p.uid}`)) ?? [];
  // The server knows more of them, such as how a whole name is spelled: with some there is a chat already.
  const begun = new Map(core.conversations.value.map((c) => [c.conv, c]));
  const chats = fitting.flatMap((p) => begun.get(`u:${p.uid}`) ?? []);
  const people = fitting.filter((p) => !p.disabled && !begun.has(`u:${p.uid}`));
  if (error) return <p class="list-hint">{error}</p>;
  if (!found) return shown.length > 0 ? null : <PeopleSkeleton />;
  if (people.length + chats.length === 0) return shown.length > 0 ? null : <p class="empty">{text.noMatch}</p>;
  return (
    <>
      {chats.length > 0 && shown.length === 0 && <h2 class="list-heading">{text.title}</h2>}
      {chats.length > 0 && <ul class="rows-list">{chats.map(rowOf)}</ul>}
      {people.length > 0 && (
        <>
          <h2 class="list-heading">{t.value.nav.people}</h2>
          <ul class="rows-list">
            {people.map((p) => (
              <li key={p.uid}>
                <a
                  class="row"
                  href={href.conv(`u:${p.uid}`)}
                  onClick={(e) => {
                    follow(e);
                    chosen();
                  }}
                >
                  <PersonContent person={p} />
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

/** ms after the connection stands within which the list of a new browser has come. */
const patience = 1500;

/** Whether an empty list is to be believed: it is also empty while it is being read for the first time. */
function useSettled(): boolean {
  const online = useCore().connection.value.state === 'online';
  const [settled, settle] = useState(false);
  useEffect(() => {
    if (!online) return;
    const timer = setTimeout(() => settle(true), patience);
    return () => clearTimeout(timer);
  }, [online]);
  return settled;
}

const opened = computed(() => (route.value.view === 'chats' ? route.value.conv : undefined));

function ConversationRow({ c }: { c: Conversation }) {
  // Of a thousand rows the two are drawn anew that are left and opened.
  const here = useComputed(() => opened.value === c.conv).value;
  const core = useCore();
  const last = useComputed(() => core.unsent.value.get(c.conv)).value ?? c.last;
  const asking = useComputed(() => core.joining.waiting.value.get(c.conv.slice(2)) ?? 0).value;
  const text = t.value.list;
  return (
    <li>
      <a
        class={`row conversation ${c.unread > 0 ? 'unread' : ''}`}
        href={href.conv(c.conv)}
        data-conv={c.conv}
        onClick={follow}
        aria-current={here ? 'page' : undefined}
      >
        {c.kind === 'user' ? <UserPicture c={c} /> : <Avatar id={c.conv} name={c.name} src={c.avatar} group />}
        <span class="row-text">
          <span class="conversation-line">
            <Name class="row-name ellipsis" name={c.name} uid={c.kind === 'user' ? c.conv.slice(2) : undefined} />
            {c.kind === 'user' && <BotTag uid={c.conv.slice(2)} />}
            {c.muted && <StateIcon name="bellOff" word={text.muted} />}
            {last?.mine && <Mark m={asRead(c, last)} />}
            {last && <time dateTime={new Date(last.ts).toISOString()}>{moment(last.ts)}</time>}
          </span>
          <span class="conversation-line">
            <Preview c={c} last={last} here={here} />
            {c.kind === 'group' && asking > 0 && (
              <StateIcon name="groupAdd" word={t.value.group.requestCount(asking)} />
            )}
            {c.mentioned && (
              <span class="badge" role="img" aria-label={text.mentioned} title={text.mentioned}>
                @
              </span>
            )}
            {c.unread > 0 && (
              <span class={`badge ${c.muted ? 'quiet' : ''}`} role="img" aria-label={text.unread(c.unread)}>
                {c.unread > 99 ? '99+' : format.value.number.format(c.unread)}
              </span>
            )}
            {c.pinned && c.unread === 0 && <StateIcon name="pin" word={text.pinned} />}
          </span>
        </span>
      </a>
    </li>
  );
}

/** An own message in a list knows by its conversation whether the other side has read it. */
function asRead(c: Conversation, m: Message): Message {
  return c.kind === 'user' && m.seq !== undefined && m.seq <= c.peerReadSeq ? { ...m, read: true } : m;
}

function StateIcon({ name, word }: { name: 'bellOff' | 'pin' | 'groupAdd'; word: string }) {
  return (
    <span class="state-icon" role="img" aria-label={word} title={word}>
      <Icon name={name} />
    </span>
  );
}

function UserPicture({ c }: { c: Conversation }) {
  const person = usePerson(c.conv.slice(2));
  return <Avatar id={person.uid} name={c.name} src={c.avatar || person.avatar} status={person.presence.status} />;
}

function Preview({ c, last, here }: { c: Conversation; last: Message | undefined; here: boolean }) {
  const text = t.value.list;
  if (c.draft && !here) {
    return (
      <span class="preview ellipsis">
        <span class="draft">{text.draft}</span> <Words>{oneLine(c.draft)}</Words>
      </span>
    );
  }
  if (!last) return <span class="preview ellipsis">{text.nothingYet}</span>;
  return (
    <span class="preview ellipsis">
      {last.mine ? text.you + text.colon : c.kind === 'group' && <Who uid={last.sender} />}
      <MediaIcon m={last} />
      <Words>{summary(last)}</Words>
    </span>
  );
}

function Who({ uid }: { uid: string }) {
  return (
    <>
      <Name name={usePerson(uid).name} uid={uid} />
      {t.value.list.colon}
    </>
  );
}

function oneLine(text: string): string {
  return text.slice(0, 200).replace(/\s+/g, ' ');
}
