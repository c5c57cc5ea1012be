// The words between loader and panel in every order that pages, ports and people can bring them into.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Frame } from './frame';
import { listen } from './port';
import type { FromPanel, ToPanel } from './wire';
import { wordsIn } from './words';

const host = 'https://host.test';

/** What is under way: of each queue the first may come next. */
let queues: (() => void)[][];

/** A port whose words come when the test says, once somebody listens. */
class Port {
  other!: Port;
  private told: ((e: { data: unknown }) => void) | undefined;
  private readonly inbox: (() => void)[] = [];
  private closed = false;

  set onmessage(told: (e: { data: unknown }) => void) {
    this.told = told;
    queues.push(this.inbox);
  }

  postMessage(data: unknown): void {
    const { other } = this;
    if (!this.closed) other.inbox.push(() => other.told?.({ data }));
  }

  close(): void {
    this.closed = true; // what is under way may still come
  }
}

class Channel {
  readonly port1 = new Port();
  readonly port2 = new Port();

  constructor() {
    this.port1.other = this.port2;
    this.port2.other = this.port1;
  }
}

const parts: object = { setAttribute() {}, append() {}, replaceChildren() {}, remove() {} };
const elements: { hidden?: boolean }[] = [];
const element = () => {
  const one: { hidden?: boolean } = { ...parts };
  elements.push(one);
  return one;
};

let greeted: ((e: object) => void)[];

/** A page in the iframe: the panel's end of the port as it is, and of the panel only who is signed in. */
class Page {
  readonly greeted: ((e: object) => void)[] = [];
  user: string | undefined;
  private started = false;
  drawn = false;
  private readonly say: (m: FromPanel) => void = () => {};
  private asked: { id: number; token: number } | undefined;
  private tokens = 0;

  /** dead: a page that is no panel. */
  constructor(dead: boolean) {
    greeted = this.greeted;
    if (!dead) this.say = listen((m) => this.told(m));
  }

  draw(): void {
    if (!this.started) return;
    this.drawn = true;
    this.say({ type: 'here' });
  }

  private told(m: ToPanel): void {
    if (m.type === 'start') {
      this.started = true;
      if (this.drawn) this.say({ type: 'here' });
    } else if (!this.started) throw new Error(`${m.type} before start`);
    else if (m.type === 'open') this.say({ type: 'done', id: m.id });
    else if (m.type === 'identify' || m.type === 'logout') {
      if (this.asked) this.say({ type: 'done', id: this.asked.id, error: 'superseded' });
      this.asked = undefined;
      this.user = undefined;
      if (m.type === 'logout') this.say({ type: 'done', id: m.id });
      else {
        this.asked = { id: m.id, token: ++this.tokens };
        this.say({ type: 'token', id: this.tokens });
      }
    } else if (m.type === 'token' && m.id === this.asked?.token) {
      const { id } = this.asked;
      this.asked = undefined;
      this.user = m.token ?? undefined;
      this.say({ type: 'done', id });
    }
  }
}

