import { effect } from '@preact/signals-core';
import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { alone } from '../db/device';
import { Problem } from '../problem';
import { FakeLocks } from '../testing/locks';
import { Api } from './http';
import type { SignIn } from './shapes';

/** A server with one login: tokens are numbered, and a refresh token that is used twice ends it. */
class FakeServer {
  cookie = 0;
  over = false;
  readonly calls: string[] = [];
  /** Called in the middle of a renewal. */
  pause: () => Promise<void> = async () => {};

  signIn(uid = 'alice'): SignIn {
    return {
      access_token: `access-${++this.cookie}`,
      expires_in: 900,
      user: { uid, name: 'Alice', avatar: '', role: 'member' },
      org: { eid: 'demo', name: 'Demo' },
      mqtt: { url: 'ws://test/mqtt', client_id: 'web-1', username: `demo/${uid}` },
    };
  }

  readonly fetch = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const path = new URL(url as string).pathname.replace('/api/v1', '');
    const headers = init?.headers as Record<string, string>;
    this.calls.push(`${init?.method} ${path} ${headers.Authorization ?? ''}`.trim());
    if (path === '/auth/login') return Response.json(this.signIn());
    if (path === '/auth/refresh') {
      const used = this.cookie;
      await this.pause();
      if (this.over || used !== this.cookie) {
        this.over = true;
        return problem(401, 'You are signed out. Please sign in again.');
      }
      return Response.json(this.signIn());
    }
    if (path === '/auth/logout') return new Response(null, { status: 204 });
    if (this.over || headers.Authorization !== `Bearer access-${this.cookie}`) return problem(401, 'No.');
    if (path === '/bad') return problem(422, 'The name must not be empty.', { name: 'must not be empty' });
    if (path === '/busy') return problem(429, 'Slower.', undefined, { 'Retry-After': '7' });
    if (path === '/changed') {
      const current = { name: 'Theirs', version: 4 };
      const body = JSON.stringify({ type: '/problems/changed-meanwhile', current, sent: headers['If-Match'] });
      return new Response(body, { status: 412, headers: { 'Content-Type': 'application/problem+json' } });
    }
    if (path === '/html') return new Response('<h1>502</h1>', { status: 502, statusText: 'Bad Gateway' });
    if (path === '/list') {
      const cursor = new URL(url as string).searchParams.get('cursor') ?? '0';
      return Response.json({ items: [Number(cursor)], next: cursor === '2' ? null : String(Number(cursor) + 1) });
    }
    return Response.json({ path });
  };
}

function problem(
  status: number,
  detail: string,
  errors?: Record<string, string>,
  more?: Record<string, string>,
): Response {
  const headers = { 'Content-Type': 'application/problem+json', ...more };
  return new Response(JSON.stringify({ title: 'Title', status, detail, errors }), { status, headers });
}

let server: FakeServer;
let time: number;
let over: string[];

beforeEach(() => {
  server = new FakeServer();
  time = 1_700_000_000_000;
  over = [];
});

const client = (locks: LockManager | null = null, one?: typeof alone) =>
  new Api({
    base: 'http://test',
    fetch: server.fetch,
    now: () => time,
    locks,
    alone: one,
    onSignedIn: () => {},
    onSignedOut: (r) => over.push(r),
  });

test('a server that says nothing holds up neither what comes next nor the other tabs', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const locks = new FakeLocks();
  let silent = '';
  const tab = () =>
    new Api({
      base: 'http://test',
      fetch: (url, init) =>
        silent && String(url).endsWith(silent)
          ? new Promise((_, reject) => {
              init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
            })
          : server.fetch(url, init),
      now: () => time,
      locks: locks.tab().manager,
      onSignedIn: () => {},
      onSignedOut: (r) => over.push(r),
    });
  const api = tab();
  await api.login('demo', 'alice', 'secret');
  for (silent of ['/x', '/auth/refresh']) {
    const asked = expect(api.get('/x')).rejects.toMatchObject({ status: 0 });
    await vi.advanceTimersByTimeAsync(31_000);
    await asked;
    time += 880_000;
  }
  silent = '';
  expect(await tab().refresh()).toMatchObject({ access_token: 'access-2' });
  expect(over).toEqual([]);
  vi.useRealTimers();
});

test('renews the token before it runs out', async () => {
  const api = client();
  await api.login('demo', 'alice', 'secret');
  await api.get('/x');
  expect(server.calls).toEqual(['POST /auth/login', 'GET /x Bearer access-1']);
  time += 880_000;
  await api.get('/x');
  expect(server.calls.slice(2)).toEqual(['POST /auth/refresh', 'GET /x Bearer access-2']);
});

