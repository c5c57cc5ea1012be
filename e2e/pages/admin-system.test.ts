import { readFile } from 'node:fs/promises';
import { beforeEach, expect, test } from 'vitest';
import { administer, lookAtAll, looks } from './administrator';
import { gather } from './crowd';
import { picture } from './files';

const crowd = gather();

beforeEach(() => crowd.server.shell('user', 'role', 'demo/alice', 'system'));

test('an organisation is made; its administrator chooses a password, gets in, and is out when it is suspended', async () => {
  const alice = await administer(crowd, 'alice', '/admin/organisations');
  const { page } = alice;
  await page.getByRole('button', { name: 'Add an organisation' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add an organisation' });
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect.poll(() => dialog.getByText('Fill in this field.').count()).toBe(4);
  await dialog.getByLabel('Name of the organisation').fill('Second Firm');
  await dialog.getByLabel('Short name').fill('demo');
  await dialog.getByLabel('Name of its first administrator').fill('Zed');
  await dialog.getByLabel('User name of the administrator').fill('zed');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await dialog.getByText('This is taken. Choose another.').waitFor();
  await dialog.getByLabel('Short name').fill('second');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const made = page.getByRole('dialog', { name: 'Second Firm is there' });
  const link = await made.getByLabel('Link').inputValue();
  await made.getByRole('button', { name: 'Close' }).last().click();

  const zed = await crowd.open();
  await zed.page.goto(link);
  await zed.page.getByLabel('New password').fill('quite long enough');
  await zed.page.getByLabel('Password again').fill('quite long enough');
  await zed.page.getByRole('button', { name: 'Set the password' }).click();
  await zed.page.getByRole('link', { name: 'Sign in' }).click();
  await zed.page.locator('[name=username]').fill('zed');
  await zed.page.locator('[name=current-password]').fill('quite long enough');
  await zed.page.locator('[type=submit]').click();
  await zed.page.getByRole('heading', { name: 'Chats' }).waitFor();
  // An administrator of one organisation sees nothing of the others.
  const other = await crowd.beside(zed);
  await other.page.goto(`${crowd.server.http}/admin/organisations`);
  await other.page.getByText('There is no such page').waitFor();

  await page.getByRole('link', { name: /Second Firm/ }).click();
  const pane = page.getByRole('complementary', { name: 'Second Firm' });
  await pane.getByRole('button', { name: 'Suspend' }).click();
  await page.getByText('Its 1 person is disconnected at once').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
  await pane.getByRole('button', { name: 'Let them in again' }).waitFor();
  await zed.page.getByRole('button', { name: 'Sign in' }).waitFor();
  await pane.getByRole('button', { name: 'Let them in again' }).click();
  await pane.getByRole('button', { name: 'Suspend' }).waitFor();

  // A logo and bounds: its people see the one, and are told of the other.
  const chooser = page.waitForEvent('filechooser');
  await pane.getByRole('button', { name: 'Choose a picture' }).click();
  await (await chooser).setFiles(await picture(page, 'logo.png', { w: 240, h: 240 }));
  await pane.getByRole('button', { name: 'Another picture' }).waitFor();
  await pane.getByLabel('Most people').fill('1');
  await pane.getByRole('button', { name: 'Save' }).click();
  await pane.getByText('1 of 1', { exact: true }).waitFor();
  // Nothing of it was signed out: whoever was suspended goes on.
  await zed.page.goto(`${crowd.server.http}/admin/people`);
  await zed.page.locator('.side-head img').waitFor();
  await zed.page.getByRole('button', { name: 'Add somebody' }).click();
  const adding = zed.page.getByRole('dialog');
  await adding.getByLabel('Name', { exact: true }).fill('Yan');
  await adding.getByLabel('User name').fill('yan');
  await adding.getByRole('button', { name: 'Add', exact: true }).click();
  await adding.getByText('The organisation may have 1 people').waitFor();

  // An export comes as a file, and needs nobody's memory.
  const download = page.waitForEvent('download');
  await pane.getByRole('button', { name: 'Export everything' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(/^second-.*\.zip$/);
  expect((await readFile(await file.path())).subarray(0, 2).toString()).toBe('PK');

  // It is deleted, once one has typed its name, in seven days; and may be kept until then.
  await pane.getByRole('button', { name: 'Delete the organisation' }).click();
  const sure = page.getByRole('dialog', { name: 'Delete Second Firm?' });
  const remove = sure.getByRole('button', { name: 'Delete the organisation' });
  await expect.poll(() => remove.isDisabled()).toBe(true);
  await sure.getByLabel('Type second to confirm').fill('second');
  await remove.click();
  await pane.getByText('All of it is deleted on').waitFor();
  await zed.page.reload();
  await zed.page.getByRole('button', { name: 'Sign in' }).waitFor();
  await pane.getByRole('button', { name: 'Keep it' }).click();
  await pane.getByRole('button', { name: 'Delete the organisation' }).waitFor();
});

test('a backup is made while one watches', async () => {
  const alice = await administer(crowd, 'alice', '/admin/backups');
  await alice.page.getByText('No backup yet').waitFor();
  await alice.page.getByRole('button', { name: 'Back up now' }).click();
  await alice.page.getByText('Done', { exact: true }).waitFor();
});

test.each(looks)('axe finds nothing grave: %s', async (_, look) => {
  await lookAtAll(crowd, look, [
    ['organisations', 'tr.item'],
    ['organisations/demo', '.pane .form'],
    ['backups', '.table'],
  ]);
});
