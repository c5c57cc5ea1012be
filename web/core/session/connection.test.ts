import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Api } from '../api/http';
import type { SignIn } from '../api/shapes';
import type { Database } from '../db/database';
import { disconnectPacket } from '../mqtt/packets';
import { Scripted } from '../mqtt/scripted';
import { Problem } from '../problem';
import { Connection } from './connection';

const signIn = { mqtt: { url: 'ws://test/mqtt', client_id: 'web-1', username: 'demo/alice' } } as SignIn;
const settle = () => vi.advanceTimersByTimeAsync(0);

class Bench {
  readonly sockets: Scripted[] = [];
  readonly events: string[] = [];
  token = vi.fn(async () => 'token');
  refresh = vi.fn(async () => ({}) as SignIn);
  readonly connection: Connection;

  constructor() {
    const api = { token: () => this.token(), renew: () => this.refresh(), serverNow: Date.now } as unknown as Api;
    const c = {
      api,
      db: {} as Database,
      eid: 'demo',
      uid: 'alice',
      signal: new AbortController().signal,
      tell: () => {},
    };
    this.connection = new Connection(c, {
      mqtt: () => signIn.mqtt,
      now: Date.now,
      memory: false,
      socket: () => {
        const s = new Scripted();
        this.sockets.push(s);
        return s;
      },
      onMessage: async () => {},
      onUp: (present) => this.events.push(`up ${present ? 'with' : 'without'} session`),
      onDown: () => this.events.push('down'),
      onEnded: (reason) => this.events.push(`ended: ${reason}`),
    });
  }

  get server(): Scripted {
    return this.sockets.at(-1) as Scripted;
  }

  get state() {
    return this.connection.state.peek();
  }

  async up(present = false): Promise<void> {
    await settle();
    this.server.open();
    this.server.connack({ present });
    await settle();
  }

  async refused(code: number): Promise<void> {
    await settle();
    this.server.open();
    this.server.connack({ code });
    await settle();
  }

  /** Breaks the connection, waits for the next attempt, and returns after how many ms it came. */
  async breaks(): Promise<number> {
    const before = Date.now();
    const n = this.sockets.length;
    this.server.break();
    while (this.sockets.length === n) await vi.advanceTimersToNextTimerAsync();
    return Date.now() - before;
  }
}

let b: Bench;
beforeEach(() => {
  vi.useFakeTimers();
  b = new Bench();
  b.connection.start();
});
afterEach(() => {
  b.connection.stop('idle');
  vi.useRealTimers();
});

test('connects, and connects again with its session', async () => {
  expect(b.state.state).toBe('connecting');
  await b.up();
  expect(b.state.state).toBe('online');
  expect(b.server.heard()[0]).toMatchObject({ type: 'connect', clientId: 'web-1', cleanStart: true });
  b.server.break();
  expect(b.state).toMatchObject({ state: 'waiting' });
  expect(b.state.retryAt).toBeGreaterThan(Date.now());
  await vi.advanceTimersToNextTimerAsync();
  await b.up(true);
  expect(b.server.heard()[0]).toMatchObject({ type: 'connect', cleanStart: false });
  expect(b.events).toEqual(['up without session', 'down', 'up with session']);
});

test('an attempt that gets nowhere is begun anew when one asks for it, and not before', async () => {
  await settle();
  b.connection.nudge();
  await vi.advanceTimersByTimeAsync(4000);
  b.connection.nudge();
  expect(b.sockets).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2000);
  b.connection.nudge();
  await settle();
  expect(b.sockets).toHaveLength(2);
  expect(b.state.state).toBe('connecting');
  await b.up();
  expect(b.state.state).toBe('online');
  expect(b.events).toEqual(['up without session']);
  await vi.advanceTimersByTimeAsync(15_000); // when the first would have been given up
  expect(b.state.state).toBe('online');
});

test('waits longer each time, 30 s at most, and begins anew when a connection has stood', async () => {
  await settle();
  const waits: number[] = [];
  for (let i = 0; i < 12; i++) waits.push(await b.breaks());
  for (let i = 0; i < 5; i++) {
    expect(waits[i]).toBeGreaterThanOrEqual(250 * 2 ** i);
    expect(waits[i]).toBeLessThanOrEqual(500 * 2 ** i + 1);
  }
  expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
  expect(new Set(waits.slice(-5)).size).toBeGreaterThan(1); // not in step with everybody else
  await b.up();
  expect(await b.breaks()).toBeGreaterThan(10_000); // it stood for no time at all
  await b.up();
  await vi.advanceTimersByTimeAsync(6000);
  expect(await b.breaks()).toBeLessThanOrEqual(500);
});

describe('a nudge', () => {
  test('while it waits tries at once', async () => {
    await settle();
    for (let i = 0; i < 8; i++) await b.breaks();
    b.server.break();
    await settle();
    const n = b.sockets.length;
    b.connection.nudge();
    await settle();
    expect(b.sockets).toHaveLength(n + 1);
    await b.up();
    await vi.advanceTimersByTimeAsync(31_000);
    expect(b.sockets).toHaveLength(n + 1); // the attempt that it replaced does not come
  });

  test('while it stands asks whether the server is there', async () => {
    await b.up();
    b.server.heard();
    b.connection.nudge();
    expect(b.server.heard()).toEqual([{ type: 'pingreq' }]);
    await vi.advanceTimersByTimeAsync(5100);
    expect(b.state.state).not.toBe('online');
  });
});

test.each([
  [0x86, 'bad user name or password'],
  [0x87, 'not authorised'],
])('a token that is refused (%i, %s) is renewed once', async (code) => {
  await b.refused(code);
  expect(b.refresh).toHaveBeenCalledTimes(1);
  await b.refused(code);
  expect(b.refresh).toHaveBeenCalledTimes(1);
  expect(b.state.state).toBe('waiting');
});

test('a login that is over ends it', async () => {
  b.refresh.mockRejectedValue(new Problem(401, 'Unauthorized', 'You are signed out. Please sign in again.'));
  await b.refused(0x86);
  expect(b.state).toMatchObject({ state: 'ended' });
  expect(b.events).toEqual(['ended: You are signed out. Please sign in again.']);
  await vi.advanceTimersByTimeAsync(100_000);
  expect(b.sockets).toHaveLength(1);
});

test('a server that is too busy is left alone for a while', async () => {
  await b.refused(0x9f);
  expect((b.state.retryAt ?? 0) - Date.now()).toBeGreaterThanOrEqual(30_000);
});

test.each([
  [0x8e, 'elsewhere', []],
  [0x98, 'ended', ['ended: ']],
])('DISCONNECT %i: %s, and it does not come back by itself', async (code, state, events) => {
  await b.up();
  b.server.say(disconnectPacket(code));
  expect(b.state.state).toBe(state);
  b.connection.nudge();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(b.sockets).toHaveLength(1);
  expect(b.events).toEqual(['up without session', 'down', ...events]);
});

test('a server that stops is found again', async () => {
  await b.up();
  b.server.say(disconnectPacket(0x8b));
  expect(b.state.state).toBe('waiting');
  await vi.advanceTimersToNextTimerAsync();
  await b.up(true);
  expect(b.state.state).toBe('online');
});

test('an attempt that was given up has no consequences', async () => {
  await settle();
  const [given] = b.sockets;
  b.connection.stop('elsewhere');
  expect(given?.closed).toBe(true);
  expect(b.state).toEqual({ state: 'elsewhere' });
  await vi.advanceTimersByTimeAsync(100_000);
  expect(b.sockets).toHaveLength(1);
});
