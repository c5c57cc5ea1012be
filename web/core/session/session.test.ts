import 'fake-indexeddb/auto';
import { effect } from '@preact/signals-core';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Database } from '../db/database';
import { FakeServer } from '../testing/server';
import type { Conversation, Core, Message } from '../types';

let server: FakeServer;
let core: Core;

/** Lets everything go on that needs no time. */
const settle = async () => {
  for (let i = 0; i < 20; i++) await vi.advanceTimersByTimeAsync(1);
};

/** What follows a message quickly is shown by then. */
const gathered = () => vi.advanceTimersByTimeAsync(100);

async function up(present = false): Promise<void> {
  await settle();
  server.socket.open();
  server.socket.connack({ present });
  await settle();
  server.socket.heard();
}

beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  server = new FakeServer();
  server.say('u:bob', 'bob', 'one');
  server.say('u:bob', 'bob', 'two');
  core = await server.core();
  await up();
});
afterEach(async () => {
  const out = core.logout();
  await settle();
  await out;
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const conversation = (conv: string) => core.conversations.peek().find((c) => c.conv === conv) as Conversation;
const texts = (view: { items: { peek(): unknown[] } }) => view.items.peek().map((i) => (i as Message).text);
const heard = () => server.socket.heard();
const acked = () =>
  heard()
    .filter((p) => p.type === 'puback')
    .map((p) => p.id);

describe('a message that comes', () => {
  test('is shown, counts as unread, and is told to those who make sounds', async () => {
    const told: string[] = [];
    core.on('message', (m, c) => told.push(`${c.name}: ${m.text}`));
    const view = core.open('u:bob');
    await settle();
    const id = server.deliver('u:bob', 'bob', 'three');
    await settle();
    expect(texts(view)).toEqual(['one', 'two', 'three']);
    expect(conversation('u:bob')).toMatchObject({ lastSeq: 3, unread: 3, last: { text: 'three' } });
    expect(core.unreadTotal.peek()).toBe(3);
    expect(told).toEqual(['bob: three']);
    expect(acked()).toEqual([id]);
  });

  test('a second time changes nothing', async () => {
    server.deliver('u:bob', 'bob', 'three');
    server.deliver('u:bob', 'bob', 'three', { seq: 3 });
    await settle();
    expect(conversation('u:bob').unread).toBe(3);
    expect(acked()).toHaveLength(2);
  });

  test('right after another is acknowledged at once and shown with those that follow', async () => {
    const view = core.open('u:bob');
    await settle();
    let redrawn = 0;
    const stop = effect(() => {
      view.items.value;
      core.conversations.value;
      redrawn++;
    });
    redrawn = 0;
    for (let i = 3; i <= 12; i++) {
      server.deliver('u:bob', 'bob', `${i}`);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(acked()).toHaveLength(10);
    expect(texts(view)).toEqual(['one', 'two', '3']);
    await gathered();
    expect(texts(view).slice(-2)).toEqual(['11', '12']);
    expect(conversation('u:bob')).toMatchObject({ lastSeq: 12, unread: 12 });
    expect(redrawn).toBe(2);
    stop();
  });

  test('is shown before a notice that came after it', async () => {
    const view = core.open('u:bob');
    await settle();
    server.deliver('u:bob', 'bob', 'three');
    server.deliver('u:bob', 'bob', 'four');
    server.notice(0x43, { conv: 'u:bob', seq: 3, uid: 'alice' });
    await vi.advanceTimersByTimeAsync(1);
    expect(texts(view)).toEqual(['one', 'two', 'three', 'four']);
  });

  test('after a long absence makes no sound', async () => {
    const told: string[] = [];
    core.on('message', (m) => told.push(m.text));
    server.deliver('u:bob', 'bob', 'old', { ts: Date.now() - 600_000 });
    server.deliver('u:bob', 'bob', 'new');
    await gathered();
    expect(told).toEqual(['new']);
  });

  test('mentions', async () => {
    server.deliver('g:walks', 'bob', 'hello', { at: ['carol'] });
    await settle();
    expect(conversation('g:walks').mentioned).toBe(false);
    server.deliver('g:walks', 'bob', 'hello all', { at: ['*'] });
    await gathered();
    expect(conversation('g:walks')).toMatchObject({ mentioned: true, kind: 'group' });
  });

  test("of one's own, from another device, is not unread", async () => {
    server.deliver('u:bob', 'alice', 'from my phone');
    await settle();
    expect(conversation('u:bob')).toMatchObject({ lastSeq: 3, unread: 2, last: { mine: true } });
  });

  test('is acknowledged when it is written, not before', async () => {
    const written: (() => void)[] = [];
    vi.spyOn(Database.prototype, 'putMessage').mockImplementation(
      () =>
        new Promise((resolve) => {
          written.push(resolve);
        }),
    );
    const first = server.deliver('u:bob', 'bob', 'three');
    const second = server.deliver('u:bob', 'bob', 'four');
    await settle();
    written[1]?.();
    await settle();
    expect(acked()).toEqual([]);
    written[0]?.();
    await settle();
    expect(acked()).toEqual([first, second]);
  });

  test('as bytes that are no message is acknowledged and left', async () => {
    const id = server.publish('/e/demo/im/u/alice', new Uint8Array([1, 2, 3]), 3);
    await settle();
    expect(acked()).toEqual([id]);
    expect(conversation('u:bob').lastSeq).toBe(2);
  });
});

test('what was missed with the session is read over HTTP', async () => {
  const view = core.open('u:bob');
  await settle();
  server.asked();
  server.socket.break();
  server.say('u:bob', 'bob', 'three');
  server.say('u:carol', 'carol', 'hello');
  await vi.advanceTimersByTimeAsync(1000);
  await up(false);
  expect(texts(view)).toEqual(['one', 'two', 'three']);
  expect(conversation('u:carol')).toMatchObject({ unread: 1, lastSeq: 1 });
  const asked = server.asked();
  expect(asked).toContain('GET /conversations');
  expect(asked).toContain('GET /conversations/u:bob/messages'); // what is here may have been edited meanwhile
});

test('a session that was kept needs no reading', async () => {
  server.asked();
  server.socket.break();
  await vi.advanceTimersByTimeAsync(1000);
  await up(true);
  expect(server.asked()).toEqual([]);
});

test('a gap in what comes is filled from the server', async () => {
  const view = core.open('u:bob');
  await settle();
  server.say('u:bob', 'bob', 'three');
  server.deliver('u:bob', 'bob', 'four');
  await settle();
  expect(texts(view)).toEqual(['one', 'two', 'three', 'four']);
});

describe('reading', () => {
  test('is told once for many', async () => {
    const view = core.open('u:bob');
    await settle();
    server.asked();
    view.markRead();
    server.deliver('u:bob', 'bob', 'three');
    await settle();
    view.markRead();
    expect(conversation('u:bob')).toMatchObject({ unread: 0, readSeq: 3 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.asked().filter((c) => c.startsWith('PUT'))).toEqual(['PUT /conversations/u:bob/read {"seq":3}']);
  });

  test('is no matter of a moment where somebody looks: what comes is never counted', async () => {
    const view = core.open('u:bob');
    await settle();
    let looks = true;
    view.follow(() => looks);
    view.markRead();
    const totals: number[] = [];
    const stop = core.unreadTotal.subscribe((n) => totals.push(n));
    server.deliver('u:bob', 'bob', 'three');
    server.deliver('u:bob', 'bob', 'four');
    await vi.advanceTimersByTimeAsync(200);
    expect([totals.at(-1), new Set(totals).size]).toEqual([totals[0], 1]);
    expect(conversation('u:bob')).toMatchObject({ unread: 0, readSeq: 4 });
    looks = false;
    server.deliver('u:bob', 'bob', 'five');
    await vi.advanceTimersByTimeAsync(200);
    expect(conversation('u:bob')).toMatchObject({ unread: 1, readSeq: 4 });
    looks = true;
    view.close(); // nobody is there any more
    server.deliver('u:bob', 'bob', 'six');
    await vi.advanceTimersByTimeAsync(1000);
    expect(conversation('u:bob')).toMatchObject({ unread: 2, readSeq: 4 });
    expect(
      server
        .asked()
        .filter((c) => c.startsWith('PUT'))
        .at(-1),
    ).toBe('PUT /conversations/u:bob/read {"seq":4}');
    stop();
  });

  test('by the other side shows on messages of one’s own', async () => {
    server.deliver('u:bob', 'alice', 'three');
    server.deliver('u:bob', 'alice', 'four');
    const view = core.open('u:bob');
    await settle();
    server.notice(0x43, { conv: 'u:bob', seq: 3, uid: 'bob' });
    await settle();
    expect(view.items.peek().map((m) => (m as Message).read ?? false)).toEqual([false, false, true, false]);
  });

  test('on another device clears what is unread', async () => {
    server.notice(0x43, { conv: 'u:bob', seq: 2, uid: 'alice' });
    await settle();
    expect(conversation('u:bob')).toMatchObject({ unread: 0, readSeq: 2 });
  });
});

test('a message goes out with its id, and PUBACK gives it its place', async () => {
  const view = core.open('u:bob');
  await settle();
  core.send('u:bob', 'hello', { reply: 2, mentions: ['bob'] });
  expect(texts(view)).toEqual(['one', 'two', 'hello']);
  await settle();
  const [p] = heard();
  expect(p).toMatchObject({ type: 'publish', topic: '/e/demo/im/u/bob', qos: 1 });
  const { correlationData } = (p as unknown as { properties: { correlationData: Uint8Array } }).properties;
  const id = Buffer.from(correlationData).toString('hex');
  const mine = view.items.peek().at(-1) as Message;
  expect(mine).toMatchObject({ id, state: 'waiting', mine: true });
  expect(mine.media).toEqual([{ type: 0, content: { co: 'hello', re: 2, at: ['bob'] } }]);
  server.socket.ack('puback', p?.id as number, 0, { user: [['seq', '3']] });
  await settle();
  expect(view.items.peek().at(-1)).toMatchObject({ id, state: 'stored', seq: 3 });
  expect(conversation('u:bob')).toMatchObject({ lastSeq: 3, unread: 2 });
});

test('what is going out shows with its conversation, at the top, and only there is the list drawn anew', async () => {
  server.say('u:carol', 'carol', 'hello');
  server.deliver('u:carol', 'carol', 'hello');
  await settle();
  await vi.advanceTimersByTimeAsync(2000); // more than the two clocks may differ
  const carol = conversation('u:carol');
  core.send('u:bob', 'under way');
  await settle();
  core.send('u:erin', 'to somebody new');
  await settle();
  const list = core.conversations.peek();
  expect(list.map((c) => [c.conv, c.outgoing?.text])).toEqual([
    ['u:erin', 'to somebody new'],
    ['u:bob', 'under way'],
    ['u:carol', undefined],
  ]);
  const bob = conversation('u:bob');
  core.setDraft('u:erin', 'and more');
  expect(conversation('u:bob')).toBe(bob);
  expect(conversation('u:carol')).toBe(carol);
  const p = heard().find((x) => x.topic === '/e/demo/im/u/bob');
  server.socket.ack('puback', p?.id as number, 0, { user: [['seq', '3']] });
  await settle();
  expect(conversation('u:bob')).toMatchObject({ last: { text: 'under way', state: 'stored' } });
  expect(conversation('u:bob').outgoing).toBeUndefined();
});

test('a server that does not store shows', async () => {
  core.send('u:bob', 'hello');
  await vi.advanceTimersByTimeAsync(5100);
  expect(core.connection.peek()).toMatchObject({ state: 'online', stalled: true });
  const [p] = heard();
  server.socket.ack('puback', p?.id as number, 0, { user: [['seq', '3']] });
  await settle();
  expect(core.connection.peek().stalled).toBe(false);
});

describe('typing', () => {
  test('is told at most every few seconds, and again after a message', async () => {
    for (let i = 0; i < 10; i++) core.typing('u:bob');
    const typing = () => heard().filter((p) => p.topic === '/e/demo/typing/u/bob');
    expect(typing()).toMatchObject([{ qos: 0, payload: new Uint8Array(0) }]);
    await vi.advanceTimersByTimeAsync(3100);
    core.typing('u:bob');
    expect(typing()).toHaveLength(1);
    core.send('u:bob', 'hello');
    core.typing('u:bob');
    await settle();
    expect(typing()).toHaveLength(1);
  });

  test('shows until a message comes, or for a while', async () => {
    const view = core.open('g:walks');
    const topic = '/e/demo/typing/g/walks';
    const by = (uid: string) =>
      server.socket.publish({ topic, payload: new Uint8Array(0), properties: { user: [['sender', uid]] } });
    by('bob');
    server.socket.publish({ topic, payload: new TextEncoder().encode('carol') }); // of a client without properties
    by('alice'); // one's own, from another device
    expect(view.typing.peek()).toEqual(['bob', 'carol']);
    server.deliver('g:walks', 'bob', 'there');
    await settle();
    expect(view.typing.peek()).toEqual(['carol']);
    await vi.advanceTimersByTimeAsync(7000);
    expect(view.typing.peek()).toEqual([]);
  });
});

describe('notices', () => {
  test('of types that are not known are left', async () => {
    const id = server.notice(0x7e, { any: 'thing' });
    await settle();
    expect(acked()).toEqual([id]);
    expect(core.connection.peek().state).toBe('online');
  });

  test('0x20: why a message was refused', async () => {
    const view = core.open('u:bob');
    await settle();
    core.send('u:bob', 'hello');
    await settle();
    const [p] = heard();
    const { id } = view.items.peek().at(-1) as Message;
    server.notice(0x20, {
      code: 0x87,
      message: 'This account is disabled and takes no messages.',
      topic: p?.topic,
      id,
    });
    server.socket.ack('puback', p?.id as number, 0x87);
    await settle();
    expect(view.items.peek().at(-1)).toMatchObject({
      state: 'failed',
      error: 'This account is disabled and takes no messages.',
    });
  });

  test('0x28: signed in elsewhere', async () => {
    server.notice(0x28);
    await settle();
    expect(core.connection.peek().state).toBe('kicked');
    core.nudge();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(server.sockets).toHaveLength(1);
    core.reconnect();
    await up();
    expect(core.connection.peek().state).toBe('online');
  });

  test('0x29: ended by an administrator', async () => {
    server.notice(0x29, { reason: 'Your account was disabled.' });
    await settle();
    expect(core.account.peek()).toEqual({ status: 'out', reason: 'Your account was disabled.' });
    expect(core.connection.peek()).toMatchObject({ state: 'ended' });
    expect(core.conversations.peek()).toEqual([]);
  });

  test('0x29 with a login that goes on: kicked, and nothing is lost', async () => {
    server.notice(0x29, { reason: 'An administrator has ended this connection.', signed_in: true });
    await settle();
    expect(core.connection.peek()).toMatchObject({ state: 'kicked', by: 'administrator' });
    expect(core.account.peek().status).toBe('in');
    await vi.advanceTimersByTimeAsync(100_000);
    expect(server.sockets).toHaveLength(1);
    core.reconnect();
    await up();
    expect(core.connection.peek().state).toBe('online');
    expect(core.connection.peek().by).toBeUndefined();
  });

  test('0x31 and 0x32: terminals and profile', async () => {
    const bob = core.person('bob');
    server.notice(0x31, { uid: 'bob', st: 2, on: true }, 'p/bob');
    server.notice(0x31, { uid: 'bob', st: 1, on: true }, 'p/bob');
    server.notice(0x31, { uid: 'bob', st: 2, on: false }, 'p/bob');
    server.notice(0x32, { uid: 'bob', name: 'Robert', avatar: '/a.svg' });
    await settle();
    expect(bob.peek()).toMatchObject({ terminals: ['phone'], name: 'Robert', avatar: '/a.svg' });
    expect(conversation('u:bob')).toMatchObject({ name: 'Robert', avatar: '/a.svg' });
  });

  test.each([0x30, 0x33, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x41, 0x43])(
    '%i with fields of the wrong kind does no harm',
    async (type) => {
      for (const content of [{}, { gid: 5, uid: [], conv: null, seq: 'x' }]) server.notice(type, content);
      await settle();
      expect(core.connection.peek().state).toBe('online');
      expect(acked()).toHaveLength(2);
    },
  );
});

test('a conversation that begins while the list is read stays', async () => {
  server.socket.break();
  await vi.advanceTimersByTimeAsync(1000);
  server.socket.open();
  server.socket.connack();
  server.deliver('u:erin', 'erin', 'hello', { seq: 1 }); // the list that was asked for does not have it
  await settle();
  expect(conversation('u:erin')).toMatchObject({ lastSeq: 1, unread: 1 });
});

test('many notices about a group lead to one question', async () => {
  server.asked();
  for (let i = 0; i < 20; i++) server.notice(0x37, { gid: 'walks', uid: `u${i}`, name: 'x' }, 'g/walks');
  await vi.advanceTimersByTimeAsync(200);
  expect(server.asked()).toEqual(['GET /groups/walks']);
});

test('drafts are kept, and go with the message', async () => {
  core.setDraft('u:bob', 'half a thou');
  core.setDraft('u:dave', 'first words');
  expect(conversation('u:bob').draft).toBe('half a thou');
  expect(conversation('u:dave')).toMatchObject({ draft: 'first words', lastSeq: 0 });
  core.send('u:bob', 'half a thought');
  expect(conversation('u:bob').draft).toBe('');
});

test('signed out, views find nothing and break nothing', async () => {
  const view = core.open('u:bob');
  await settle();
  const out = core.logout();
  await settle();
  await out;
  expect(core.account.peek()).toEqual({ status: 'out' });
  expect(core.person('bob').peek()).toMatchObject({ name: 'bob' });
  expect(core.open('u:bob').items.peek()).toEqual([]);
  core.send('u:bob', 'to nobody');
  core.typing('u:bob');
  core.setDraft('u:bob', 'x');
  view.markRead();
  view.close();
  await expect(core.directory('')).rejects.toMatchObject({ status: 401 });
});