test('who has signed out is not signed in again by what was under way', async () => {
  const api = client();
  await api.login('demo', 'alice', 'secret');
  time += 880_000;
  let go = () => {};
  server.pause = () => new Promise((resolve) => (go = resolve));
  const renewal = api.get('/x');
  await vi.waitFor(() => expect(server.calls.at(-1)).toBe('POST /auth/refresh'));
  await api.logout();
  go();
  await expect(renewal).rejects.toMatchObject({ status: 401 });
  // The login that the renewal brought ends as well, and a call that comes late begins none.
  expect(server.calls.slice(2)).toEqual(['POST /auth/logout Bearer access-1', 'POST /auth/logout Bearer access-2']);
  await expect(api.get('/y')).rejects.toMatchObject({ status: 401 });
  expect(server.calls).toHaveLength(4);
  await api.login('demo', 'alice', 'secret');
  await expect(api.get('/z')).resolves.toEqual({ path: '/z' });
});

test('renews the token once when it is refused', async () => {
  const api = client();
  await api.login('demo', 'alice', 'secret');
  server.cookie = 7; // the token is not good any more
  await expect(api.get('/x')).resolves.toEqual({ path: '/x' });
  expect(server.calls.slice(1)).toEqual(['GET /x Bearer access-1', 'POST /auth/refresh', 'GET /x Bearer access-8']);
  expect(over).toEqual([]);
});

test('without a mark of a login nobody is asked for one', async () => {
  const gone = vi.fn();
  let there = false;
  const api = new Api({
    base: 'http://test',
    fetch: server.fetch,
    now: () => time,
    locks: null,
    mark: { there: () => there, gone },
    onSignedIn() {},
    onSignedOut() {},
  });
  await expect(api.refresh()).rejects.toMatchObject({ status: 401 });
  expect(server.calls).toEqual([]);
  there = true;
  server.over = true;
  await expect(api.refresh()).rejects.toMatchObject({ status: 401 });
  expect([server.calls, gone.mock.calls.length]).toEqual([['POST /auth/refresh'], 1]);
  there = false;
  server.over = false;
  await api.login('demo', 'alice', 'secret');
  await expect(api.refresh()).resolves.toBeTruthy(); // who has signed in here needs none
});

test('a login that is over ends the session, once', async () => {
  const api = client();
  await api.login('demo', 'alice', 'secret');
  server.over = true;
  await expect(api.get('/x')).rejects.toMatchObject({ status: 401 });
  expect(over).toEqual(['You are signed out. Please sign in again.']);
});

describe('what was begun for one user is not repeated as the next one', () => {
  let refuse: () => void;
  let user: string;
  let calls: string[];
  const one = (host: boolean) =>
    new Api({
      base: 'http://test',
      now: () => time,
      locks: null,
      host: host ? { app: 'oa', token: async () => user } : undefined,
      onSignedIn: () => {},
      onSignedOut: (r) => over.push(r),
      fetch: async (url) => {
        const path = new URL(url as string).pathname.replace('/api/v1', '');
        calls.push(path);
        if (path !== '/change') return path === '/auth/logout' ? Response.json({}) : Response.json(server.signIn(user));
        await new Promise<void>((resolve) => (refuse = resolve));
        return problem(401, 'No.');
      },
    });
  beforeEach(() => {
    user = 'alice';
    calls = [];
  });

  test.each([[true], [false]])('by a host: %s', async (host) => {
    const api = one(host);
    const enter = () => (host ? api.identify(() => {}) : api.login('demo', user, 'secret'));
    await enter();
    const change = api.request('DELETE', '/change');
    await vi.waitFor(() => expect(calls).toContain('/change'));
    if (!host) await api.logout();
    user = 'bob';
    await enter();
    refuse();
    await expect(change).rejects.toMatchObject({ status: 401 });
    expect(calls.filter((path) => path === '/change')).toHaveLength(1);
    expect(over).toEqual([]);
    await expect(api.token()).resolves.toBe(`access-${server.cookie}`);
  });

  test('while the host is asked who is there', async () => {
    const api = one(true);
    await api.identify(() => {});
    const change = api.request('DELETE', '/change');
    await vi.waitFor(() => expect(calls).toContain('/change'));
    user = 'bob';
    const next = api.identify(() => {});
    refuse();
    await expect(change).rejects.toMatchObject({ status: 401 });
    await expect(next).resolves.toMatchObject({ user: { uid: 'bob' } });
    expect(calls.filter((path) => path === '/change')).toHaveLength(1);
    expect(over).toEqual([]);
  });
});

