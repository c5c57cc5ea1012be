// Several tabs of one browser: they share one connection.

import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeChannels } from '../testing/channels';
import { FakeLocks } from '../testing/locks';
import { FakeServer } from '../testing/server';
import type { Core, Message } from '../types';

const settle = async () => {
  for (let i = 0; i < 20; i++) await vi.advanceTimersByTimeAsync(1);
};

/** One browser with tabs. */
class Bench {
  readonly server = new FakeServer();
  readonly cores: Core[] = [];
  private readonly locks = new FakeLocks();
  private readonly channels = new FakeChannels();

  constructor(private readonly memory = false) {}

  /** Opens a tab on which one signs in. */
  async tab() {
    const [locks, channel] = [this.locks.tab(), this.channels.tab()];
    const tab = { locks: locks.manager, channel: channel.channel };
    const core = await this.server.core({ memory: this.memory, tab });
    this.cores.push(core);
    await settle();
    const die = () => {
      channel.die();
      locks.die();
    };
    return { core, die, sleep: channel.sleep, loseChannel: channel.die };
  }

  /** The server answers the newest connection. */
  async connect(present: boolean): Promise<void> {
    await settle();
    this.server.socket.open();
    this.server.socket.connack({ present });
    await settle();
  }

  published(): { id: number; text: string; cid: string }[] {
    return this.server.socket
      .heard()
      .filter((p) => p.type === 'publish' && p.qos === 1)
      .map((p) => {
        const { correlationData } = p.properties as { correlationData: Uint8Array };
        const text = new TextDecoder().decode(p.payload as Uint8Array).match(/"co":"([^"]*)"/)?.[1] ?? '';
        return { id: p.id as number, text, cid: Buffer.from(correlationData).toString('hex') };
      });
  }
}

let b: Bench;
const texts = (view: { items: { peek(): unknown[] } }) => view.items.peek().map((i) => (i as Message).text);
const states = () => b.cores.map((c) => c.connection.peek().state);
const conversation = (core: Core, conv = 'u:bob') => core.conversations.peek().find((c) => c.conv === conv);

async function start(memory = false) {
  b = new Bench(memory);
  b.server.say('u:bob', 'bob', 'one');
  b.server.say('u:bob', 'bob', 'two');
  const first = await b.tab();
  await b.connect(false);
  const second = await b.tab();
  return { first, second, server: b.server };
}

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
});
afterEach(async () => {
  const out = Promise.all(b.cores.map((c) => c.logout()));
  await vi.advanceTimersByTimeAsync(5000);
  await out;
  vi.useRealTimers();
});

test('one connection serves all: messages, typing, its state', async () => {
  const { first, second, server } = await start();
  expect(server.sockets).toHaveLength(1);
  expect(states()).toEqual(['online', 'online']);
  const views = [first, second].map((t) => t.core.open('u:bob'));
  await settle();
  server.socket.publish({ topic: '/e/demo/typing/u/alice', payload: new TextEncoder().encode('bob') });
  await settle();
  expect(views.map((v) => v.typing.peek())).toEqual([['bob'], ['bob']]);
  server.deliver('u:bob', 'bob', 'three');
  await settle();
  expect(views.map(texts)).toEqual([
    ['one', 'two', 'three'],
    ['one', 'two', 'three'],
  ]);
  expect([first, second].map((t) => t.core.unreadTotal.peek())).toEqual([3, 3]);
  expect(server.socket.heard().filter((p) => p.type === 'puback')).toHaveLength(1);
  server.socket.break();
  await settle();
  expect(states()).toEqual(['waiting', 'waiting']);
  expect(second.core.connection.peek().retryAt).toBe(first.core.connection.peek().retryAt);
  second.core.nudge();
  await b.connect(true);
  expect(states()).toEqual(['online', 'online']);
  expect(server.sockets).toHaveLength(2);
});

