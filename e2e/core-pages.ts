// A browser as far as the core needs one: cookies, WebSockets, Web Locks, channels between tabs; pages that can die.

import { effect, type ReadonlySignal } from '@preact/signals-core';
import { WebSocket as NodeSocket } from 'ws';
import { type ConversationView, type Core, createCore, type Item, type Message } from '../web/core';
import { FakeChannels } from '../web/core/testing/channels';
import { FakeLocks } from '../web/core/testing/locks';
import { demo, type Server } from './server';

export class Browser {
  private readonly cookies = new Map<string, string>();
  private readonly locks = new FakeLocks();
  private readonly channels = new FakeChannels();

  constructor(
    private readonly server: Server,
    /** False: the page came over plain HTTP. */
    private readonly hasLocks = true,
  ) {}

  page(): Page {
    const locks = this.locks.tab();
    const channel = this.channels.tab();
    return new Page({
      base: this.server.http,
      locks: this.hasLocks ? locks.manager : null,
      channel: channel.channel,
      fetch: (url, init) => this.fetch(url, init),
      die: () => {
        channel.die();
        locks.die();
      },
    });
  }

  /** A page on which one has signed in and that is online. */
  async signIn(uid: string): Promise<Page> {
    const page = this.page();
    await page.core.login(demo.org, uid, demo.password);
    await page.online();
    return page;
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    const headers = {
      ...(init.headers as Record<string, string>),
      'Sec-Fetch-Site': 'same-origin',
      Cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    };
    const answer = await fetch(url, { ...init, headers });
    for (const c of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = (c.split(';')[0] ?? '').split('=');
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(c)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }
}

export class Page {
  readonly core: Core;
  private readonly sockets: NodeSocket[] = [];
  private dead = false;

  constructor(
    private readonly o: {
      base: string;
      locks: LockManager | null;
      channel: (name: string) => BroadcastChannel;
      fetch: (url: string, init: RequestInit) => Promise<Response>;
      die: () => void;
    },
  ) {
    this.core = createCore({
      base: o.base,
      locks: o.locks,
      channel: o.channel,
      fetch: async (url, init) => {
        if (this.dead) throw new TypeError('The page is gone.');
        return o.fetch(url as string, init ?? {});
      },
      socket: (url) => {
        if (this.dead) throw new TypeError('The page is gone.');
        const s = new NodeSocket(url, 'mqtt');
        this.sockets.push(s);
        return s as unknown as WebSocket;
      },
    });
  }

  online(): Promise<unknown> {
    return until(this.core.connection, (c) => c.state === 'online');
  }

  /** Cuts the connection as a lost network does. */
  async cut(): Promise<void> {
    this.sockets.at(-1)?.terminate();
    await until(this.core.connection, (c) => c.state !== 'online');
  }

  /** Ends at once, with nothing said to anybody; its locks are free. */
  die(): void {
    this.dead = true;
    for (const s of this.sockets) s.terminate();
    this.o.die();
  }

  /** How many connections it has ever made. */
  get connections(): number {
    return this.sockets.length;
  }

  open(conv: string): View {
    return new View(this.core.open(conv));
  }
}

export class View {
  constructor(private readonly view: ConversationView) {}

  get messages(): Message[] {
    return messagesOf(this.view.items.peek());
  }

  /** Waits for a message of this text, in a state. */
  async message(text: string, state: Message['state'] = 'stored'): Promise<Message> {
    const good = (m: Message) => m.text === text && m.state === state;
    return messagesOf(await until(this.view.items, (l) => messagesOf(l).some(good))).find(good) as Message;
  }

  /** Waits until all that was written is stored. */
  async settled(): Promise<Message[]> {
    return messagesOf(await until(this.view.items, (l) => messagesOf(l).every((m) => m.state === 'stored')));
  }

  until(good: (items: Item[]) => unknown): Promise<Item[]> {
    return until(this.view.items, good);
  }

  get raw(): ConversationView {
    return this.view;
  }
}

function messagesOf(items: Item[]): Message[] {
  return items.filter((i): i is Message => 'media' in i);
}

/** ms after which what is waited for will not come: less than a test has. */
const patience = 60_000;

/** Waits until a signal's value is as wanted. */
export function until<T>(s: ReadonlySignal<T>, good: (v: T) => unknown): Promise<T> {
  const late = new Error('It did not come.'); // with the place of the call
  return new Promise((resolve, reject) => {
    let done = false;
    const timer = setTimeout(() => {
      late.message = `This is not what was waited for: ${JSON.stringify(s.peek())?.slice(0, 300)}`;
      reject(late);
    }, patience);
    const stop = effect(() => {
      if (done || !good(s.value)) return;
      done = true;
      clearTimeout(timer);
      resolve(s.value);
      queueMicrotask(() => stop());
    });
  });
}
