// What happens before the server answers, and when it has changed.

import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readDevice } from './db/device';
import { FakeServer } from './testing/server';
import type { Core, Message } from './types';

let server: FakeServer;
let cores: Core[];

const settle = async () => {
  for (let i = 0; i < 20; i++) await vi.advanceTimersByTimeAsync(1);
};
const page = () => {
  const core = server.page({ memory: false });
  cores.push(core);
  return core;
};
const connect = async (present = false) => {
  await settle();
  server.socket.open();
  server.socket.connack({ present });
  await settle();
};
const texts = (view: { items: { peek(): unknown[] } }) => view.items.peek().map((i) => (i as Message).text);

beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  server = new FakeServer();
  server.say('u:bob', 'bob', 'one');
  cores = [];
  const first = page();
  await first.login('demo', 'alice', 'secret');
  await connect();
  first.open('u:bob');
  await settle();
});
afterEach(async () => {
  server.offline = false;
  const out = Promise.all(cores.map((c) => c.logout()));
  await vi.advanceTimersByTimeAsync(10_000);
  await out;
  vi.useRealTimers();
});

describe('a page that is opened again', () => {
  test('shows what is kept before the server answers, and goes on when it does', async () => {
    server.offline = true;
    const core = page();
    const starting = core.start();
    await settle();
    await starting;
    expect(core.account.peek()).toMatchObject({ status: 'in', me: { uid: 'alice', name: 'Alice' } });
    expect(core.conversations.peek()).toMatchObject([{ conv: 'u:bob', name: 'bob', last: { text: 'one' } }]);
    const view = core.open('u:bob');
    core.send('u:bob', 'written before the server answers');
    await settle();
    expect(texts(view)).toEqual(['one', 'written before the server answers']);
    expect(core.connection.peek().state).toBe('waiting');

    server.offline = false;
    server.say('u:bob', 'bob', 'two');
    core.nudge();
    await connect();
    expect(core.connection.peek().state).toBe('online');
    expect(texts(view)).toEqual(['one', 'two', 'written before the server answers']);
    expect(server.socket.heard().filter((p) => p.type === 'publish')).toHaveLength(1);
  });

  test('is signed out, and keeps nothing, should the server refuse the login', async () => {
    server.refuses = 'Your sign-in has expired. Please sign in again.';
    const core = page();
    const starting = core.start();
    await settle();
    await starting;
    await settle();
    expect(core.account.peek()).toEqual({ status: 'out', reason: server.refuses });
    expect(core.conversations.peek()).toEqual([]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await readDevice()).toEqual({});
    expect((await indexedDB.databases()).map((d) => d.name)).toEqual(['magpie/device']);
  });

  test('after a sign-out asks who it is', async () => {
    const out = cores[0]?.logout();
    await settle();
    await out;
    const core = page();
    server.refuses = 'Nobody is signed in.';
    const starting = core.start();
    await settle();
    await starting;
    expect(core.account.peek()).toEqual({ status: 'out' });
  });
});
