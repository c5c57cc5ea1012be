import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ConversationView, Item, Message } from '../core';
import { format } from '../ui/format';
import { Icon } from '../ui/icon';
import { personal } from '../ui/personal';
import { t } from '../ui/prefs';
import { attempt, toast } from '../ui/toast';
import { useCore } from './context';
import { DayLine, MessageRow, NewLine, NoticeRow } from './message';
import { MessageTools } from './message-tools';
import { down, firstRows, place, type Row, rowsOf, type Span, sameRow, up } from './rows';
import { summary } from './summary';
import { type Thread, ThreadContext } from './thread';
import { walk } from './walk';

interface Anchor {
  key: string;
  /** Pixels from the top of the list's window to the top of that row. */
  offset: number;
}

/** Where each conversation was left, for as long as the page lives and its person stays. */
const left = new Map<string, { anchor: Anchor; span: Span; seq: number | undefined }>();

personal(() => left.clear());

/** The message that stood first in sight when one left. */
export function leftAt(conv: string): number | undefined {
  return left.get(conv)?.seq;
}

/** Pixels: so near to the foot is "at the foot", so near to an end is time to bring more rows. */
const footReach = 48;
const reach = 900;

/**
 * The messages of one conversation. The list keeps its place by an anchor: the first row in sight stays where it is, whatever
 * comes in above it; at the foot, the foot is the anchor.
 */