beforeEach(() => {
  queues = [];
  const parent = {};
  vi.stubGlobal('MessageChannel', Channel);
  vi.stubGlobal('parent', parent);
  vi.stubGlobal('self', {});
  vi.stubGlobal('location', { origin: 'https://im.test' });
  vi.stubGlobal('addEventListener', (_: string, f: (e: object) => void) => greeted.push(f));
  vi.stubGlobal('document', {
    readyState: 'complete',
    createElement: element,
    createElementNS: element,
    querySelector: () => ({ content: host }),
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** 0 … 1, the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function play(seed: number): Promise<void> {
  const next = random(seed);
  const done: string[] = [];
  let left = false;
  /** Asked who is to be signed in, and not answered. */
  let waiting = true;
  const answers: { what: string; settled: boolean }[] = [];
  const note = (what: string, work: Promise<unknown>) => {
    const one = { what, settled: false };
    const settle = () => {
      if (one.settled) throw new Error(`${what} was answered twice`);
      one.settled = true;
    };
    answers.push(one);
    work.then(settle, settle);
  };

  const greetings: (() => void)[] = [];
  const events: (() => void)[] = [];
  const tokens: (() => void)[] = [];
  queues.push(greetings, events, tokens);
  let page = new Page(true);
  elements.length = 0;
  const frame = new Frame({
    url: new URL('https://im.test/embed/v1/panel'),
    words: () => wordsIn('en'),
    start: () => ({ type: 'start', theme: {}, locale: 'en', conv: undefined, inline: false, shown: false }),
    left: () => left,
    told: () => {},
    signed: (e) => {
      waiting = false;
      done.push(e ? `signed: ${e.message}` : 'signed');
    },
    token: () => new Promise((resolve) => tokens.push(() => resolve('alice'))),
    failed: () => {
      waiting = false;
    },
  });
  const [cover] = elements;
  const iframe = frame.iframe as unknown as { src?: string; onload: () => void; contentWindow: object };
  let loads = 0;
  let src: string | undefined;
  Object.defineProperty(iframe, 'src', {
    get: () => src,
    set: (to: string) => {
      src = to;
      loads++;
    },
  });
  iframe.contentWindow = {
    postMessage: (data: string, _: string, ports: Port[]) =>
      // It comes to whatever page is there by then.
      greetings.push(() => {
        for (const f of page.greeted) f({ source: parent, origin: host, data, ports });
      }),
  };
  /** Another page has come; that it is loaded is told later. */
  const come = (dead: boolean) => {
    page = new Page(dead);
    events.push(() => iframe.onload());
  };
  const acts: Record<string, () => void> = {
    load: () => frame.load(),
    first: () => frame.load(true),
    come: () => iframe.src && come(false),
    'come dead': () => iframe.src && come(true),
    draw: () => page.draw(),
    fail: () => frame.fail(),
    open: () => note('open', frame.request({ type: 'open', conv: 'g:launch' })),
    identify: () => {
      left = false;
      waiting = true;
      note('identify', frame.sign());
      frame.load();
    },
    logout: () => {
      left = true;
      waiting = false;
      note('logout', frame.sign());
    },
  };
  const names = Object.keys(acts);
  /** One of what is under way comes. */
  const deliver = () => {
    const some = queues.filter((queue) => queue.length > 0);
    some[Math.floor(next() * some.length)]?.shift()?.();
    return some.length > 0;
  };
  const steps = Math.floor(next() * 30);
  for (let i = 0; i < steps; i++) {
    if (next() < 0.5) deliver();
    else {
      const name = names[Math.floor(next() * names.length)] as string;
      done.push(name);
      acts[name]?.();
    }
    if (next() < 0.7) await Promise.resolve();
  }

  const why = () => `seed ${seed}: ${done.join(', ')}`;
  const calm = async () => {
    do for (let i = 0; i < 5; i++) await Promise.resolve();
    while (deliver());
  };
  /** What is left without an answer. */
  const open = () => answers.filter(({ settled }) => !settled).map(({ what }) => what);
  frame.load();
  if (next() < 0.2) {
    // None comes: only that a conversation be opened waits for one that still may.
    come(true);
    await calm();
    acts.logout?.();
    frame.fail();
    await calm();
    expect(new Set([...open(), 'open']), why()).toEqual(new Set(['open']));
    expect(waiting, why()).toBe(false);
    frame.end();
    await calm();
    expect(open(), why()).toEqual([]);
    return;
  }
  // In the end a panel comes, given up or not, and draws.
  const late = next() < 0.3;
  if (late) frame.fail();
  if (late || next() < 0.5 || page.greeted.length === 0) come(false);
  await calm();
  expect(cover?.hidden, why()).toBe(page.drawn);
  const before = loads;
  frame.load();
  expect(loads, why()).toBe(before); // it has spoken
  page.draw();
  await calm();
  expect(cover?.hidden, why()).toBe(true);
  expect(open(), why()).toEqual([]);
  expect(waiting, why()).toBe(false);
  expect(done.join(), why()).not.toContain('signed: ');
  expect(page.user, why()).toBe(left ? undefined : 'alice');
  frame.end();
}

test('whatever the order, each request is answered once, and the last word of who is signed in counts', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  for (let seed = 1; seed <= 1000; seed++) await play(seed);
});
