import { expect, test } from 'vitest';
import { accessible, administer, lookAtAll, looks } from './administrator';
import { gather } from './crowd';

const crowd = gather();

test('an app is added, is given keys that are shown once and change places, is changed, disabled and deleted', async () => {
  const alice = await administer(crowd, 'alice', '/admin/apps');
  const { page } = alice;
  await page.getByText('No apps yet').waitFor();
  await page.getByRole('button', { name: 'Add an app' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add an app' });
  await dialog.getByLabel('Name').fill('Office');
  await dialog.getByLabel('Id').fill('OA');
  await dialog.getByLabel('Origins').fill('https://oa.example.com/start');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await dialog.getByText('Use 3 to 40 of a–z').waitFor();
  await dialog.getByText('“https://oa.example.com/start” is not an origin.').waitFor();
  await accessible(page, 'adding an app');
  await dialog.getByLabel('Id').fill('oa-prod');
  await dialog.getByLabel('Origins').fill('https://oa.example.com\nhttp://10.1.2.3:8090');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const pane = page.getByRole('complementary', { name: 'Office' });
  await pane.getByText('Without https, others on the way').waitFor();

  const keys = pane.getByRole('region', { name: 'Signing keys' });
  const secrets: string[] = [];
  for (const n of [1, 2]) {
    await keys.getByRole('button', { name: 'Make a key' }).click();
    const shown = page.getByRole('dialog', { name: 'The new signing key' });
    secrets.push(await shown.getByLabel('Secret').inputValue());
    await shown.getByRole('button', { name: 'I have kept it' }).click();
    await expect.poll(() => keys.getByRole('listitem').count()).toBe(n);
  }
  expect(new Set(secrets).size).toBe(2);
  expect(Math.min(...secrets.map((one) => one.length))).toBeGreaterThanOrEqual(32);
  await keys.getByText('There are two, which is all.').waitFor();
  await keys
    .getByRole('button', { name: /^Delete/ })
    .first()
    .click();
  await page.getByRole('dialog', { name: 'Delete this signing key?' }).getByRole('button', { name: 'Delete' }).click();
  await expect.poll(() => keys.getByRole('listitem').count()).toBe(1);
  await page.reload();
  await keys.getByRole('listitem').waitFor();
  for (const secret of secrets) expect(await page.content()).not.toContain(secret);

  const snippet = pane.getByRole('region', { name: 'Put it on a page' });
  await snippet.getByRole('region', { name: 'Code' }).getByText('data-app="oa-prod"').waitFor();
  await snippet.getByText('Server', { exact: true }).click();
  await snippet.getByLabel('Language').selectOption({ label: 'Python' });
  await snippet.getByText('def im_token').waitFor();

  await pane.getByLabel('Origins').fill('https://oa.example.com');
  await pane.getByRole('switch', { name: 'Add people at first sight' }).check();
  await pane.getByRole('button', { name: 'Save changes' }).click();
  await alice.told('Saved.');
  await pane.getByRole('button', { name: 'Disable the app' }).click();
  await page.getByRole('dialog', { name: 'Disable Office?' }).getByRole('button', { name: 'Disable the app' }).click();
  await page
    .getByRole('row', { name: /Office/ })
    .getByText('Disabled')
    .waitFor();
  await pane.getByRole('button', { name: 'Enable the app' }).click();
  await page
    .getByRole('row', { name: /Office/ })
    .getByText('Live')
    .waitFor();
  await pane.getByRole('button', { name: 'Delete the app' }).click();
  await page.getByRole('dialog', { name: 'Delete Office?' }).getByRole('button', { name: 'Delete the app' }).click();
  await page.getByText('No apps yet').waitFor();
});

test('a bot is added, and writes with an API key that is replaced, and by an incoming webhook', async () => {
  const { http } = crowd.server;
  const { access_token: token } = await crowd.server.login('alice');
  await crowd.server.call('POST', '/admin/apps', token, { id: 'oa-bots', name: 'Deployment', origins: [] });
  const room = await crowd.room('bob');
  const bob = await crowd.enter('bob');
  const alice = await administer(crowd, 'alice', '/admin/apps/oa-bots');
  const { page } = alice;
  const pane = page.getByRole('complementary', { name: 'Deployment' });
  await pane.getByText('Add a bot first: it is who the key acts as.').waitFor();
  await pane.getByRole('button', { name: 'Add a bot' }).click();
  const adding = page.getByRole('dialog', { name: 'Add a bot' });
  await adding.getByLabel('User name').fill('bob');
  await adding.getByLabel('Name', { exact: true }).fill('Robot');
  await adding.getByRole('button', { name: 'Add', exact: true }).click();
  await adding.getByText('This is taken.').waitFor();
  await adding.getByLabel('User name').fill('robot');
  await adding.getByRole('button', { name: 'Add', exact: true }).click();
  const bots = pane.getByRole('region', { name: 'Bots' });
  await bots.getByText('robot', { exact: true }).waitFor();
  const { items } = await crowd.server.call<{ items: { gid: string; name: string }[] }>('GET', '/groups', token);
  const gid = items.find(({ name }) => name === room)?.gid ?? '';

  const keys = pane.getByRole('region', { name: 'API keys' });
  await keys.getByRole('button', { name: 'Make an API key' }).click();
  const making = page.getByRole('dialog', { name: 'Make an API key' });
  await making.getByLabel('Read people').uncheck();
  await making.getByLabel('Write messages').uncheck();
  await making.getByRole('button', { name: 'Add', exact: true }).click();
  await making.getByText('Choose at least one.').waitFor();
  await making.getByText('Fill in this field.').waitFor();
  await making.getByLabel('What it is for').fill('Build server');
  await making.getByLabel('Write messages').check();
  await accessible(page, 'making an API key');
  await making.getByRole('button', { name: 'Add', exact: true }).click();
  const shown = page.getByRole('dialog', { name: 'The new API key' });
  const kept = async (label: string) => {
    const value = await shown
      .or(page.getByRole('dialog', { name: 'The new address' }))
      .getByLabel(label)
      .inputValue();
    await page.getByRole('dialog').getByRole('button', { name: 'I have kept it' }).click();
    return value;
  };
  const first = await kept('API key');
  const conv = encodeURIComponent(`g:${gid}`);
  const write = (key: string, text: string) =>
    fetch(`${http}/api/v1/conversations/${conv}/messages`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ media: [{ type: 0, content: { co: text } }] }),
    });
  // Not a member yet, like anybody else.
  expect((await write(first, 'Too early')).status).toBe(404);

  const incoming = pane.getByRole('region', { name: 'Incoming webhooks' });
  await incoming.getByRole('button', { name: 'Make an address' }).click();
  const address = page.getByRole('dialog', { name: 'Make an address' });
  await address.getByLabel('What it is for').fill('Deployments');
  await address.getByRole('searchbox').fill(room);
  await address.getByRole('radio', { name: room }).check();
  await address.getByRole('button', { name: 'Add', exact: true }).click();
  await address.getByText('The bot can’t write there.').waitFor();
  await accessible(page, 'making an address');
  await crowd.server.call('POST', `/groups/${gid}/members`, token, { uids: ['robot'] });
  await address.getByRole('button', { name: 'Add', exact: true }).click();
  const url = await kept('Address');
  await incoming.getByText(`to ${room} as Robot`).waitFor();

  await bob.openChat(room);
  expect((await write(first, 'Built by a key')).status).toBe(201);
  await bob.message('Built by a key').waitFor();
  // Nobody takes it for a person.
  await bob.page.locator('.sender', { hasText: 'Robot' }).getByText('Bot', { exact: true }).waitFor();
  const post = () =>
    fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ text: 'Built by an address', id: 'build-12' }),
    });
  expect([(await post()).status, (await post()).status]).toEqual([200, 200]);
  await bob.message('Built by an address').waitFor();
  expect(await bob.message('Built by an address').count()).toBe(1);

  await keys.getByRole('button', { name: 'Replace Build server' }).click();
  await page.getByRole('dialog', { name: 'Replace the key' }).getByRole('button', { name: 'Replace' }).click();
  const second = await kept('API key');
  await keys.getByText('works until').waitFor();
  expect((await write(first, 'The old key for a day')).status).toBe(201);
  expect((await write(second, 'The new key')).status).toBe(201);
  await bob.message('The new key').waitFor();
  await bots.getByRole('button', { name: 'More for Robot' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('dialog', { name: 'Delete Robot?' }).getByRole('button', { name: 'Delete' }).click();
  await bots.getByText('No bots yet.').waitFor();
  await keys.getByText('No API keys yet.').waitFor();
  await incoming.getByText('No incoming webhooks yet.').waitFor();
  expect((await write(second, 'Too late')).status).toBe(401);
  expect((await post()).status).toBe(404);
});

