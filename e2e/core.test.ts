// The browser's core, in Node, against the real program.

import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NoticeLine } from '../web/core';
import { Browser, type Page, until } from './core-pages';
import { Server } from './server';

let server: Server;
let pages: Page[] = [];

beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  server = await Server.start('--limit-login-rate', '0', '--presence-grace', '50ms');
});
afterEach(() => server?.stop());
afterEach(async () => {
  await Promise.all(pages.map((p) => p.core.logout()));
  pages = [];
});

async function signIn(uid: string, browser = new Browser(server)): Promise<Page> {
  const page = await browser.signIn(uid);
  pages.push(page);
  return page;
}

test('signs in, sends, receives, reads', async () => {
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
  const [a, b] = [alice.open('u:bob'), bob.open('u:alice')];
  alice.core.send('u:bob', 'hello from the core');
  const got = await b.message('hello from the core');
  expect(got).toMatchObject({ sender: 'alice', mine: false });
  const sent = await a.message('hello from the core');
  expect([sent.seq, sent.id]).toEqual([got.seq, got.id]);
  expect(Math.abs(got.ts - sent.ts)).toBeLessThan(5000);

  const list = await until(bob.core.conversations, (l) => l.some((c) => c.conv === 'u:alice' && c.unread > 0));
  expect(list.find((c) => c.conv === 'u:alice')).toMatchObject({ name: 'Alice Moreau', lastSeq: got.seq });
  b.raw.markRead();
  await a.until(() => a.messages.at(-1)?.read);
  expect(bob.core.conversations.peek().find((c) => c.conv === 'u:alice')).toMatchObject({ unread: 0 });
});

test('what is under way when the server is killed is stored once, in order', async () => {
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
  const [a, b] = [alice.open('u:bob'), bob.open('u:alice')];
  const texts = Array.from({ length: 40 }, (_, i) => `under way ${i}`);
  for (const text of texts) alice.core.send('u:bob', text);
  await b.message('under way 9');
  await server.kill();
  await until(alice.core.connection, (c) => c.state === 'waiting');
  alice.core.send('u:bob', 'written while away');
  expect(a.messages.at(-1)).toMatchObject({ text: 'written while away', state: 'waiting' });
  await server.restart();
  for (const page of [alice, bob]) page.core.nudge();
  await a.settled();
  await b.message('written while away');
  for (const view of [a, b]) {
    const got = view.messages.filter((m) => m.text.startsWith('under way') || m.text === 'written while away');
    expect(got.map((m) => m.text)).toEqual([...texts, 'written while away']);
    const seqs = got.map((m) => m.seq ?? 0);
    expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] ?? 0) + i));
  }
});

test('what was not sent before a reload is sent after it, once', async () => {
  const bob = await signIn('bob');
  const b = bob.open('u:alice');
  const browser = new Browser(server);
  const before = await browser.signIn('alice');
  await before.cut();
  before.core.send('u:bob', 'before the reload');
  const { id } = await before.open('u:bob').message('before the reload', 'waiting');
  await kept(id);
  before.die();

  const after = browser.page();
  pages.push(after);
  await after.core.start();
  expect(after.core.account.peek()).toMatchObject({ status: 'in', me: { uid: 'alice', name: 'Alice Moreau' } });
  expect((await b.message('before the reload')).id).toBe(id);
  const a = after.open('u:bob');
  await a.message('before the reload');
  expect(a.messages.filter((m) => m.id === id)).toHaveLength(1);
});

test('what came while away is there after a reload, and counts as unread', async () => {
  const alice = await signIn('alice');
  const browser = new Browser(server);
  const before = await browser.signIn('dave');
  await until(before.core.conversations, (l) => l.length > 0);
  const unread = before.core.unreadTotal.peek();
  before.die();
  for (let i = 0; i < 5; i++) alice.core.send('u:dave', `while you were away ${i}`);
  await alice.open('u:dave').message('while you were away 4');
  const after = browser.page();
  pages.push(after);
  await after.core.start();
  const d = after.open('u:alice');
  await d.message('while you were away 4');
  expect(d.messages.slice(-5).map((m) => m.text)).toEqual([0, 1, 2, 3, 4].map((i) => `while you were away ${i}`));
  await until(after.core.unreadTotal, (n) => n === unread + 5);
});