test('what one tab sends shows in all, and goes out once', async () => {
  const { first, second, server } = await start();
  const views = [first, second].map((t) => t.core.open('u:bob'));
  await settle();
  second.core.send('u:bob', 'hello');
  await settle();
  expect(views.map((v) => v.items.peek().at(-1))).toMatchObject([
    { text: 'hello', state: 'waiting' },
    { text: 'hello', state: 'waiting' },
  ]);
  const [p, ...more] = b.published();
  expect([p?.text, more]).toEqual(['hello', []]);
  await vi.advanceTimersByTimeAsync(5100);
  expect(second.core.connection.peek().stalled).toBe(true);
  server.socket.ack('puback', p?.id as number, 0, { user: [['seq', '3']] });
  await settle();
  for (const v of views) expect(v.items.peek().at(-1)).toMatchObject({ id: p?.cid, state: 'stored', seq: 3 });
  expect(views.map((v) => v.items.peek().length)).toEqual([3, 3]);
  expect([first, second].map((t) => conversation(t.core)?.last?.text)).toEqual(['hello', 'hello']);
  expect(second.core.connection.peek().stalled).toBe(false);
  second.core.typing('u:bob');
  await settle();
  expect(server.socket.heard()).toMatchObject([{ topic: '/e/demo/typing/u/bob', qos: 0 }]);
});

test('a message that is refused can be tried again or thrown away in another tab', async () => {
  const { first, second, server } = await start();
  first.core.send('u:bob', 'no');
  await settle();
  const [p] = b.published();
  server.socket.ack('puback', p?.id as number, 0x87);
  await settle();
  const view = second.core.open('u:bob');
  expect(view.items.peek().at(-1)).toMatchObject({ text: 'no', state: 'failed' });
  second.core.retry('u:bob', p?.cid as string);
  await settle();
  const [again] = b.published();
  expect(again).toMatchObject({ text: 'no', cid: p?.cid });
  server.socket.ack('puback', again?.id as number, 0x87);
  await settle();
  second.core.discard('u:bob', p?.cid as string);
  await settle();
  expect(texts(first.core.open('u:bob'))).not.toContain('no');
});

describe('the tab that leads dies', () => {
  test('the next goes on with its session, and with what was under way', async () => {
    const { first, second, server } = await start();
    const view = second.core.open('u:bob');
    await settle();
    first.core.send('u:bob', 'under way');
    await settle();
    const [p] = b.published();
    server.asked();
    first.die();
    await settle();
    expect(second.core.connection.peek().state).toBe('connecting');
    server.socket.open();
    expect(server.socket.heard()).toMatchObject([{ type: 'connect', clientId: 'web-1', cleanStart: false }]);
    server.socket.connack({ present: true });
    await settle();
    expect(server.sockets).toHaveLength(2);
    const [again] = b.published();
    expect(again).toMatchObject({ text: 'under way', cid: p?.cid });
    server.socket.ack('puback', again?.id as number, 0, { user: [['seq', '3']] });
    await settle();
    server.deliver('u:bob', 'bob', 'four', { seq: 4 }); // it was not acknowledged by the tab that died
    await settle();
    expect(texts(view)).toEqual(['one', 'two', 'under way', 'four']);
    expect(server.asked()).toEqual([]);
  });

  test('what it had told is there, and what comes again is shown once', async () => {
    const { first, second, server } = await start();
    const view = second.core.open('u:bob');
    await settle();
    server.deliver('u:bob', 'bob', 'three');
    first.die();
    await b.connect(true);
    server.deliver('u:bob', 'bob', 'three', { seq: 3 });
    await settle();
    expect(texts(view)).toEqual(['one', 'two', 'three']);
    expect(second.core.unreadTotal.peek()).toBe(3);
  });

  test('a third tab follows the next', async () => {
    const { first, server } = await start();
    const third = await b.tab();
    server.asked();
    first.die();
    await b.connect(true);
    server.deliver('u:bob', 'bob', 'three');
    await settle();
    expect(conversation(third.core)).toMatchObject({ lastSeq: 3, unread: 3 });
    expect(third.core.connection.peek().state).toBe('online');
    expect(server.asked()).toEqual([]);
  });
});

test('a tab that leads and does not answer is replaced, and follows when it is back', async () => {
  const { first, second, server } = await start();
  first.sleep(true);
  second.core.send('u:bob', 'anybody there?');
  await settle();
  expect(b.published()).toEqual([]);
  await vi.advanceTimersByTimeAsync(10_100);
  await b.connect(true);
  expect(server.sockets[0]?.closed).toBe(true);
  expect(b.published()).toMatchObject([{ text: 'anybody there?' }]);
  first.sleep(false);
  first.core.nudge();
  await settle();
  expect(states()).toEqual(['online', 'online']);
  server.deliver('u:bob', 'bob', 'three');
  await settle();
  expect(conversation(first.core)?.lastSeq).toBe(3);
});

