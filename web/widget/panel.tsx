// The page in the iframe: the chat as far as it fits, for whoever is signed in at the page around it.

import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import { Shell, Starting, whoOf } from '../chat/app';
import { CoreProvider, useCore } from '../chat/context';
import { go, href, keepInside, type Route, route } from '../chat/route';
import '../chat/styles';
import { only } from '../chat/surface';
import { type Connection, type Core, createCore, type Message } from '../core';
import { setClock, watchDays } from '../ui/day';
import { Icon } from '../ui/icon';
import { Logo } from '../ui/logo';
import { ready, speak } from '../ui/prefs';
import { nameOf } from '../ui/problem';
import { fetchFiles } from '../ui/source';
import { Toasts } from '../ui/toast';
import { paint } from './paint';
import './panel.css';
import { words } from './panel-text';
import { listen } from './port';
import type * as t from './types';
import type { Account, ToPanel } from './wire';

type Why = Extract<Account, { why: unknown }>['why'];

/** Why nobody is signed in. */
const why = signal<Why | undefined>(undefined);
/** The bubble's panel, which can be closed; not one in the flow of a page. */
const closes = signal(false);
/** Somebody has asked to be signed out. */
let leaving = false;
const asked = new Map<number, (token: string | null | undefined) => void>();
let last = 0;
let core: Core | undefined;
/** Counts the greetings. What the loader knows of the panel is told by the port of the last one. */
const greeted = signal(0);

const tell = listen((m) => {
  if (m.type === 'start') start(m);
  else if (core) told(core, m);
});

function start({ theme, locale, conv, inline, shown }: Extract<ToPanel, { type: 'start' }>): void {
  paint(theme);
  greeted.value++;
  if (core) {
    speakAs(locale).catch(() => {}); // what is there stays
    return;
  }
  closes.value = !inline;
  only.value = conv;
  keepInside(conv ? href.conv(conv) : href.chats, (r) => fits(r));
  core = createCore({
    base: location.origin,
    app: new URLSearchParams(location.search).get('app') ?? '',
    token: obtain,
    storage: 'memory',
    // Where storage is blocked, even to ask for these may throw.
    locks: null,
    channel: null,
  });
  setClock(() => core?.now() ?? Date.now());
  watchDays();
  fetchFiles((path) => (core as Core).media.load(path));
  follow(core);
  const its = core;
  const draw = () => {
    render(
      <CoreProvider value={its}>
        <Panel />
      </CoreProvider>,
      document.getElementById('app') as HTMLElement,
    );
    effect(() => {
      if (greeted.value) tell({ type: 'here' });
    });
  };
  speakAs(locale).then(draw, () => {}); // without words it is not here: the loader says so, and offers another try
  if (shown && !inline) look();
}

function told(core: Core, m: ToPanel): void {
  switch (m.type) {
    case 'token':
      asked.get(m.id)?.(m.token);
      asked.delete(m.id);
      break;
    case 'theme':
      paint(m.theme);
      break;
    case 'locale':
      speakAs(m.locale).catch(() => {}); // what is there stays
      break;
    case 'shown':
      if (m.shown) look();
      else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      break;
    case 'open':
      if (!only.value || only.value === m.conv) go(href.conv(m.conv));
      answer(m.id, Promise.resolve());
      break;
    case 'identify':
      answer(m.id, core.identify());
      break;
    case 'logout':
      leaving = core.account.peek().status !== 'out';
      answer(m.id, core.logout());
      break;
  }
}

/** One token of the host. Rejects where the loader could get none. */
async function obtain(): Promise<string | null> {
  const id = ++last;
  const token = await new Promise<string | null | undefined>((resolve) => {
    asked.set(id, resolve);
    tell({ type: 'token', id });
  });
  if (token === undefined) throw new Error('it could not be asked.');
  return token;
}

