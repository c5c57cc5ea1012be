// Files on their way: what breaks, what waits, what is given up. On each store.

import { createHash } from 'node:crypto';
import type { Route } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { gatherAt, stores } from './crowd';
import { binary, picture, plain, type SentFile } from './files';
import type { Person } from './person';

describe.each(stores)('in %s', (store) => {
  const crowd = gatherAt(store, '--quota-user', '60000000');
  const mega = 1_000_000;

  async function send(p: Person, files: SentFile[], caption?: string): Promise<void> {
    await p.page.locator('.composer-attach input[type=file]').first().setInputFiles(files);
    if (caption) await p.page.locator('.caption').fill(caption);
    await p.page.locator('dialog [type=submit]:enabled').click();
    await p.page.locator('dialog').waitFor({ state: 'detached' });
  }

  /** Sends a file that is made in the page: a large one takes long to get there. */
  async function paste(p: Person, name: string, size: number, caption = ''): Promise<void> {
    await p.page.evaluate(
      ({ name, size }) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(size).fill(7)], name));
        const init = { bubbles: true, cancelable: true, clipboardData: data };
        document.querySelector('.composer-input')?.dispatchEvent(new ClipboardEvent('paste', init));
      },
      { name, size },
    );
    await p.page.locator('.caption').fill(caption);
    await p.page.locator('dialog [type=submit]:enabled').click();
    await p.page.locator('dialog').waitFor({ state: 'detached' });
  }

  /** Holds every PATCH after the first n that somebody's browser sends, until it is let go. */
  async function holdAfter(
    p: Person,
    n: number,
  ): Promise<{ held: Promise<void>; release(): Promise<void>; count(): number }> {
    let count = 0;
    let told = () => {};
    const held = new Promise<void>((resolve) => {
      told = resolve;
    });
    const waiting: Route[] = [];
    const context = p.page.context();
    const hold = async (route: Route) => {
      if (route.request().method() !== 'PATCH' || ++count <= n) return route.continue();
      waiting.push(route);
      told();
    };
    await context.route('**/api/v1/uploads/*', hold);
    return {
      held,
      count: () => count,
      release: async () => {
        await context.unroute('**/api/v1/uploads/*', hold);
        for (const r of waiting) await r.continue().catch(() => {}); // of a page that is gone
      },
    };
  }

  /** The bytes of the newest message's file, as somebody gets them. */
  async function fetched(p: Person): Promise<string> {
    const href = await p.page.locator('.message').last().locator('a.file-download').getAttribute('href');
    const base64 = await p.page.evaluate(async (url) => {
      const digest = await crypto.subtle.digest('SHA-256', await (await fetch(url)).arrayBuffer());
      return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('');
    }, href ?? '');
    return base64;
  }

  const sha256 = (b: Buffer) => createHash('sha256').update(b).digest('hex');
  const named = (p: Person, name: string) =>
    p.page.locator('.message', { has: p.page.locator(`.file-name[title="${name}"]`) });
  const marked = (p: Person, name: string) =>
    named(p, name).locator('.mark[aria-label="Sent"], .mark[aria-label="Read"]');

  /** Alice and bob in a group of their own, and its name. */
  async function two(): Promise<[Person, Person, string]> {
    const room = await crowd.room('bob');
    const alice = await crowd.enter('alice');
    const bob = await crowd.enter('bob');
    await alice.openChat(room);
    await bob.openChat(room);
    return [alice, bob, room];
  }

  describe('a large file', () => {
    test('outlives a reload in the middle, and comes once, as it was', async () => {
      const [alice, bob] = await two();
      const file = binary('reload.bin', 9 * mega);
      const hold = await holdAfter(alice, 1);
      await send(alice, [file], 'with a reload');
      await hold.held;
      await alice.page.reload();
      await hold.release();
      await alice.composer.waitFor();
      await marked(alice, 'reload.bin').waitFor();
      await named(bob, 'reload.bin').waitFor();
      expect(await fetched(bob)).toBe(sha256(file.buffer));
      expect(await named(bob, 'reload.bin').count()).toBe(1);
      expect(await named(alice, 'reload.bin').count()).toBe(1);
      expect(await bob.page.locator('.message', { hasText: 'with a reload' }).count()).toBe(1);
    });

    test('outlives the server, killed in the middle', async () => {
      const [alice, bob] = await two();
      const file = binary('killed.bin', 9 * mega);
      const hold = await holdAfter(alice, 1);
      await send(alice, [file]);
      await hold.held;
      await crowd.server.kill();
      await hold.release();
      await crowd.server.restart();
      await marked(alice, 'killed.bin').waitFor({ timeout: 120_000 });
      await named(bob, 'killed.bin').waitFor();
      expect(await fetched(bob)).toBe(sha256(file.buffer));
      expect(await named(bob, 'killed.bin').count()).toBe(1);
    });

    test('shows how far it is, does not hold up what is written after it, and can be called back', async () => {
      const [alice, bob] = await two();
      const hold = await holdAfter(alice, 1);
      await send(alice, [binary('given-up.bin', 9 * mega)]);
      await hold.held;
      const ring = named(alice, 'given-up.bin').getByRole('progressbar');
      await expect.poll(() => ring.getAttribute('value')).toMatch(/^0\.[1-9]/);
      await alice.write('faster than the file');
      await bob.message('faster than the file').waitFor();
      const ended = alice.page.waitForResponse(
        (r) => r.request().method() === 'DELETE' && r.url().includes('/uploads/'),
      );
      await named(alice, 'given-up.bin')
        .getByRole('button', { name: /Don’t send/ })
        .click();
      await named(alice, 'given-up.bin').waitFor({ state: 'detached' });
      expect((await ended).status()).toBe(204);
      await hold.release();
      await alice.page.reload();
      await alice.message('faster than the file').waitFor();
      expect(await named(alice, 'given-up.bin').count()).toBe(0);
      await alice.write('and nothing more');
      await bob.message('and nothing more').waitFor();
      expect(await named(bob, 'given-up.bin').count()).toBe(0);
    });
  });

  test('without a network files wait, over a reload too, and go when it is back', async () => {
    const [alice, bob] = await two();
    await alice.kept();
    await alice.page.context().setOffline(true);
    await send(
      alice,
      [await picture(alice.page, 'offline.png', { w: 300, h: 200 }), plain('offline.txt', 'later')],
      'from the train',
    );
    await alice.marked('from the train', 'Waiting to be sent');
    await alice.message('from the train').locator('.shot.here').waitFor(); // from this device
    await alice.page.reload();
    await alice.marked('from the train', 'Waiting to be sent');
    await alice.message('from the train').locator('.shot.here').waitFor();
    await alice.page.context().setOffline(false);
    await bob.message('from the train').locator('.shot.here').waitFor({ timeout: 120_000 });
    await named(bob, 'offline.txt').waitFor();
  });

  test('of two tabs one sends, and both see it', async () => {
    const [alice, bob, room] = await two();
    const second = await crowd.beside(alice);
    await second.openChat(room);
    const hold = await holdAfter(alice, 1);
    let here = 0;
    second.page.on('request', (r) => {
      if (r.method() === 'POST' && r.url().endsWith('/api/v1/uploads')) here++;
    });
    await send(second, [binary('two-tabs.bin', 9 * mega)]);
    await hold.held;
    for (const tab of [alice, second]) {
      const ring = named(tab, 'two-tabs.bin').getByRole('progressbar');
      await expect.poll(() => ring.getAttribute('value')).toMatch(/^0\.[1-9]/);
    }
    expect(here).toBe(0);
    await hold.release();
    // The tab that leads is closed: the other goes on.
    await alice.page.close();
    await marked(second, 'two-tabs.bin').waitFor({ timeout: 120_000 });
    await named(bob, 'two-tabs.bin').waitFor();
    expect(await named(bob, 'two-tabs.bin').count()).toBe(1);
  });

  test('no room left: the message is kept with the reason, and nothing half of it is sent', async () => {
    const dave = await crowd.enter('dave');
    const bob = await crowd.enter('bob');
    await dave.openChat('Bob');
    await bob.openChat('Dave');
    await paste(dave, 'first.bin', 40 * mega);
    await marked(dave, 'first.bin').waitFor({ timeout: 120_000 });
    await paste(dave, 'second.bin', 30 * mega, 'both or none');
    const failure = dave.message('both or none').locator('.failure');
    await failure.getByText(/no room left for files/).waitFor();
    await dave.write('words still go');
    await bob.message('words still go').waitFor();
    expect(await bob.message('both or none').count()).toBe(0);
    await dave.page.reload();
    await failure.getByText(/no room left for files/).waitFor();
    await failure.getByRole('button', { name: 'Try again' }).click();
    await failure.getByText(/no room left for files/).waitFor();
    await failure.getByRole('button', { name: 'Delete' }).click();
    await dave.message('both or none').waitFor({ state: 'detached' });
  });

  test.runIf(store === 'MinIO')(
    'while the store is away words flow, files wait with the reason, and go by themselves when it is back',
    async () => {
      const [alice, bob] = await two();
      await crowd.minio?.down();
      try {
        await send(alice, [plain('waits.txt', 'patience')]);
        await paste(alice, 'large.bin', 6 * mega);
        const lines = ['waits.txt', 'large.bin'].map((name) => named(alice, name).locator('.upload-trouble'));
        for (const line of lines) await line.getByText(/can’t take files right now/).waitFor({ timeout: 120_000 });
        await alice.write('words flow');
        await bob.message('words flow').waitFor();
        await crowd.minio?.up();
        // By themselves, a little later.
        for (const name of ['waits.txt', 'large.bin']) await named(bob, name).waitFor({ timeout: 120_000 });
        for (const line of lines) await line.waitFor({ state: 'detached' });
      } finally {
        await crowd.minio?.up();
      }
      const href = await named(bob, 'large.bin').locator('a').first().getAttribute('href');
      const size = await bob.page.evaluate(async (url) => (await (await fetch(url)).blob()).size, href ?? '');
      expect(size).toBe(6 * mega);
    },
  );
});
