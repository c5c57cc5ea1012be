// Several tabs of one browser: one login, one database, one cookie, one connection.

import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Browser, type Page, until } from './core-pages';
import { Server } from './server';

let server: Server;
beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  server = await Server.start('--limit-login-rate', '0');
});
afterEach(() => server?.stop());

async function open(browser: Browser): Promise<Page> {
  const page = browser.page();
  await page.core.start();
  await page.online();
  return page;
}

test('tabs share one connection, and it outlives the tab that has it', async () => {
  const other = await new Browser(server).signIn('dave');
  const browser = new Browser(server);
  const tabs = [await browser.signIn('alice'), await open(browser), await open(browser)] as const;
  const [one, two, three] = tabs;
  expect(tabs.map((p) => p.connections)).toEqual([1, 0, 0]);
  const views = tabs.map((p) => p.open('u:dave'));
  const theirs = other.open('u:alice');

  two.core.send('u:dave', 'from the second tab');
  for (const v of [theirs, ...views]) await v.message('from the second tab');
  other.core.typing('u:alice');
  await until(three.core.open('u:dave').typing, (l) => l.includes('dave'));
  other.core.send('u:alice', 'to all tabs');
  for (const v of views) await v.message('to all tabs');
  await Promise.all(
    tabs.map((p) => until(p.core.conversations, (l) => l.some((c) => c.conv === 'u:dave' && c.unread > 0))),
  );
  two.core.open('u:dave').markRead();
  await Promise.all(
    tabs.map((p) => until(p.core.conversations, (l) => l.some((c) => c.conv === 'u:dave' && c.unread === 0))),
  );

  // The tab dies while much is under way in both directions.
  const texts = (who: string) => Array.from({ length: 50 }, (_, i) => `${who} ${i}`);
  for (const t of texts('mine')) two.core.send('u:dave', t);
  for (const t of texts('theirs')) other.core.send('u:alice', t);
  await views[2]?.message('theirs 5');
  one.die();
  const left = views.slice(1);
  for (const v of [theirs, ...left]) {
    await v.message('theirs 49');
    await v.message('mine 49');
  }
  expect(two.connections + three.connections).toBe(1);
  for (const v of [theirs, ...left]) {
    const got = v.messages.map((m) => m.text);
    expect(got.filter((t) => t.startsWith('mine '))).toEqual(texts('mine'));
    expect(got.filter((t) => t.startsWith('theirs '))).toEqual(texts('theirs'));
    const seqs = v.messages.map((m) => m.seq ?? 0);
    expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] ?? 0) + i));
  }

  // Signing out in one signs all out.
  await three.core.logout();
  await until(two.core.account, (a) => a.status === 'out');
  await other.core.logout();
});

test('without Web Locks the connection goes from tab to tab, and each learns what it missed', async () => {
  const browser = new Browser(server, false);
  const one = await browser.signIn('erin');
  const view = one.open('u:frank');
  const two = browser.page();
  const elsewhere = (p: Page) => until(p.core.connection, (c) => c.state === 'elsewhere');
  await two.core.start();
  await Promise.all([two.online(), elsewhere(one)]);
  two.core.send('u:frank', 'from the second');
  await two.open('u:frank').message('from the second');

  one.core.useHere();
  await Promise.all([one.online(), elsewhere(two)]);
  await view.message('from the second');
  one.core.send('u:frank', 'from the first');
  await view.message('from the first');

  await one.core.logout();
  two.core.useHere();
  await until(two.core.account, (a) => a.status === 'out');
  expect(two.core.connection.peek().state).toBe('ended');
});
