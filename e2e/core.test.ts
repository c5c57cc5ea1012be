// The browser's core, in Node, against the real program.

import 'fake-indexeddb/auto';
import { effect, type ReadonlySignal } from '@preact/signals-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket as NodeSocket } from 'ws';
import { type Core, type CoreOptions, createCore, type Message } from '../web/core';
import { demo, Server } from './server';

let server: Server;
const cores: Core[] = [];
const sockets: NodeSocket[] = [];

beforeAll(async () => {
  server = await Server.start('--limit-login-rate', '0');
});
afterAll(() => server?.stop());
afterEach(async () => {
  await Promise.all(cores.splice(0).map((c) => c.logout()));
});

/** A core without a person. Sockets that it opens are noted, newest last. */
function newCore(o: Partial<CoreOptions> = {}): Core {
  const socket = (url: string) => {
    const s = new NodeSocket(url, 'mqtt');
    sockets.push(s);
    return s as unknown as WebSocket;
  };
  const core = createCore({ base: server.http, socket, locks: null, ...o });
  cores.push(core);
  return core;
}

async function signIn(uid: string, o?: Partial<CoreOptions>): Promise<Core> {
  const core = newCore(o);
  await core.login(demo.org, uid, demo.password);
  await until(core.connection, (c) => c.state === 'online');
  return core;
}

/** Waits until a signal's value is as wanted. */
function until<T>(s: ReadonlySignal<T>, good: (v: T) => unknown): Promise<T> {
  return new Promise((resolve) => {
    let stop = () => {};
    let done = false;
    stop = effect(() => {
      if (done || !good(s.value)) return;
      done = true;
      resolve(s.value);
      queueMicrotask(() => stop());
    });
  });
}

const texts = (core: Core, conv: string) => {
  const view = core.open(conv);
  return { view, has: (text: string) => until(view.items, (list) => list.some((i) => (i as Message).text === text)) };
};

test('signs in, sends and receives', async () => {
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
  const a = texts(alice, 'u:bob');
  const b = texts(bob, 'u:alice');
  alice.send('u:bob', 'hello from the core');
  await a.has('hello from the core');
  const items = await b.has('hello from the core');
  const m = items.at(-1) as Message;
  expect(m).toMatchObject({ sender: 'alice', mine: false, state: 'stored' });
  const sent = (await until(a.view.items, (l) => (l.at(-1) as Message).state === 'stored')).at(-1) as Message;
  expect(sent.seq).toBe(m.seq);
  expect(sent.id).toBe(m.id);

  // The other side reads it.
  b.view.markRead();
  await until(a.view.items, (l) => (l.at(-1) as Message).read);
});
