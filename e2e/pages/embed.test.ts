// The chat on the pages of another system: examples/oa, on another site, over plain http, with a strict Content-Security-Policy, at a browser
// that blocks third-party cookies and storage.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { app } from '../host-token';
import { Server } from '../server';
import { picture } from './files';
import { Office, stands, Visitor, write } from './office';

let server: Server;
let office: Office;
let visitors: Visitor[] = [];

beforeEach(async () => {
  server = await Server.start('--webhook-allow', '127.0.0.0/8');
  office = await Office.start(server);
});
afterEach(async () => {
  await office?.stop();
  await server?.stop();
});
afterEach(async () => {
  const errors = (await Promise.all(visitors.map((one) => one.close()))).flat();
  visitors = [];
  expect(errors).toEqual([]);
});

/** Somebody at the office, signed in there; with an empty uid, not yet. */
async function visitor(uid: string, o: { asItIs?: boolean } = {}): Promise<Visitor> {
  const one = await Visitor.open(office, o.asItIs);
  visitors.push(one);
  if (uid) await one.signIn(uid);
  return one;
}

/** Sends as somebody at another device. */
async function say(uid: string, conv: string, text: string): Promise<void> {
  const { access_token: token } = await server.login(uid);
  const body = { media: [{ type: 0, content: { co: text } }] };
  await server.call('POST', `/conversations/${encodeURIComponent(conv)}/messages`, token, body);
}

