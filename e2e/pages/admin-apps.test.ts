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
  await page.getByText('Saved.').waitFor();
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