export function Timeline({
  view,
  group,
  readUpTo,
  reading,
  unread,
}: {
  view: ConversationView;
  group: boolean;
  readUpTo: number | undefined;
  /** Whether what stands in sight is being read. */
  reading: () => boolean;
  unread: number;
}) {
  const box = useRef<HTMLDivElement>(null);
  const kept = left.get(view.conv);
  const [span, setSpan] = useState<Span>(kept?.span ?? { end: null, size: firstRows });
  const items = view.items.value;
  // Read while rendering, so that the end of one page's loading asks whether there is room for the next.
  const loading = view.loading.value;
  const hasOlder = view.hasOlder.value;
  const hasNewer = view.hasNewer.value;
  const rows = useMemo(() => rowsOf(items, readUpTo), [items, readUpTo]);
  const { from, to } = place(rows, span);
  const shown = rows.slice(from, to);
  const draw = useMemo(() => drawing(group), [group]);
  const whole = to === rows.length && !hasNewer;

  const anchor = useRef<Anchor | undefined>(kept?.anchor);
  const atFoot = useRef(!kept);
  const [away, setAway] = useState(!!kept);
  const placed = useRef(!!kept);
  // Where the line moves to what has come at the foot, that is where one goes on.
  const lineAt = useRef(readUpTo);
  if (lineAt.current !== readUpTo) {
    lineAt.current = readUpTo;
    if (atFoot.current) placed.current = false;
  }

  const markRead = () => {
    if (!reading()) return;
    if (atFoot.current && whole) return view.markRead();
    const seq = unread > 0 && box.current ? lastInSight(box.current, rows) : undefined;
    if (seq !== undefined) view.markRead(seq);
  };

  // Not where one has scrolled since: what is drawn next tells.
  const sees = () =>
    atFoot.current && placed.current && whole && box.current?.scrollTop === stood.current.top && reading();
  const latest = useRef({ span, markRead, rows, sees });
  latest.current = { span, markRead, rows, sees };

  /** Brings rows in where the window has come near to an end of those that stand here. */
  const fill = () => {
    const el = box.current;
    if (!el || shown.length === 0) return;
    if (el.scrollTop < reach) {
      if (from > 0) return setSpan(up(rows, { from, to }));
      if (hasOlder && !loading && !view.error.value) view.loadOlder().catch(() => {});
    }
    if (el.scrollHeight - el.scrollTop - el.clientHeight >= reach) return;
    if (to < rows.length) setSpan(down(rows, { from, to }));
    else if (hasNewer && !loading && !view.error.value) view.loadNewer().catch(() => {});
  };

  // How it stood when it was drawn last, or heard of a scroll.
  const stood = useRef({ top: 0, whole });
  const heard = () => {
    if (box.current) stood.current.top = box.current.scrollTop;
  };
  const look = (el: HTMLElement) => {
    atFoot.current = el.scrollHeight - el.scrollTop - el.clientHeight < footReach && stood.current.whole;
    anchor.current = atFoot.current ? undefined : firstInSight(el);
    heard();
  };
  // A scroll is told with the next frame only: what is drawn before must not take it back.
  if (placed.current && box.current && box.current.scrollTop !== stood.current.top) look(box.current);

  const scrolled = () => {
    const el = box.current;
    if (!el) return;
    look(el);
    const foot = atFoot.current;
    if (foot) left.delete(view.conv);
    // Away from the foot the last row is held, or new messages would push rows out of the page above the reader.
    const last = rows.at(-1)?.key;
    if (foot && span.end !== null) setSpan({ end: null, size: span.size });
    if (!foot && span.end === null && last) setSpan({ end: last, size: span.size });
    if (away === foot) setAway(!foot);
    fill();
    markRead();
  };

  useLayoutEffect(() => {
    const el = box.current;
    if (!el || shown.length === 0) return;
    if (!placed.current) {
      const line = el.querySelector<HTMLElement>('.new-line');
      if (line) {
        el.scrollTop = Math.max(0, line.offsetTop - 96);
        atFoot.current = el.scrollHeight - el.scrollTop - el.clientHeight < footReach;
        anchor.current = atFoot.current ? undefined : firstInSight(el);
      } else {
        el.scrollTop = el.scrollHeight;
      }
      placed.current = !loading;
      if (placed.current && !atFoot.current) setAway(true);
    } else if (atFoot.current && hasNewer) {
      // What is here is not the end any more: the foot is a place like any other.
      atFoot.current = false;
      anchor.current = firstInSight(el);
      setAway(true);
    } else if (atFoot.current) {
      el.scrollTop = el.scrollHeight;
    } else if (anchor.current) {
      const row = rowOf(el, anchor.current.key);
      if (row) el.scrollTop = row.offsetTop - anchor.current.offset;
    }
    stood.current = { top: el.scrollTop, whole };
    const last = rows.at(-1)?.key;
    if (placed.current && !atFoot.current && span.end === null && last) setSpan({ end: last, size: span.size });
    fill();
    markRead();
  });

  // The composer grows, the phone's keyboard opens: what was at the foot stays there.
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const watch = new ResizeObserver(() => {
      if (atFoot.current) el.scrollTop = el.scrollHeight;
    });
    watch.observe(el);
    const looked = () => latest.current.markRead();
    view.follow(() => latest.current.sees());
    addEventListener('focus', looked);
    document.addEventListener('visibilitychange', looked);
    return () => {
      watch.disconnect();
      removeEventListener('focus', looked);
      document.removeEventListener('visibilitychange', looked);
      const { rows, span } = latest.current;
      const { current } = anchor;
      if (current) left.set(view.conv, { anchor: current, span, seq: seqAt(rows, current.key) });
    };
  }, [view]);

  const jump = async () => {
    await view.loadNewest();
    heard();
    atFoot.current = true;
    anchor.current = undefined;
    left.delete(view.conv);
    setAway(false);
    setSpan({ end: null, size: firstRows });
    requestAnimationFrame(() => box.current?.scrollTo({ top: box.current.scrollHeight }));
  };

  // What one writes stands at the foot, and there one goes to see it.
  const written = view.written.value;
  const seen = useRef(written);
  const jumpDown = useRef(jump);
  jumpDown.current = jump;
  useEffect(() => {
    if (written === seen.current) return;
    seen.current = written;
    attempt(jumpDown.current());
  }, [written]);

  /** Goes to a message that may lie far above. */
  const jumpTo = async (seq: number) => {
    await view.loadAround(seq);
    const all = rowsOf(view.items.peek(), readUpTo);
    const at = all.findIndex((row) => row.kind === 'message' && row.message.seq === seq);
    const row = all[at];
    const el = box.current;
    if (!row || !el) return toast(t.peek().chat.tooFar);
    const to = Math.min(all.length, at + firstRows / 2);
    heard();
    atFoot.current = false;
    anchor.current = { key: row.key, offset: Math.round(el.clientHeight / 3) };
    setAway(true);
    setSpan({ end: all[to - 1]?.key ?? null, size: Math.max(firstRows, to - at + firstRows / 2) });
    requestAnimationFrame(() =>
      rowOf(el, row.key)?.animate([{ background: 'color-mix(in srgb, var(--accent) 22%, transparent)' }, {}], {
        duration: 1600,
        easing: 'ease-out',
      }),
    );
  };
  const jumping = useRef(jumpTo);
  jumping.current = jumpTo;
  const thread = useMemo<Thread & { byId(id: string): Message | undefined }>(() => {
    const of = (items: readonly Item[], fits: (m: Message) => boolean) =>
      items.find((one): one is Message => !('notice' in one) && fits(one));
    return {
      find: (seq) => of(view.items.value, (m) => m.seq === seq),
      jump: (seq) => attempt(jumping.current(seq)),
      byId: (id) => of(view.items.peek(), (m) => m.id === id),
    };
  }, [view]);

  const below = away ? unread : 0;
  const text = t.value.chat;
  return (
    <div class="timeline-box">
      <div
        ref={box}
        class="timeline"
        role="log"
        aria-live="off"
        aria-label={text.messages}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard.
        tabIndex={0}
        onScroll={scrolled}
        onKeyDown={(e) => walk(e.currentTarget, e)}
      >
        <Head view={view} empty={rows.length === 0} whole={from === 0} />
        <ol class="rows">
          <ThreadContext.Provider value={thread}>{shown.map(draw)}</ThreadContext.Provider>
        </ol>
        <MessageTools box={box} conv={view.conv} find={thread.byId} />
      </div>
      {away && (
        <button
          type="button"
          class="jump"
          onClick={() => attempt(jump())}
          aria-label={below > 0 ? text.jumpCount(below) : text.jump}
          title={text.jump}
        >
          <Icon name="down" />
          {below > 0 && <span class="badge">{format.value.number.format(below)}</span>}
        </button>
      )}
      <Announcer view={view} group={group} />
    </div>
  );
}

