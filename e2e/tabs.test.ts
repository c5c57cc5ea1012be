// Two tabs of one browser: one login, one database, one cookie.

import 'fake-indexeddb/auto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, type Page, until } from './core-pages';
import { Server } from './server';

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server?.stop());

const elsewhere = (p: Page) => until(p.core.connection, (c) => c.state === 'elsewhere');

test.each([true, false])(
  'the connection goes from tab to tab, and each learns what it missed; Web Locks: %s',
  async (locks) => {
    const browser = new Browser(server, locks);
    const one = await browser.signIn('erin');
    const view = one.open('u:frank');
    const two = browser.page();
    await two.core.start();
    if (locks) {
      await elsewhere(two);
      two.core.useHere();
    }
    await Promise.all([two.online(), elsewhere(one)]);
    two.core.send('u:frank', `from the second, locks ${locks}`);
    await two.open('u:frank').message(`from the second, locks ${locks}`);

    one.core.useHere();
    await Promise.all([one.online(), elsewhere(two)]);
    await view.message(`from the second, locks ${locks}`);
    one.core.send('u:frank', `from the first, locks ${locks}`);
    await view.message(`from the first, locks ${locks}`);

    // Signing out in one signs both out.
    await one.core.logout();
    two.core.useHere();
    await until(two.core.account, (a) => a.status === 'out');
    expect(two.core.connection.peek().state).toBe('ended');
  },
);