test('a tab that was asleep reads what it has not heard', async () => {
  const { second, server } = await start();
  const view = second.core.open('u:bob');
  await settle();
  second.sleep(true);
  server.deliver('u:bob', 'bob', 'three');
  server.deliver('u:carol', 'carol', 'hello');
  await settle();
  second.sleep(false);
  second.core.nudge();
  await settle();
  expect(texts(view)).toEqual(['one', 'two', 'three']);
  expect(conversation(second.core, 'u:carol')).toMatchObject({ unread: 1 });
});

test('read marks, drafts and settings agree at once', async () => {
  const { first, second, server } = await start();
  server.asked();
  second.core.open('u:bob').markRead();
  second.core.setDraft('u:bob', 'half a thou');
  await settle();
  expect(conversation(first.core)).toMatchObject({ unread: 0, readSeq: 2, draft: 'half a thou' });
  server.conversations.set('u:bob', { ...server.conversations.get('u:bob'), pinned: true } as never);
  await second.core.setConversation('u:bob', { pinned: true });
  await settle();
  expect(conversation(first.core)).toMatchObject({ pinned: true, unread: 0 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(server.asked().filter((c) => c.startsWith('PUT'))).toEqual(['PUT /conversations/u:bob/read {"seq":2}']);
});

test('without a database, a tab that joins is told what waits', async () => {
  const { first } = await start(true);
  b.server.socket.break();
  first.core.send('u:bob', 'written offline');
  await settle();
  const third = await b.tab();
  expect(texts(third.core.open('u:bob'))).toContain('written offline');
});

test('signed in on another device: all tabs say so, and any may come back', async () => {
  const { second, server } = await start();
  server.notice(0x28);
  await settle();
  expect(states()).toEqual(['kicked', 'kicked']);
  second.core.nudge();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(server.sockets).toHaveLength(1);
  second.core.reconnect();
  await b.connect(true);
  expect(states()).toEqual(['online', 'online']);
});

test('signed in on another device: closing the tab that leads does not take the connection back', async () => {
  const { first, second, server } = await start();
  server.notice(0x28);
  await settle();
  first.die();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(server.sockets).toHaveLength(1);
  expect(second.core.connection.peek().state).toBe('kicked');
  second.core.reconnect();
  await b.connect(false);
  expect(second.core.connection.peek().state).toBe('online');
});

test('signing out in one tab signs all out', async () => {
  const { first, second } = await start();
  const out = second.core.logout();
  await settle();
  await out;
  expect(first.core.account.peek()).toEqual({ status: 'out', reason: 'You signed out in another tab.' });
  expect(first.core.conversations.peek()).toEqual([]);
  const again = first.core.login('demo', 'alice', 'secret');
  await vi.advanceTimersByTimeAsync(200);
  await settle();
  await again;
  await b.connect(false);
  expect(first.core.connection.peek().state).toBe('online');
});

test('what one tab edits shows in all, and the one that has the connection sends it, once', async () => {
  const { first, second, server } = await start();
  server.say('u:bob', 'alice', 'tow');
  const views = [first, second].map(({ core }) => core.open('u:bob'));
  await settle();
  const media = () => server.messages.get('u:bob')?.[2]?.media[0]?.content.co;
  let answer = () => {};
  server.slow = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  server.asked();
  second.core.edits.put(views[1]?.items.peek()[2] as Message, 'two');
  await settle();
  for (const view of views) expect(view.items.peek()[2]).toMatchObject({ text: 'two', editing: 'waiting' });
  expect(media()).toBe('tow');
  answer();
  await settle();
  expect(media()).toBe('two');
  expect(server.asked().filter((call) => call.startsWith('PATCH'))).toHaveLength(1);
  for (const view of views) {
    expect(view.items.peek()[2]).toMatchObject({ text: 'two', editedAt: expect.any(Number) });
    expect(view.items.peek()[2]).not.toHaveProperty('editing');
  }
});
