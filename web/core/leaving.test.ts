// How a login ends, what stays on the device then, and what a page that is opened again takes up.

import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { oweGoodbye, readDevice } from './db/device';
import { FakeServer } from './testing/server';
import type { Core, Message } from './types';

let server: FakeServer;
let cores: Core[];

/** Lets everything go on that needs a moment: IndexedDB goes by the real time. */
const settle = async () => {
  for (let i = 0; i < 30; i++) {
    await vi.advanceTimersByTimeAsync(1);
    await new Promise(setImmediate);
  }
};
async function done<T>(p: Promise<T>): Promise<T> {
  let over = false;
  const end = () => {
    over = true;
  };
  p.then(end, end);
  while (!over) {
    await vi.advanceTimersByTimeAsync(50);
    await new Promise(setImmediate);
  }
  return p;
}
const page = () => {
  const core = server.page({ memory: false });
  cores.push(core);
  return core;
};
async function enter(uid = 'alice'): Promise<Core> {
  server.uid = uid;
  const core = page();
  await done(core.login('demo', uid, 'secret'));
  await connect();
  return core;
}
async function connect(): Promise<void> {
  await settle();
  server.socket.open();
  server.socket.connack();
  await settle();
}
const databases = async () => (await indexedDB.databases()).map((d) => d.name).sort();
const waiting = (core: Core, conv = 'u:bob') =>
  core
    .open(conv)
    .items.peek()
    .filter((i): i is Message => 'media' in i && i.state !== 'stored')
    .map((m) => m.text);

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  server = new FakeServer();
  server.say('u:bob', 'bob', 'one');
  server.say('g:walks', 'bob', 'hello');
  cores = [];
});
afterEach(async () => {
  server.offline = false;
  await done(Promise.all(cores.map((c) => c.logout())));
  vi.useRealTimers();
});

describe('a login that ends unasked', () => {
  async function end(): Promise<Core> {
    const core = await enter();
    server.socket.break();
    core.send('u:bob', 'not yet sent');
    core.setDraft('g:walks', 'half a thou');
    await vi.advanceTimersByTimeAsync(1000);
    await connect();
    server.socket.heard();
    server.notice(0x29, { reason: 'Your password was changed.' });
    await settle();
    expect(core.account.peek()).toMatchObject({ status: 'out', reason: 'Your password was changed.' });
    core.setDraft('g:walks', 'half a thought'); // by a view that closes
    expect([core.conversations.peek(), core.open('u:bob').items.peek()]).toEqual([[], []]);
    return core;
  }

  test('leaves what the server does not have to the one who comes back', async () => {
    await end();
    await vi.advanceTimersByTimeAsync(1000);
    await settle();
    expect(await readDevice()).toEqual({ left: [{ eid: 'demo', uid: 'alice' }] });
    const core = await enter();
    expect(waiting(core)).toEqual(['not yet sent']);
    expect(core.conversations.peek().find((c) => c.conv === 'g:walks')?.draft).toBe('half a thought');
    expect((await readDevice()).left).toBeUndefined();
  });

  test('leaves nothing of it to somebody else, and then nothing at all', async () => {
    await end();
    const bob = await enter('bob');
    expect(waiting(bob)).toEqual([]);
    expect(bob.conversations.peek().map((c) => c.draft)).toEqual(['', '']);
    expect(await databases()).not.toContain('magpie/demo/alice');
    await done(bob.logout());
    expect(waiting(await enter())).toEqual([]);
  });

  test('asked for, it leaves nothing', async () => {
    const core = await enter();
    server.socket.break();
    core.send('u:bob', 'not yet sent');
    await settle();
    await done(core.logout());
    expect(await databases()).toEqual(['magpie/device']);
    expect(waiting(await enter())).toEqual([]);
  });
});

describe('a sign-out that the server has not heard of', () => {
  test('is told before the next sign-in, whose own login it must not end', async () => {
    await enter();
    await oweGoodbye(true);
    server.asked();
    await enter('bob');
    const auth = server.asked().filter((c) => c.includes('/auth/'));
    expect(auth.slice(0, 2)).toEqual(['POST /auth/logout', 'POST /auth/login']);
    expect(await readDevice()).toMatchObject({ account: { user: { uid: 'bob' } } });
    expect((await readDevice()).goodbye).toBeUndefined();
  });

  test('stays owed though another tab renews its login', async () => {
    const core = await enter();
    await oweGoodbye(true);
    server.token = 'the next';
    await done(core.devices());
    await settle();
    expect((await readDevice()).goodbye).toBe(true);
  });
});

describe('a page that another device has taken the connection from', () => {
  test('asks after a reload too, and only then takes it back', async () => {
    await enter();
    server.notice(0x28);
    await settle();
    expect((await readDevice()).kicked).toBe(true);
    const connections = server.sockets.length;
    const again = page();
    await done(again.start());
    await settle();
    expect(again.connection.peek().state).toBe('kicked');
    expect(again.conversations.peek()).toHaveLength(2);
    expect(server.sockets).toHaveLength(connections);
    again.reconnect();
    await connect();
    expect(again.connection.peek().state).toBe('online');
    await settle();
    expect((await readDevice()).kicked).toBeUndefined();
  });

  test('shows nobody as online', async () => {
    const core = await enter();
    expect(core.current.peek()).toBe(true);
    server.notice(0x28);
    await settle();
    expect(core.current.peek()).toBe(false);
  });
});

test('presence is of now for a moment after the connection is lost, and again when it is back', async () => {
  const core = await enter();
  server.offline = true;
  server.socket.break();
  await vi.advanceTimersByTimeAsync(3000);
  expect(core.current.peek()).toBe(true);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(core.current.peek()).toBe(false);
  server.offline = false;
  core.nudge();
  await connect();
  expect(core.current.peek()).toBe(true);
});
