// What happens before the server answers, and when it has changed.

import 'fake-indexeddb/auto';
import { forceCloseDatabase, IDBDatabase, IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readDevice } from './db/device';
import { leave } from './testing/leave';
import { FakeServer } from './testing/server';
import type { Core, Message } from './types';

let server: FakeServer;
let cores: Core[];

const settle = async () => {
  for (let i = 0; i < 20; i++) await vi.advanceTimersByTimeAsync(1);
};
const page = (now?: () => number) => {
  const core = server.page({ memory: false, ...(now && { now }) });
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
  server.token = 'a secret';
  server.say('u:bob', 'bob', 'one');
  cores = [];
  const first = page();
  await first.login('demo', 'alice', 'secret');
  await connect();
  first.open('u:bob');
  await settle();
});
afterEach(() => leave(server, cores));

describe('what was read', () => {
  const marks = () => server.asked().filter((call) => call.startsWith('PUT /conversations/u:bob/read'));
  const told = 'PUT /conversations/u:bob/read {"seq":1}';

  test('without the server, on a page that is closed by then, the next one tells', async () => {
    server.offline = true;
    const core = page();
    const starting = core.start();
    await settle();
    await starting;
    core.open('u:bob').markRead();
    await vi.advanceTimersByTimeAsync(1000);
    const next = page();
    const going = next.start();
    await settle();
    await going;
    server.offline = false;
    marks();
    next.reconnect();
    await connect();
    await vi.advanceTimersByTimeAsync(1000);
    expect(marks()).toEqual([told]);
  });

  test('just before the page is closed is told then, and once', async () => {
    const core = cores[0] as Core;
    core.open('u:bob').markRead();
    marks();
    core.flush();
    core.flush();
    await settle();
    expect(marks()).toEqual([told]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(marks()).toEqual([]);
  });

  test.each([
    [429, 1],
    [503, 1],
    [404, 0],
  ])('is told again after an answer of %i %i times', async (status, times) => {
    const core = cores[0] as Core;
    server.refusesRead = status;
    core.open('u:bob').markRead();
    marks();
    await vi.advanceTimersByTimeAsync(1000);
    expect(marks()).toEqual([told]);
    server.refusesRead = 0;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(marks()).toEqual(Array(times).fill(told));
  });
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
    await settle();
    expect(await readDevice()).toEqual({});
    expect((await indexedDB.databases()).map((d) => d.name)).toEqual(['magpie/device']);
  });

  test('has not kept what opens the login', async () => {
    expect(JSON.stringify(await readDevice())).not.toContain(server.token);
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

test('a server that comes back as another version is told of, and the page works on', async () => {
  const core = cores[0] as Core;
  server.socket.break();
  await vi.advanceTimersByTimeAsync(1000);
  await connect(true);
  expect(core.updated.peek()).toBe(false);
  server.version = '1.1.0';
  server.socket.break();
  await vi.advanceTimersByTimeAsync(1000);
  await connect(true);
  expect(core.updated.peek()).toBe(true);
  expect(core.about.peek()?.version).toBe('1.1.0');
  server.deliver('u:bob', 'bob', 'two');
  await settle();
  expect(core.conversations.peek()[0]?.lastSeq).toBe(2);
});

test('when what is kept is wiped while the page is open, what waits and what is half written is kept anew', async () => {
  const core = cores[0] as Core;
  const opened: IDBDatabase[] = [];
  const { transaction } = IDBDatabase.prototype;
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...a) {
    opened.push(this);
    return transaction.apply(this, a);
  });
  server.socket.break();
  core.send('u:bob', 'not yet sent');
  core.setDraft('u:bob', 'half a thou');
  await settle();
  vi.restoreAllMocks();
  globalThis.indexedDB = new IDBFactory(); // everything is gone
  forceCloseDatabase(opened[0] as never);
  await settle();
  expect(core.storage.peek()).toBe('ok');

  const after = page();
  const starting = after.login('demo', 'alice', 'secret');
  await settle();
  await starting;
  const view = after.open('u:bob');
  await settle();
  expect(texts(view)).toContain('not yet sent');
  expect(after.conversations.peek()[0]?.draft).toBe('half a thou');
});

describe('a clock that is hours off', () => {
  test.each([5, -5])('%i h: messages bear the time of the server, and new ones count as new', async (hours) => {
    const core = page(() => Date.now() + hours * 3_600_000);
    const login = core.login('demo', 'alice', 'secret');
    await settle();
    await login;
    await connect();
    expect(Math.abs(core.now() - Date.now())).toBeLessThan(2000);
    const told: string[] = [];
    core.on('message', (m) => told.push(m.text));
    server.deliver('u:bob', 'bob', 'two');
    core.send('u:bob', 'three');
    await settle();
    expect(told).toEqual(['two']);
    const mine = core.open('u:bob').items.peek().at(-1) as Message;
    expect(mine.text).toBe('three');
    expect(Math.abs(mine.ts - Date.now())).toBeLessThan(2000);
  });

  test.each([5, -5])('set by %i h while the page is open: the login is renewed when it must be', async (hours) => {
    let off = 0;
    const core = page(() => Date.now() + off);
    const login = core.login('demo', 'alice', 'secret');
    await settle();
    await login;
    await connect();
    off = hours * 3_600_000;
    server.token = 'the next';
    await core.devices();
    server.socket.break();
    await vi.advanceTimersByTimeAsync(1000);
    await connect(true);
    expect(core.connection.peek().state).toBe('online');
    expect(core.account.peek().status).toBe('in');
  });
});