describe('the bubble', () => {
  test('signs in whom the host vouches for, and has the chat in it', async () => {
    const bob = await visitor('bob');
    const { page } = bob;
    await page.locator('#state', { hasText: 'ready' }).waitFor();
    // Not opened yet: what comes is counted, after the one that the demo has for Bob.
    await page.locator('#unread', { hasText: /^1$/ }).waitFor();
    await say('carol', 'u:bob', 'Are you at the office?');
    await page.locator('#unread', { hasText: /^2$/ }).waitFor();
    await bob.bubble(/2 unread/).click();

    const panel = await bob.panel();
    await panel.locator('.conversation', { hasText: 'Are you at the office?' }).click();
    await stands(panel, 'Are you at the office?');
    await write(panel, 'I am, by way of its own page.');
    await panel.locator('.mark[aria-label="Sent"], .mark[aria-label="Read"]').last().waitFor();
    await say('carol', 'u:bob', 'So I see.');
    await stands(panel, 'So I see.');

    // The browser does keep from it what it keeps from third parties.
    expect(
      await panel.evaluate(() => {
        try {
          localStorage.length;
          return 'kept';
        } catch {
          return `${document.cookie} ${isSecureContext}`;
        }
      }),
    ).toBe(' false');

    const view = await picture(page, 'view.jpg', { w: 1200, h: 800 });
    await panel.locator('.composer-attach input[type=file]').first().setInputFiles([view]);
    await panel.locator('.caption').fill('The view from here');
    await panel.locator('dialog [type=submit]:enabled').click();
    await stands(panel, 'The view from here');
    const shot = panel.locator('.shot.here > img').last();
    await expect.poll(() => shot.evaluate((img) => (img as HTMLImageElement).naturalWidth)).toBeGreaterThan(100);

    await page.getByRole('button', { name: 'Write to Alice Moreau' }).click();
    await panel.locator('.bar-title', { hasText: 'Alice Moreau' }).waitFor();
    await page.getByRole('button', { name: '中文' }).click();
    await expect.poll(() => panel.evaluate(() => document.documentElement.lang)).toMatch(/^zh/);
    await page.getByRole('button', { name: 'Dark' }).click();
    const ground = () => panel.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const dark = await ground();
    await page.getByRole('button', { name: 'Light' }).click();
    await expect.poll(ground).not.toBe(dark);
  });

  test('keeps nothing in the browser: a page that is loaded anew signs in anew, and who signs out at the host is signed out', async () => {
    const { page } = await visitor('bob');
    await page.locator('#state', { hasText: 'ready' }).waitFor();
    await page.reload();
    await page.locator('#state', { hasText: 'ready' }).waitFor();
    const { access_token: token } = await server.login('bob');
    const logins = async () => {
      const { items } = await server.call<{ items: { terminal: string }[] }>('GET', '/me/sessions', token);
      return items.filter(({ terminal }) => terminal === 'widget').length;
    };
    const before = await logins();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await expect.poll(logins).toBe(before - 1);
  });

  test('is closed to the page, goes without a trace, and comes back', async () => {
    const carol = await visitor('carol', { asItIs: true });
    const { page } = carol;
    const launcher = page.locator('magpie-launcher');
    await page.locator('#state', { hasText: 'ready' }).waitFor();
    expect(await launcher.evaluate((el) => el.shadowRoot)).toBe(null);
    await page.getByRole('button', { name: 'Open or close' }).click();
    const panel = () => page.frames().find((frame) => frame.url().includes('/embed/v1/panel'));
    await panel()?.locator('.conversation').first().waitFor();
    await page.getByRole('button', { name: 'Remove' }).click();
    await launcher.waitFor({ state: 'detached' });
    await expect.poll(() => page.frames().length).toBe(1);
    expect(await page.evaluate(() => 'Magpie' in window)).toBe(false);
    await page.locator('#state').evaluate((el) => el.replaceChildren());
    await page.getByRole('button', { name: 'Begin anew' }).click();
    await page.locator('#state', { hasText: 'ready' }).waitFor();
    await launcher.waitFor({ state: 'attached' });
  });

  test('makes whoever is new, and takes no token twice, too late, or of somebody else', async () => {
    const olga = await visitor('olga');
    await olga.page.locator('#state', { hasText: 'ready' }).waitFor();
    await olga.call('openChat', { user: 'bob' });
    await write(await olga.panel(), 'I am new here.');
    const { access_token: token } = await server.login('bob');
    const who = await server.call<{ name: string; department: string }>('GET', '/users/olga', token);
    expect(who).toMatchObject({ name: 'Olga Petrova', department: 'Reception' });

    const used = office.token();
    const tries: [string, string, string][] = [
      ['expired', office.token({ iat: 1, exp: 100 }), 'expired'],
      ['for too long', office.token({ exp: Math.floor(Date.now() / 1000) + 3600 }), 'too-long'],
      ['signed by others', office.token({}, 'something else'), 'signature'],
      ['not signed', office.token({}, '', { alg: 'none' }), 'algorithm'],
      ['another app’s', office.token({ iss: 'other' }), 'issuer'],
      ['another organisation’s', office.token({ org: 'other' }), 'organisation'],
      ['good', used, ''],
      ['used', used, 'replayed'],
    ];
    for (const [which, one, reason] of tries) {
      const answer = await fetch(`${server.http}/api/v1/auth/exchange`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Origin: office.at() },
        body: JSON.stringify({ app, token: one }),
      });
      const body = (await answer.json()) as { reason?: string };
      expect([answer.status, body.reason ?? ''], which).toEqual([reason ? 401 : 200, reason]);
    }
  });
});