test('many requests renew the token once', async () => {
  const api = client();
  await api.login('demo', 'alice', 'secret');
  time += 900_000;
  await Promise.all(Array.from({ length: 10 }, () => api.get('/x')));
  expect(server.calls.filter((c) => c === 'POST /auth/refresh')).toHaveLength(1);
});

test('two tabs renew one after the other', async () => {
  const locks = new FakeLocks().manager;
  const tabs = [client(locks), client(locks)];
  server.pause = () => new Promise((resolve) => setTimeout(resolve, 5)); // time for the other to come in between
  await Promise.all(tabs.map((t) => t.refresh()));
  expect(server.over).toBe(false);
  // Without the lock the second use of one token would have ended the login.
  await expect(Promise.all([client(), client()].map((t) => t.refresh()))).rejects.toMatchObject({ status: 401 });
});

test('a sign-in waits for a renewal that is under way in another tab', async () => {
  const locks = new FakeLocks().manager;
  const [a, b] = [client(locks), client(locks)];
  await a.login('demo', 'alice', 'secret');
  let go = () => {};
  server.pause = () =>
    new Promise((resolve) => {
      go = resolve;
    });
  const renewing = a.refresh();
  const login = b.login('demo', 'alice', 'secret');
  await vi.waitFor(() => expect(server.calls).toHaveLength(2));
  expect(server.calls[1]).toBe('POST /auth/refresh');
  go();
  await Promise.all([renewing, login]);
  expect(server.calls).toHaveLength(3);
  expect(server.over).toBe(false);
});

test('without locks two tabs renew one after the other all the same', async () => {
  globalThis.indexedDB = new IDBFactory();
  server.pause = () => new Promise((resolve) => setTimeout(resolve, 5));
  await Promise.all([client(null, alone), client(null, alone)].map((t) => t.refresh()));
  expect(server.over).toBe(false);
});

test('another account in another tab ends this one', async () => {
  const api = client();
  await api.login('demo', 'alice', 'secret');
  const signIn = server.signIn.bind(server);
  server.signIn = () => signIn('bob');
  time += 900_000;
  await expect(api.get('/x')).rejects.toMatchObject({ status: 401 });
  expect(over).toHaveLength(1);
});

test('lists are read to their end', async () => {
  const api = client();
  await api.login('demo', 'alice', 'secret');
  await expect(api.list('/list')).resolves.toEqual([0, 1, 2]);
});

test('knows the time of the server', async () => {
  const api = client();
  await api.login('demo', 'alice', 'secret');
  expect(api.serverNow()).toBe(time);
  const { fetch } = server;
  const late = new Api({
    base: 'http://test',
    now: () => time,
    locks: null,
    onSignedIn: () => {},
    onSignedOut: () => {},
    fetch: async (url, init) => {
      const answer = await fetch(url, init);
      return new Response(answer.body, { headers: { Date: new Date(time + 3_600_000).toUTCString() } });
    },
  });
  const seen: number[] = [];
  const stop = effect(() => void seen.push(late.serverNow()));
  await late.login('demo', 'alice', 'secret');
  time += 300; // answers that differ by less than the header can tell change nothing
  await late.open('GET', '/x');
  stop();
  expect(seen).toHaveLength(2);
  expect(Math.abs(late.serverNow() - time - 3_600_000)).toBeLessThan(1000);
});

describe('problems', () => {
  test.each([
    [
      '/bad',
      { status: 422, title: 'Title', detail: 'The name must not be empty.', errors: { name: 'must not be empty' } },
    ],
    ['/busy', { status: 429, retryAfter: 7 }],
    ['/html', { status: 502, title: 'Bad Gateway' }],
  ])('%s', async (path, want) => {
    const api = client();
    await api.login('demo', 'alice', 'secret');
    const error = await api.get(path).then(
      () => undefined,
      (e: Error) => e,
    );
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject(want);
    expect(error?.message).toMatch(/\.$/);
  });

  test('a change says of which version it is, and is given the newer one', async () => {
    const api = client();
    await api.login('demo', 'alice', 'secret');
    const e = await api.request('PATCH', '/changed', { body: {}, version: 3 }).catch((x) => x);
    expect(e).toMatchObject({ names: { current: { name: 'Theirs', version: 4 }, sent: '"3"' } });
  });

  test('no connection', async () => {
    const api = new Api({
      base: 'http://test',
      fetch: () => Promise.reject(new TypeError('fetch failed')),
      now: () => time,
      locks: null,
      onSignedIn: () => {},
      onSignedOut: (r) => over.push(r),
    });
    await expect(api.login('demo', 'alice', 'secret')).rejects.toMatchObject({ status: 0 });
    expect(over).toEqual([]);
  });
});