test('a message that the server refuses fails with its reason, and may be thrown away', async () => {
  const alice = await signIn('alice');
  const a = alice.open('u:nobody');
  alice.core.send('u:nobody', 'hello?');
  const failed = await a.message('hello?', 'failed');
  expect(failed.error).toMatch(/\w.*\.$/);
  alice.core.discard('u:nobody', failed.id);
  await a.until((l) => l.length === 0);
});

test('groups: made, talked in, changed, left, dissolved', async () => {
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
  const { gid } = await alice.core.createGroup('Walks', ['bob', 'carol']);
  const conv = `g:${gid}`;
  await until(bob.core.conversations, (l) => l.some((c) => c.conv === conv && c.name === 'Walks'));
  const [a, b] = [alice.open(conv), bob.open(conv)];
  alice.core.send(conv, 'who is in?', { mentions: ['bob'] });
  await b.message('who is in?');
  await until(bob.core.conversations, (l) => l.some((c) => c.conv === conv && c.mentioned && c.unread === 1));
  bob.core.typing(conv);
  await until(a.raw.typing, (l) => l.includes('bob'));

  const members = alice.core.members(gid);
  await until(members, (l) => l.length === 3);
  await alice.core.setMember(gid, 'bob', { role: 'admin' });
  await until(bob.core.group(gid), (g) => g?.role === 'admin');
  await alice.core.updateGroup(gid, { name: 'Long walks' });
  await until(bob.core.conversations, (l) => l.some((c) => c.name === 'Long walks'));
  await b.until((l) => l.some((i) => (i as NoticeLine).notice === 'renamed'));

  await alice.core.removeMember(gid, 'carol');
  await until(members, (l) => l.length === 2);
  await bob.core.leaveGroup(gid);
  await until(members, (l) => l.length === 1);
  await alice.core.dissolveGroup(gid);
  await until(alice.core.groups, (l) => !l.some((g) => g.gid === gid));
});

test('presence and terminals of contacts are followed', async () => {
  const alice = await signIn('alice');
  const bob = alice.core.person('bob');
  await until(bob, (p) => p.name === 'Bob Tanaka' && p.presence.status === 'offline');
  const page = await signIn('bob');
  await until(bob, (p) => p.presence.status === 'online' && p.terminals.includes('web'));
  await page.core.setPresence({ status: 'custom', text: 'in a meeting' });
  await until(bob, (p) => p.presence.status === 'custom' && p.presence.text === 'in a meeting');
  await page.core.setPresence({ status: 'online' });
  await page.core.logout();
  await until(bob, (p) => p.presence.status === 'offline' && p.terminals.length === 0);
});

test('a sign-in on another browser takes over until one is asked for again', async () => {
  const first = await signIn('carol');
  const second = await signIn('carol');
  await until(first.core.connection, (c) => c.state === 'kicked');
  first.core.nudge();
  expect(first.core.connection.peek().state).toBe('kicked');
  first.core.reconnect();
  await first.online();
  await until(second.core.connection, (c) => c.state === 'kicked');
});

test('whose device is signed out is told why, and nothing of it stays', async () => {
  const browser = new Browser(server);
  const page = await signIn('grace', browser);
  const device = (await page.core.devices()).find((d) => d.current);
  await page.core.signOut(device?.id ?? '');
  const account = await until(page.core.account, (a) => a.status === 'out');
  expect(account.reason).toMatch(/\w.*\.$/);
  expect(page.core.connection.peek().state).toBe('ended');
  await until(page.core.conversations, (l) => l.length === 0);
  const again = browser.page();
  await again.core.start();
  expect(again.core.account.peek()).toEqual({ status: 'out' });
});

/** Waits until a message is in the database's outbox. */
async function kept(id: string): Promise<void> {
  const open = indexedDB.open('magpie/demo/alice');
  const db = await new Promise<IDBDatabase>((resolve) => {
    open.onsuccess = () => resolve(open.result);
  });
  for (let found = false; !found; ) {
    const get = db.transaction('outbox').objectStore('outbox').get(id);
    found = await new Promise((resolve) => {
      get.onsuccess = () => resolve(get.result !== undefined);
    });
  }
  db.close();
}