describe('trouble', () => {
  test('a token URL that is down is asked again, and a token that is refused is said to be', async () => {
    const one = await visitor('');
    const { page } = one;
    let asked = 0;
    await page.route('**/api/im-token', async (route) => {
      asked++;
      if (asked < 3) await route.fulfill({ status: 503 });
      else await route.continue();
    });
    await one.signIn('bob');
    await page.locator('#state', { hasText: 'ready' }).waitFor();
    expect(asked).toBe(3);

    const old = office.token({ iat: 1, exp: 100 });
    await page.unroute('**/api/im-token');
    await page.route('**/api/im-token', (route) => route.fulfill({ json: { token: old } }));
    await page.goto(`${office.at()}/`);
    await page.locator('#state', { hasText: 'error: sign-in' }).waitFor();

    // Signed out at the host: nothing is asked for until it says so.
    await page.unroute('**/api/im-token');
    await page.route('**/api/im-token', (route) => route.fulfill({ status: 401 }));
    await page.goto(`${office.at()}/`);
    await page.locator('#state', { hasText: 'signed out here' }).waitFor();
    await page.unroute('**/api/im-token');
    await one.call('identify');
    await page.locator('#state', { hasText: 'ready' }).waitFor();
  });

  test('pages of other origins are shown nothing', async () => {
    const one = await visitor('');
    await one.signIn('bob', office.at('stranger'));
    const { page } = one;
    await page.locator('#state', { hasText: 'error: panel' }).waitFor({ timeout: 45_000 });
    // The browser says that it was refused, which is what was to be seen.
    expect(one.errors.splice(0).join()).toContain('frame-ancestors');
  }, 120_000);
});

describe('an element in the page, and what servers tell each other', () => {
  test('the group stands in the page of the project; the webhook reaches the host, and the host the group', async () => {
    const alice = await visitor('alice');
    const { page } = alice;
    await page.goto(`${office.at()}/project`);
    const inline = () => alice.panel('magpie-chat');
    await page.locator('magpie-chat iframe').waitFor();
    await (await inline()).locator('.bar-title', { hasText: 'Launch week' }).waitFor();
    // It takes the focus from nobody.
    await (await inline()).locator('.composer-input').waitFor();
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BODY');
    await write(await inline(), 'Written on the page of the project.');

    await page.goto(`${office.at()}/events`);
    await page.locator('#events li', { hasText: 'Written on the page of the project.' }).waitFor();
    await say('bob', 'g:launch', 'While the page is open.');
    await page.locator('#events li', { hasText: 'While the page is open.' }).waitFor();

    await page.getByLabel('Text').fill('Version 12 is out.');
    await page.getByRole('button', { name: 'Post' }).click();
    await page.getByText('Posted.').waitFor();
    await page.goto(`${office.at()}/project`);
    await page.locator('magpie-chat iframe').waitFor();
    await stands(await inline(), 'Version 12 is out. (Alice Moreau)');

    // The host takes nothing that is not signed, or is old, and an event once.
    const event = { id: 'e1', event: 'message', at: '2026-01-31T12:00:00Z', data: { made: 'up' } };
    expect(await office.tell(event, { secret: 'wrong' })).toBe(401);
    expect(await office.tell(event, { at: Date.now() - 600_000 })).toBe(401);
    expect(await office.tell(event)).toBe(204);
    expect(await office.tell(event)).toBe(204);
    await page.goto(`${office.at()}/events`);
    expect(await page.locator('#events li', { hasText: 'up' }).count()).toBe(1);
  });
});

test('the page of docs/embedding.md works as it is written', async () => {
  const docs = await readFile(new URL('../../docs/embedding.md', import.meta.url), 'utf8');
  const [, source = ''] = docs.match(/```js\n(import \{ createHmac, randomUUID \}[\s\S]*?)```/) ?? [];
  const here = source
    .replace('http://localhost:8080', server.http.replace('127.0.0.1', 'localhost'))
    .replace('listen(8090', 'listen(0')
    .replace(/;\s*$/, '.on("listening", function () { console.log(this.address().port) });');
  const host = spawn(process.execPath, ['--input-type=module', '-e', here], {
    env: { ...process.env, MAGPIE_SECRET: office.secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [port] = (await once(host.stdout, 'data')) as [Buffer];
    const origin = `http://127.0.0.1:${String(port).trim()}`;
    await office.allow(server, origin);
    const bob = await visitor('');
    await bob.page.goto(origin);
    await bob.bubble(/^Open/).click();
    await (await bob.panel()).locator('.conversation').first().waitFor();
  } finally {
    const ended = once(host, 'exit');
    host.kill();
    await ended;
  }
});
