// What is kept of a conversation, once it is no longer what the server has.

import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Database } from '../db/database';
import { leave } from '../testing/leave';
import { FakeServer } from '../testing/server';
import type { ConversationView, Core, Message } from '../types';

const count = 200;
let server: FakeServer;
let cores: Core[];

/** Lets everything go on that needs no time, the database too. */
const settle = async () => {
  for (let i = 0; i < 60; i++) {
    await vi.advanceTimersByTimeAsync(1);
    await new Promise(setImmediate);
  }
};

async function page(): Promise<Core> {
  const core = server.page({ memory: false });
  cores.push(core);
  const starting = core.start();
  await settle();
  await starting;
  return core;
}

async function connect(present = false): Promise<void> {
  await settle();
  server.socket.open();
  server.socket.connack({ present });
  await settle();
}

/** What a view shows, seqs and texts; "-" for what was recalled. No message is missing between the first and the last. */
function shown(view: ConversationView): Map<number, string> {
  const all = view.items.peek() as Message[];
  const seqs = all.map((m) => m.seq as number);
  expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] as number) + i));
  return new Map(all.map((m) => [m.seq as number, m.recalledBy ? '-' : m.text]));
}

async function readAll(view: ConversationView): Promise<void> {
  for (let i = 0; view.hasOlder.peek() && i < 20; i++) {
    const reading = view.loadOlder();
    await settle();
    await reading;
  }
}

async function kept(): Promise<Map<number, string>> {
  const db = await Database.open('demo', 'alice', { memory: false });
  const all = await db.all('messages');
  db.close();
  return new Map(all.map((m) => [m.seq, m.recalledBy ? '-' : m.text]));
}

/** The message is taken back while nobody here is told. */
function recall(seq: number): void {
  const list = server.messages.get('u:bob') ?? [];
  const m = list.find((m) => m.seq === seq);
  if (m) Object.assign(m, { media: [], recalled_by: 'bob' });
}

// A page has read all of the conversation, and is closed.
beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  server = new FakeServer();
  for (let i = 1; i <= count; i++) server.say('u:bob', 'bob', `${i}`);
  cores = [];
  const first = server.page({ memory: false });
  cores.push(first);
  const login = first.login('demo', 'alice', 'secret');
  await settle();
  await login;
  await connect();
  const view = first.open('u:bob');
  await settle();
  await readAll(view);
  expect((await kept()).size).toBe(count);
  view.close();
});
afterEach(() => leave(server, cores));

test.each([
  ['of which nothing was missed', 0],
  ['of which a few were missed', 7],
  ['of which many were missed', 80],
  ['of which very many were missed', 450],
])('what was recalled far back while no page was open is not there, in a conversation %s', async (_, missed) => {
  recall(30);
  recall(count - 60);
  for (let i = 0; i < missed; i++) server.say('u:bob', 'bob', 'missed');
  const core = await page();
  await connect();
  const view = core.open('u:bob');
  await settle();
  await readAll(view);
  expect([...shown(view).entries()].filter(([, text]) => text === '-')).toEqual([
    [30, '-'],
    [count - 60, '-'],
  ]);
  while (view.hasNewer.peek()) {
    const reading = view.loadNewer();
    await settle();
    await reading;
  }
  expect(shown(view).size).toBe(count + missed);
  const left = await kept();
  expect([left.get(30), left.get(count - 60)]).toEqual(['-', '-']);
});

test('so it is where one comes to it around a message, and where one comes back to the newest', async () => {
  recall(40);
  recall(count - 3);
  const core = await page();
  await connect();
  const view = core.open('u:bob', 50);
  await settle();
  expect(shown(view).get(40)).toBe('-');
  view.loadNewest();
  await settle();
  expect(shown(view).get(count - 3)).toBe('-');
  view.close();
  const other = core.open('u:bob');
  await settle();
  await other.loadAround(30);
  expect(shown(other).get(40)).toBe('-');
});

test('what was deleted is not there', async () => {
  server.messages.set('u:bob', (server.messages.get('u:bob') ?? []).slice(120));
  const core = await page();
  await connect();
  const view = core.open('u:bob');
  await settle();
  await readAll(view);
  expect([...shown(view).keys()][0]).toBe(121);
  expect(Math.min(...(await kept()).keys())).toBe(121);
});

test('what is deleted while a page stays open for long is not there either', async () => {
  const core = await page();
  await connect();
  const view = core.open('u:bob');
  await settle();
  await readAll(view);
  view.close();
  server.messages.set('u:bob', (server.messages.get('u:bob') ?? []).slice(120));
  vi.setSystemTime(Date.now() + 24 * 3600_000);
  const again = core.open('u:bob');
  await settle();
  await readAll(again);
  expect([...shown(again).keys()][0]).toBe(121);
});

test('all of it can be read without the server, and is put right when it comes', async () => {
  recall(30);
  server.messages.set('u:bob', (server.messages.get('u:bob') ?? []).slice(10));
  server.offline = true;
  const core = await page();
  const view = core.open('u:bob');
  await settle();
  await readAll(view);
  expect(shown(view).size).toBe(count);
  expect(shown(view).get(30)).toBe('30');
  server.offline = false;
  core.reconnect();
  await connect();
  expect(shown(view).size).toBe(count - 10);
  expect(shown(view).get(30)).toBe('-');
  expect((await kept()).get(30)).toBe('-');
});

test('nothing is taken for right while the server does not say it', async () => {
  recall(30);
  const core = await page();
  server.slow = async () => {
    throw new TypeError('Failed to fetch');
  };
  await connect();
  const view = core.open('u:bob');
  await settle();
  expect(shown(view).get(count)).toBe(`${count}`); // at once, as it is kept
  await view.loadOlder();
  expect(shown(view).has(30)).toBe(false);
  expect(view.error.peek()).toBeDefined();
  server.slow = async () => {};
  await readAll(view);
  expect(shown(view).get(30)).toBe('-');
});