/** Draws rows. One is drawn anew when it has changed, not whenever a message comes. */
function drawing(group: boolean): (row: Row) => VNode {
  const drawn = new WeakMap<Item, { row: Row; node: VNode }>();
  return (row) => {
    const item = row.kind === 'message' ? row.message : row.kind === 'notice' ? row.notice : undefined;
    const before = item && drawn.get(item);
    if (before && sameRow(before.row, row)) return before.node;
    const node = <RowView key={row.key} row={row} group={group} />;
    if (item) drawn.set(item, { row, node });
    return node;
  };
}

function RowView({ row, group }: { row: Row; group: boolean }) {
  switch (row.kind) {
    case 'day':
      return <DayLine ts={row.ts} />;
    case 'new':
      return <NewLine />;
    case 'notice':
      return <NoticeRow notice={row.notice} />;
    case 'message':
      return <MessageRow message={row.message} first={row.first} last={row.last} group={group} />;
  }
}

/** What stands above the first row: the beginning, what is loading, or why nothing came. */
function Head({ view, empty, whole }: { view: ConversationView; empty: boolean; whole: boolean }) {
  const text = t.value.chat;
  if (view.error.value) {
    return (
      <p class="timeline-head" role="alert">
        {text.loadFailed}{' '}
        <button type="button" class="link" onClick={() => attempt(view.loadOlder())}>
          {text.again}
        </button>
      </p>
    );
  }
  if (empty && view.loading.value) return <Skeleton />;
  if (view.hasOlder.value) return <p class="timeline-head" aria-hidden="true" />;
  if (!whole) return null;
  return <p class="timeline-head">{empty ? text.sayHello : text.beginning}</p>;
}

function Skeleton() {
  return (
    <div class="timeline-skeleton" role="status" aria-label={t.value.chat.loading}>
      {[44, 62, 30, 54, 38].map((width, i) => (
        <div key={width} class={`skeleton ${i % 3 === 2 ? 'own' : ''}`} data-width={width} />
      ))}
    </div>
  );
}

/** ms for which a screen reader finds what was said, and how many messages of it. */
const saidFor = 10_000;
const saidMost = 10;

/** Says to a screen reader what others write here. A region of its own: the list also changes when one scrolls. */
function Announcer({ view, group }: { view: ConversationView; group: boolean }) {
  const core = useCore();
  const [said, say] = useState<{ id: string; words: string }[]>([]);
  useEffect(
    () =>
      core.on('message', (m) => {
        if (m.conv !== view.conv || m.mine) return;
        const name = core.person(m.sender).peek().name;
        const words = (group ? t.peek().chat.said(name, summary(m)) : summary(m)).slice(0, 300);
        say((before) => [...before.slice(1 - saidMost), { id: m.id, words }]);
      }),
    [core, view, group],
  );
  // What was said stays nowhere: the message may be changed or taken back.
  useEffect(() => {
    if (said.length === 0) return;
    const timer = setTimeout(() => say([]), saidFor);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div class="hidden-visually" role="status" aria-live="polite" aria-atomic="false">
      {said.map(({ id, words }) => (
        <p key={id}>{words}</p>
      ))}
    </div>
  );
}

/** The seq of a row's message, or of the next one after it. */
function seqAt(rows: Row[], key: string): number | undefined {
  const at = rows.findIndex((row) => row.key === key);
  const row = at < 0 ? undefined : rows.slice(at).find((one) => one.kind === 'message' && one.message.seq);
  return row?.kind === 'message' ? row.message.seq : undefined;
}

/** The seq of the last message of which all is above the lower edge of the window. */
function lastInSight(el: HTMLElement, rows: Row[]): number | undefined {
  const edge = el.scrollTop + el.clientHeight;
  const shown = [...el.querySelectorAll<HTMLElement>('.message')];
  const key = shown.findLast((row) => row.offsetTop + row.offsetHeight <= edge)?.dataset.key;
  const row = rows.findLast((one) => one.key === key);
  return row?.kind === 'message' ? row.message.seq : undefined;
}

function firstInSight(el: HTMLElement): Anchor | undefined {
  for (const row of el.querySelectorAll<HTMLElement>('[data-key]')) {
    if (row.offsetTop + row.offsetHeight > el.scrollTop)
      return { key: row.dataset.key ?? '', offset: row.offsetTop - el.scrollTop };
  }
  return undefined;
}

function rowOf(el: HTMLElement, key: string): HTMLElement | null {
  return el.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
}
