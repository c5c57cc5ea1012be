import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { accessible, administer, lookAtAll, looks } from './administrator';
import { gather } from './crowd';

const crowd = gather('--webhook-allow', '127.0.0.0/8');

interface Got {
  event: string;
  id: string;
  data: { conv?: string; media?: { content: { co: string } }[] };
  /** It is signed with this secret. */
  by(secret: string): boolean;
}

let receiver: Server;
let url = '';
/** What the receiver answers. */
let status = 200;
const got: Got[] = [];

beforeAll(async () => {
  receiver = createServer(async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    const { 'magpie-timestamp': at, 'magpie-signature': signature } = req.headers;
    got.push({
      ...JSON.parse(body),
      by: (secret) => signature === `v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`,
    });
    res.writeHead(status).end(status === 200 ? '' : 'Closed for the day');
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks/chat`;
});
beforeEach(() => {
  got.length = 0;
  status = 200;
});
afterAll(() => {
  receiver?.closeAllConnections();
  receiver?.close();
});

/** Makes an app with the bot robot-{id}. */
async function app(id: string): Promise<string> {
  const { access_token: token } = await crowd.server.login('alice');
  await crowd.server.call('POST', '/admin/apps', token, { id, name: `Office ${id}`, origins: [] });
  await crowd.server.call('POST', `/admin/apps/${id}/bots`, token, { uid: `robot-${id}`, name: 'Robot' });
  return token;
}

test('a webhook is added, its secret is shown once, it is tried, tells messages, shows what failed and sends it again', async () => {
  const token = await app('oa-hooks');
  const alice = await administer(crowd, 'alice', '/admin/apps/oa-hooks');
  const { page } = alice;
  const hooks = page.getByRole('region', { name: 'Outgoing webhooks' });
  await hooks.getByText('No outgoing webhooks yet.').waitFor();
  await hooks.getByRole('button', { name: 'Add a webhook' }).click();
  const adding = page.getByRole('dialog', { name: 'Add a webhook' });
  await adding.getByLabel('Address').fill('oa.example/hooks');
  await adding.getByLabel('Messages').uncheck();
  await adding.getByRole('button', { name: 'Add', exact: true }).click();
  await adding.getByText('Write it like https://').waitFor();
  await adding.getByText('Choose at least one.').waitFor();
  await accessible(page, 'adding a webhook');
  await adding.getByLabel('Address').fill(url);
  await adding.getByText('It must begin with https.').waitFor();
  await adding.getByLabel('Messages').check();
  await adding.getByRole('button', { name: 'Add', exact: true }).click();
  const shown = page.getByRole('dialog', { name: 'The secret of the new webhook' });
  const secret = await shown.getByLabel('Secret').inputValue();
  await shown.getByRole('button', { name: 'I have kept it' }).click();
  await hooks.getByText('Messages · as Robot').waitFor();
  expect(await page.content()).not.toContain(secret);

  await hooks.getByRole('button', { name: `Deliveries to ${url}` }).click();
  const log = page.getByRole('dialog', { name: `Deliveries to ${url}` });
  await log.getByText('Nothing was delivered yet.').waitFor();
  await log.getByRole('button', { name: 'Send a test' }).click();
  await log.getByText('It works: 200 in').waitFor();
  await log.getByRole('listitem').filter({ hasText: 'Test' }).getByText('Delivered').waitFor();
  expect(got.map(({ event }) => event)).toEqual(['test']);
  expect(got[0]?.by(secret)).toBe(true);
  expect(got[0]?.by(`${secret}x`)).toBe(false);

  status = 503;
  await crowd.server.call('POST', '/conversations/u:robot-oa-hooks/messages', token, {
    media: [{ type: 0, content: { co: 'Is anybody there?' } }],
  });
  const message = log.getByRole('listitem').filter({ hasText: 'Message' });
  await message.getByText('The receiver answered 503.').waitFor();
  await message.getByText('Closed for the day').waitFor();
  await message.getByText('Waiting', { exact: true }).waitFor();
  await accessible(page, 'deliveries');
  await log.getByRole('button', { name: 'Send a test' }).click();
  await log.getByText('The test was not taken.').waitFor();
  await log.getByRole('radio', { name: 'Failed' }).check();
  await expect.poll(() => log.getByRole('listitem').count()).toBe(1);
  await log.getByRole('listitem').getByText('Test').waitFor();
  await log.getByRole('radio', { name: 'All' }).check();
  status = 200;
  await message.getByRole('button', { name: 'Send again: Message' }).click();
  await message.getByText('Delivered').waitFor();
  const told = got.filter(({ event }) => event === 'message');
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  expect(told.at(-1)?.data).toMatchObject({
    conv: 'u:alice',
    media: [{ content: { co: 'Is anybody there?' } }],
  });
  await page.keyboard.press('Escape');

  await hooks.getByRole('button', { name: 'More for' }).click();
  await page.getByRole('menuitem', { name: 'Change' }).click();
  const changing = page.getByRole('dialog', { name: 'Change the webhook' });
  await changing.getByLabel('Members of groups').check();
  await changing.getByRole('button', { name: 'Save changes' }).click();
  await hooks.getByText('Messages and Members of groups · as Robot').waitFor();
  await hooks.getByRole('button', { name: 'More for' }).click();
  await page.getByRole('menuitem', { name: 'Switch off' }).click();
  await page
    .getByRole('dialog', { name: 'Switch this webhook off?' })
    .getByRole('button', { name: 'Switch off' })
    .click();
  await hooks.getByText('Off', { exact: true }).waitFor();
  await hooks.getByRole('button', { name: 'More for' }).click();
  await page.getByRole('menuitem', { name: 'Switch on' }).click();
  await hooks.getByText('Off', { exact: true }).waitFor({ state: 'detached' });
  await hooks.getByRole('button', { name: 'More for' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('dialog', { name: 'Delete this webhook?' }).getByRole('button', { name: 'Delete' }).click();
  await hooks.getByText('No outgoing webhooks yet.').waitFor();
  await page.goto(`${crowd.server.http}/admin/audit?action=webhook.again`);
  await page.getByRole('row', { name: /Delivery sent again/ }).waitFor();
});

test.each(looks)('axe finds nothing grave: %s', async (_, look) => {
  const id = `oa-${look.colorScheme}`;
  const token = await app(id);
  const hook = {
    url: `${url}/${'long/'.repeat(20)}`,
    events: ['message', 'membership', 'presence'],
    bot: `robot-${id}`,
  };
  const made = await crowd.server.call<{ id: string }>('POST', `/admin/apps/${id}/webhooks`, token, hook);
  status = 404;
  await crowd.server.call('POST', `/admin/apps/${id}/webhooks/${made.id}/test`, token);
  status = 200;
  await lookAtAll(crowd, look, [[`apps/${id}`, '.pane .devices li button.small']]);
  const one = await administer(crowd, 'alice', `/admin/apps/${id}`, { reducedMotion: 'reduce', ...look });
  const pane = one.page.locator('.pane-body');
  await pane.locator('.devices li .actions button.small').first().waitFor();
  expect(await pane.evaluate((e) => e.scrollWidth - e.clientWidth)).toBe(0);
  await pane.locator('.devices li .actions button.small').first().click();
  await one.page.locator('.deliveries li').first().waitFor();
  await accessible(one.page, 'deliveries');
});
