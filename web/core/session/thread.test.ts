// Conversations of which much is unread, and messages far back.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeServer } from '../testing/server';
import type { Conversation, ConversationView, Core, Message } from '../types';

const count = 500;
let server: FakeServer;
let core: Core;

const settle = async () => {
  for (let i = 0; i < 20; i++) await vi.advanceTimersByTimeAsync(1);
};

async function up(): Promise<void> {
  await settle();
  server.socket.open();
  server.socket.connack();
  await settle();
  server.asked();
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  server = new FakeServer();
  for (let i = 1; i <= count; i++) server.say('u:bob', 'bob', `${i}`);
  core = await server.core();
  await up();
});
afterEach(async () => {
  const out = core.logout();
  await settle();
  await out;
  vi.useRealTimers();
});

const bob = () => core.conversations.peek().find((c) => c.conv === 'u:bob') as Conversation;

/** The seqs that a view shows: the first and the last, having made sure that none is missing between them. */
function run(view: ConversationView): [number, number] {
  const seqs = view.items.peek().map((m) => (m as Message).seq as number);
  expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] as number) + i));
  return [seqs[0] as number, seqs.at(-1) as number];
}

test('around a message it begins there, and grows at both ends', async () => {
  const view = core.open('u:bob', 200);
  await settle();
  expect(run(view)).toEqual([176, 225]);
  expect([view.hasOlder.peek(), view.hasNewer.peek()]).toEqual([true, true]);
  await view.loadNewer();
  await view.loadOlder();
  expect(run(view)).toEqual([126, 275]);
  while (view.hasNewer.peek()) await view.loadNewer();
  expect(run(view)).toEqual([126, count]);
  server.deliver('u:bob', 'bob', 'one more');
  await settle();
  expect(run(view)).toEqual([126, count + 1]);
});

test.each([1, 20, count - 10])('around message %i it has that message', async (seq) => {
  const view = core.open('u:bob', seq);
  await settle();
  const [first, last] = run(view);
  expect(first).toBeLessThanOrEqual(seq);
  expect(last).toBeGreaterThanOrEqual(seq);
});

test('what comes while one reads further back leaves no gap, and is there at the newest', async () => {
  const view = core.open('u:bob', 200);
  await settle();
  server.deliver('u:bob', 'bob', 'meanwhile');
  await settle();
  expect(run(view)).toEqual([176, 225]);
  await view.loadNewest();
  expect(run(view)[1]).toBe(count + 1);
  expect(view.hasNewer.peek()).toBe(false);
});

test('what is written further back brings the newest', async () => {
  const view = core.open('u:bob', 200);
  await settle();
  core.send('u:bob', 'mine');
  await settle();
  expect(view.written.peek()).toBe(1);
  expect(view.hasNewer.peek()).toBe(false);
  expect(view.items.peek().at(-1)).toMatchObject({ text: 'mine', state: 'waiting' });
});

test('what is stored before the messages in front of it have come stays in sight', async () => {
  let answer = () => {};
  server.slow = () => new Promise((resolve) => (answer = resolve));
  const view = core.open('u:bob');
  await settle();
  core.send('u:bob', 'mine');
  await settle();
  const packet = server.socket.heard().findLast((p) => p.type === 'publish');
  const shown: (string | undefined)[] = [];
  const stop = view.items.subscribe((all) => shown.push((all.at(-1) as Message | undefined)?.text));
  server.say('u:bob', 'alice', 'mine');
  server.socket.ack('puback', packet?.id as number, 0, { user: [['seq', `${count + 1}`]] });
  await settle();
  expect(view.items.peek()).toMatchObject([{ text: 'mine', state: 'stored', seq: count + 1 }]);
  server.slow = async () => {};
  answer();
  await settle();
  expect(run(view)[1]).toBe(count + 1);
  expect(new Set(shown)).toEqual(new Set(['mine']));
  stop();
});

test('a jump to where there is nothing stays where it is', async () => {
  const view = core.open('u:bob');
  await settle();
  expect(await view.loadAround(count + 7)).toBe(false);
  expect(run(view)).toEqual([count - 49, count]);
});

test('a page that comes for a run that is gone is left', async () => {
  const view = core.open('u:bob', 200);
  await settle();
  let answer = () => {};
  server.slow = (query) =>
    query === 'after=225'
      ? new Promise((resolve) => {
          answer = resolve;
        })
      : Promise.resolve();
  const newer = view.loadNewer();
  await settle();
  await view.loadAround(400);
  answer();
  await newer;
  expect(run(view)).toEqual([376, 425]); // without a gap
});

test('after a long absence one goes on where one was', async () => {
  const view = core.open('u:bob');
  await settle();
  server.socket.break();
  for (let i = 0; i < 450; i++) server.say('u:bob', 'bob', 'missed');
  await vi.advanceTimersByTimeAsync(1000);
  await up();
  expect(run(view)).toEqual([count - 49, count + 50]);
  expect(view.hasNewer.peek()).toBe(true);
});

test('reading on is told as far as one has come', async () => {
  const view = core.open('u:bob', 1);
  await settle();
  view.markRead(100);
  view.markRead(80); // one has been further
  expect(bob()).toMatchObject({ readSeq: 100, unread: count - 100 });
  server.conversations.set('u:bob', { ...server.conversations.get('u:bob'), read_seq: 100, unread: 397 } as never);
  await vi.advanceTimersByTimeAsync(1500);
  expect(server.asked()).toContain('PUT /conversations/u:bob/read {"seq":100}');
  expect(bob().unread).toBe(397); // three of those were one's own: the server knows
  view.markRead();
  expect(bob()).toMatchObject({ readSeq: count, unread: 0 });
});