/** Tells the loader what happens here. */
function follow(core: Core): void {
  effect(() => {
    const { status, me, reason, problem } = core.account.value;
    if (status === 'in' && me) {
      leaving = false;
      why.value = undefined;
      tell({ type: 'account', user: me.uid });
    } else if (status === 'out') {
      why.value = leaving ? 'left' : problem ? whyOf(nameOf(problem.names)) : 'ended';
      leaving = false;
      tell({ type: 'account', why: why.value, message: reason ?? words.peek()[why.value] });
    }
  });
  effect(() => {
    if (greeted.value) tell({ type: 'unread', unread: core.unreadTotal.value });
  });
  let before: t.Connection | undefined;
  effect(() => {
    const now = connectionOf(core.connection.value);
    if (now && now !== before) tell({ type: 'connection', connection: now });
    before = now ?? before;
  });
  core.on('message', (m, c) => {
    const id = m.conv.slice(2);
    tell({
      type: 'message',
      message: {
        chat: c.kind === 'group' ? { group: id } : { user: id },
        seq: m.seq ?? 0,
        from: m.sender,
        at: m.ts,
        mentioned: mentions(m, core.account.peek().me?.uid),
        muted: c.muted,
      },
    });
  });
  addEventListener('online', () => {
    core.nudge();
    if (why.peek() === 'no-token') void core.identify().catch(() => {});
  });
  addEventListener('offline', () => core.nudge());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') core.nudge();
    else core.flush();
  });
  addEventListener('pagehide', () => core.flush());
  // Esc is for what lies over the chat first, then for what is searched for, for details, and then for the panel.
  let elsewhere = false;
  addEventListener(
    'keydown',
    ({ target }) => {
      const now = route.peek();
      elsewhere =
        !closes.peek() ||
        (now.view === 'chats' && now.info === true) ||
        (target instanceof HTMLInputElement && target.value !== '') ||
        document.querySelector('dialog[open], [popover]:popover-open') !== null;
    },
    { capture: true },
  );
  addEventListener('keydown', (e) => {
    if (e.key === 'Escape' && !elsewhere && !e.defaultPrevented && !e.isComposing) tell({ type: 'close' });
  });
}

function answer(id: number, work: Promise<unknown>): void {
  work.then(
    () => tell({ type: 'done', id }),
    (e) => tell({ type: 'done', id, error: e instanceof Error ? e.message : String(e) }),
  );
}

/** To where one goes on: the box to write in, where there is one. */
function look(): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>('.composer-input')?.focus());
}

async function speakAs(locale: string): Promise<void> {
  await speak(/^zh\b/i.test(locale) ? 'zh' : 'en').catch(() => ready); // then in the language of the browser
  document.title = words.peek().title;
}

/** What a panel has a place for. */
function fits(r: Route): boolean {
  if (!only.peek()) return r.view === 'chats' || r.view === 'people';
  return r.view === 'people' ? r.uid !== undefined : r.view === 'chats' && r.conv === only.peek();
}

function whyOf(name: string): Why {
  return name === 'host-nobody' ? 'nobody' : name === 'host-no-token' ? 'no-token' : 'refused';
}

function connectionOf({ state }: Connection): t.Connection | undefined {
  if (state === 'idle') return undefined;
  if (state === 'online' || state === 'connecting') return state;
  return state === 'waiting' ? 'offline' : 'ended';
}

function mentions(m: Message, me: string | undefined): boolean {
  const at = m.media[0]?.content.at;
  return Array.isArray(at) && at.includes(me);
}

function Panel() {
  const account = useCore().account.value;
  const { status } = account;
  return (
    <div class={only.value ? 'panel-only' : undefined}>
      {status === 'in' ? (
        <Shell key={whoOf(account)}>
          <Close />
        </Shell>
      ) : status === 'out' ? (
        <Out />
      ) : (
        <Starting />
      )}
      <Toasts />
    </div>
  );
}

function Close() {
  if (!closes.value) return null;
  const { close } = words.value;
  return (
    <button
      type="button"
      class="icon-button panel-close"
      aria-label={close}
      title={close}
      onClick={() => tell({ type: 'close' })}
    >
      <Icon name="close" />
    </button>
  );
}

/** Nobody is signed in: why, and the way back. */
function Out() {
  const text = words.value;
  const reason = why.value ?? 'ended';
  return (
    <main class="panel-out">
      <Close />
      <Logo class="blank-logo" />
      <p role="status">{text[reason]}</p>
      <button type="button" class="button primary" onClick={() => tell({ type: 'identify' })}>
        {reason === 'ended' || reason === 'left' ? text.signIn : text.again}
      </button>
    </main>
  );
}