test('it is tried as somebody of one’s choice; an auditor reads and changes nothing', async () => {
  const { access_token: token } = await crowd.server.login('alice');
  await crowd.server.call('POST', '/admin/apps', token, { id: 'oa-try', name: 'To try', origins: [] });
  const alice = await administer(crowd, 'alice', '/admin/apps/oa-try');
  const { page } = alice;
  await page.getByRole('button', { name: 'Show the bubble' }).click();
  const picker = page.getByRole('dialog', { name: 'Choose who to be' });
  await picker.getByRole('searchbox').fill('carol');
  await picker.getByLabel('Carol Nwosu').check();
  await picker.getByRole('button', { name: 'Show the bubble' }).click();
  await page.getByText('The bubble at the corner is Carol Nwosu’s.').waitFor();
  await page.evaluate(() => window.Magpie?.('openChat', { user: 'bob' }));
  const panel = () => page.frames().find((frame) => frame.url().includes('/embed/v1/panel?app=oa-try'));
  await expect.poll(panel).toBeDefined();
  await panel()?.locator('.bar-title', { hasText: 'Bob Tanaka' }).waitFor();
  await page.evaluate(() => window.Magpie?.('hide'));
  await page.getByRole('button', { name: 'Take it away' }).click();
  await page.locator('magpie-launcher').waitFor({ state: 'detached' });
  // Who leaves before the bubble is there gets none.
  let arrived = () => {};
  const asked = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let send = () => {};
  const held = new Promise<void>((resolve) => {
    send = resolve;
  });
  await page.route('**/embed/v1/loader.js', async (route) => {
    arrived();
    await held;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Show the bubble' }).click();
  await picker.getByRole('searchbox').fill('carol');
  await picker.getByLabel('Carol Nwosu').check();
  await picker.getByRole('button', { name: 'Show the bubble' }).click();
  await asked;
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.evaluate(() => {
    const came = (e: Event) => {
      if ((e.target as Element).matches('script[src*="loader.js"]')) document.body.dataset.loader = 'came';
    };
    document.addEventListener('load', came, true);
  });
  send();
  await page.locator('body[data-loader=came]').waitFor();
  expect(await page.locator('magpie-launcher').count()).toBe(0);
  // Who tried, and as whom, stays to be read.
  await page.goto(`${crowd.server.http}/admin/audit?action=app.test_token`);
  await page
    .getByRole('row', { name: /App tried/ })
    .first()
    .waitFor();

  await crowd.server.change('/admin/users/dave', token, { role: 'auditor' });
  const dave = await administer(crowd, 'dave', '/admin/apps/oa-try');
  const pane = dave.page.getByRole('complementary', { name: 'To try' });
  await pane.getByText('No key yet').waitFor();
  await pane.getByText('No bots yet.').waitFor();
  expect(await pane.getByRole('button').allTextContents()).toEqual(expect.not.arrayContaining(['Make a key']));
  expect(await pane.getByRole('textbox').count()).toBe(0);
});

test.each(looks)('axe finds nothing grave: %s', async (_, look) => {
  const { access_token: token } = await crowd.server.login('alice');
  const id = `oa-${look.colorScheme}`;
  const app = { id, name: 'Office', origins: ['https://oa.example.com'] };
  await crowd.server.call('POST', '/admin/apps', token, app);
  await crowd.server.call('POST', `/admin/apps/${id}/keys`, token);
  await lookAtAll(crowd, look, [
    ['apps', 'tr.item'],
    [`apps/${id}`, '.pane .devices li'],
  ]);
});
