import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { doubt } from './hosted';
import { FakeServer } from './testing/server';
import type { Core } from './types';

let server: FakeServer;
let host: { user: string | null; tokens: number; fails: boolean; answers: Promise<void> };
let core: Core;

async function token(): Promise<string | null> {
  const which = ++host.tokens;
  await host.answers;
  if (host.fails) throw new Error('the host is down.');
  return host.user && `${host.user} ${which}`;
}

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  host = { user: 'alice', tokens: 0, fails: false, answers: Promise.resolve() };
  core = server.page({ token });
});
afterEach(() => {
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(100);
const type = () => core.account.peek().problem?.names.type;

async function online(): Promise<void> {
  void core.start();
  await settle();
  server.socket.open();
  server.socket.connack();
  await settle();
}

test('a token of the host signs in, and nothing is kept on the device', async () => {
  await online();
  expect(core.account.peek()).toMatchObject({ status: 'in', me: { uid: 'alice' } });
  expect(core.connection.peek().state).toBe('online');
  expect(server.exchanged).toEqual([{ app: 'oa', token: 'alice 1' }]);
  expect(await indexedDB.databases()).toEqual([]);
});

test('before the access token ends another one prolongs the same login', async () => {
  await online();
  await vi.advanceTimersByTimeAsync(900_000 * 0.75);
  expect(server.exchanged[1]).toEqual({ app: 'oa', token: 'alice 2', sent: 'Bearer token' });
  await vi.advanceTimersByTimeAsync(900_000 * 0.75);
  expect(server.exchanged).toHaveLength(3);
});

test('a login that is over by then begins anew, with its new client id', async () => {
  await online();
  server.refusesToken = (_, sent) => (sent ? { status: 401, type: '/problems/unauthorized' } : undefined);
  server.clientId = 'web-2';
  await vi.advanceTimersByTimeAsync(900_000 * 0.75);
  expect(server.exchanged.slice(1)).toEqual([
    { app: 'oa', token: 'alice 2', sent: 'Bearer token' },
    { app: 'oa', token: 'alice 3' },
  ]);
  const before = server.sockets.length;
  while (server.sockets.length === before) await vi.advanceTimersByTimeAsync(500);
  server.socket.open();
  expect(server.socket.heard()[0]).toMatchObject({ type: 'connect', clientId: 'web-2', cleanStart: true });
});

test('nobody at the host: not signed in, and not asked again by itself', async () => {
  host.user = null;
  void core.start();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(core.account.peek().status).toBe('out');
  expect(type()).toBe('/problems/host-nobody');
  expect(host.tokens).toBe(1);
  host.user = 'bob';
  await core.identify();
  expect(core.account.peek()).toMatchObject({ status: 'in', me: { uid: 'bob' } });
});

test('who has signed out at the host is signed out here by the next renewal', async () => {
  await online();
  host.user = null;
  await vi.advanceTimersByTimeAsync(900_000);
  expect(core.account.peek().status).toBe('out');
  expect(type()).toBe('/problems/host-nobody');
  expect(core.connection.peek().state).toBe('ended');
});

test('a host that is down does not end a login that runs', async () => {
  await online();
  host.fails = true;
  await vi.advanceTimersByTimeAsync(900_000 * 0.76);
  expect(host.tokens).toBe(2);
  expect(core.account.peek().status).toBe('in');
  host.fails = false;
  await vi.advanceTimersByTimeAsync(900_000);
  await core.setPresence({ status: 'busy' });
  expect(core.account.peek().status).toBe('in');
});

test.each([
  [401, '/problems/host-token'],
  [403, '/problems/host-user'],
  [403, '/problems/app-origin'],
  [404, '/problems/not-found'],
])('a token that is refused (%s %s) is not tried again', async (status, name) => {
  server.refusesToken = () => ({ status, type: name });
  void core.start();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(type()).toBe(name);
  expect(server.exchanged).toHaveLength(1);
});

test('a server that is away, or has too much to do, is tried again', async () => {
  server.refusesToken = () => ({ status: 503, type: '/problems/unavailable' });
  void core.start();
  await vi.advanceTimersByTimeAsync(5000);
  server.refusesToken = () => undefined;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(core.account.peek().status).toBe('in');
});

test('somebody else at the host takes the place of who was signed in, and sees nothing of theirs', async () => {
  server.say('u:carol', 'carol', 'for alice');
  await online();
  expect(core.conversations.peek()).toHaveLength(1);
  const states: string[] = [];
  const stop = core.account.subscribe((a) => states.push(`${a.status} ${a.me?.uid ?? ''}`));
  const socket = server.socket;
  server.conversations.clear();
  host.user = 'bob';
  const done = core.identify();
  await settle();
  await done;
  stop();
  expect([...new Set(states)]).toEqual(['in alice', 'unknown ', 'in bob']);
  expect(server.exchanged[1]).toMatchObject({ sent: 'Bearer token' });
  expect(socket.closed).toBe(true);
  expect(core.conversations.peek()).toEqual([]);
});

test('a renewal that fails is tried again while the token is still good', async () => {
  await online();
  server.refusesToken = () => ({ status: 503, type: '/problems/unavailable' });
  await vi.advanceTimersByTimeAsync(900_000 * 0.75);
  expect(core.account.peek().status).toBe('in');
  server.refusesToken = () => undefined;
  host.user = null;
  await vi.advanceTimersByTimeAsync(31_000);
  expect(type()).toBe('/problems/host-nobody');
});

test('the same person again: nothing changes but the login', async () => {
  server.say('u:carol', 'carol', 'for alice');
  await online();
  const states: string[] = [];
  const stop = core.account.subscribe((a) => states.push(`${a.status} ${a.me?.uid ?? ''}`));
  await core.identify();
  await vi.advanceTimersByTimeAsync(doubt);
  stop();
  expect([...new Set(states)]).toEqual(['in alice']);
  expect(states.length).toBeGreaterThan(1); // it was said
  expect(core.unreadTotal.peek()).toBe(1);
  expect(server.sockets).toHaveLength(1);
});

test.each([
  ['the server', () => (server.refusesToken = () => ({ status: 503, type: '/problems/unavailable' })), 100],
  ['the host', () => (host.answers = new Promise(() => {})), doubt],
])('when %s does not say soon who is there now, nothing of whoever was there is shown', async (_, fail, ms) => {
  server.say('u:carol', 'carol', 'for alice');
  await online();
  fail();
  void core.identify().catch(() => {});
  await vi.advanceTimersByTimeAsync(ms / 2);
  const done = core.identify(); // the moment is not begun anew
  await vi.advanceTimersByTimeAsync(ms / 2);
  expect(core.account.peek()).toEqual({ status: 'unknown' });
  const news = vi.fn();
  core.on('message', news);
  server.deliver('u:carol', 'carol', 'for alice too');
  await vi.advanceTimersByTimeAsync(5000);
  expect([core.account.peek().status, core.unreadTotal.peek(), core.conversations.peek()]).toEqual(['unknown', 0, []]);
  expect(news).not.toHaveBeenCalled();
  server.refusesToken = () => undefined;
  host.answers = Promise.resolve();
  const again = core.identify();
  await settle();
  await Promise.all([done, again]);
  expect(core.account.peek()).toMatchObject({ status: 'in', me: { uid: 'alice' } });
  expect(core.unreadTotal.peek()).toBe(2);
  expect(server.sockets).toHaveLength(1);
});

describe.each([
  ['nobody was there', async () => {}],
  ['somebody was there', online],
])('a sign-out while it is asked who is there, %s,', (_, before) => {
  let goOn = () => {};
  let gate: Promise<void>;
  beforeEach(() => {
    gate = new Promise((resolve) => (goOn = resolve));
  });
  test.each([
    ['for a token', () => (host.answers = gate)],
    ['for the next attempt', () => (server.refusesToken = () => ({ status: 503, type: '/problems/unavailable' }))],
    ['for the server', () => (server.slow = () => gate)],
  ])('waits not %s, and nobody is signed in by what comes later', async (_, stop) => {
    await before();
    stop();
    const asked = core.identify().then(
      () => 'in',
      (e) => e.status,
    );
    await settle();
    const exchanged = server.exchanged.length;
    server.asked();
    await core.logout();
    expect(core.account.peek()).toEqual({ status: 'out' });
    goOn();
    server.refusesToken = () => undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await asked).toBe(401);
    expect(core.account.peek()).toEqual({ status: 'out' });
    expect(server.exchanged).toHaveLength(exchanged);
    await core.identify();
    expect(core.account.peek().status).toBe('in');
  });
});

test('whenever one signs out, or somebody else comes, the last word counts', async () => {
  for (let steps = 0; steps < 60; steps++) {
    for (const then of ['out', 'bob', 'out bob']) {
      server = new FakeServer();
      host.user = 'alice';
      const page = server.page({ token });
      const answers = [page.identify()];
      for (let i = 0; i < steps; i++) await Promise.resolve();
      if (then.includes('out')) answers.push(page.logout());
      host.user = 'bob';
      if (then.includes('bob')) answers.push(page.identify());
      await Promise.allSettled(answers); // each is answered
      await settle();
      const { status, me } = page.account.peek();
      expect([status, me?.uid], `${then} after ${steps}`).toEqual(then === 'out' ? ['out', undefined] : ['in', 'bob']);
      const open = server.sockets.filter((one) => !one.closed);
      expect(open.length, `${then} after ${steps}`).toBe(then === 'out' ? 0 : 1);
    }
  }
});

test('a login that was made for whoever has signed out meanwhile is ended', async () => {
  let goOn = () => {};
  server.slow = () => new Promise((resolve) => (goOn = resolve));
  const asked = core.identify();
  await settle();
  await core.logout();
  expect(server.asked()).not.toContain('POST /auth/logout');
  goOn();
  await expect(asked).rejects.toMatchObject({ status: 401 });
  expect(server.asked()).toContain('POST /auth/logout');
});

test('a host that says that somebody else is there, and then gives no token, has nobody', async () => {
  await online();
  host.fails = true;
  await expect(core.identify()).rejects.toMatchObject({ status: 401 });
  expect(core.account.peek().status).toBe('out');
  expect(type()).toBe('/problems/host-no-token');
});

test('of several calls the last one counts', async () => {
  await online();
  server.refusesToken = () => ({ status: 503, type: '/problems/unavailable' });
  const first = core.identify();
  await settle();
  server.refusesToken = () => undefined;
  host.user = 'bob';
  const second = core.identify();
  host.user = 'carol';
  const third = core.identify();
  await settle();
  await Promise.all([first, second, third]);
  expect(core.account.peek()).toMatchObject({ status: 'in', me: { uid: 'carol' } });
  expect(host.tokens).toBe(3);
});

test('who is asked for while the page still starts is signed in once', async () => {
  let answer = () => {};
  const gate = new Promise<void>((resolve) => (answer = resolve));
  const page = server.page({ token: () => gate.then(() => 'alice 1') });
  void page.start();
  await settle();
  const done = page.identify();
  const seen: string[] = [];
  const stop = page.account.subscribe((a) => seen.push(a.status));
  answer();
  await settle();
  await done;
  stop();
  expect(seen).toEqual(['unknown', 'in']);
  expect(server.sockets).toHaveLength(1);
});
