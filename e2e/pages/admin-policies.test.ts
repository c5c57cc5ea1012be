import { expect, test } from 'vitest';
import { administer, lookAtAll, looks } from './administrator';
import { gather } from './crowd';

const crowd = gather();

test('policies are changed, hold at once, and say what they delete before they do', async () => {
  const alice = await administer(crowd, 'alice', '/admin/policies');
  const { page } = alice;
  await page.getByLabel('Who may create groups').selectOption({ label: 'Administrators' });
  await page.getByLabel('Authors may recall a message for').selectOption({ label: '15 minutes' });
  await page.getByLabel('Fewest characters of a new password').fill('4');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Use 8 to 128.').waitFor();
  await page.getByLabel('Fewest characters of a new password').fill('12');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await alice.told('Saved.');
  const { access_token } = await crowd.server.login('bob');
  await expect(
    crowd.server.call('POST', '/groups', access_token, { name: 'Not allowed', members: ['carol'] }),
  ).rejects.toThrow(/ 403 /);

  await page.getByLabel('Between two people').fill('30');
  await page.getByRole('button', { name: 'Save changes' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete older messages?' });
  await dialog.getByText('Between two people: 30 days; In groups: for ever').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Discard changes' }).click();
  await expect.poll(() => page.getByLabel('Between two people').inputValue()).toBe('0');
  await page.getByLabel('Between two people').fill('30');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await dialog.getByRole('button', { name: 'Save and delete older messages' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Discard changes' }).waitFor({ state: 'detached' });
  await page.reload();
  await expect.poll(() => page.getByLabel('Between two people').inputValue()).toBe('30');
  expect(await page.getByLabel('Authors may recall a message for').inputValue()).toBe('900');
});

test('where contacts must agree, who is added is asked, and accepts', async () => {
  const { access_token } = await crowd.server.login('alice', 'service');
  const { version } = await crowd.server.call<{ version: number }>('GET', '/admin/policies', access_token);
  const change = { contact_approval: true };
  const ifMatch = { 'If-Match': `"${version}"` };
  await crowd.server.call('PATCH', '/admin/policies', access_token, change, ifMatch);
  const erin = await crowd.enter('erin');
  const grace = await crowd.enter('grace');
  for (const one of [erin, grace]) await one.page.getByRole('link', { name: 'People' }).click();
  await erin.page.getByRole('searchbox').fill('grace');
  await erin.page.getByRole('link', { name: /Grace Kim/ }).click();
  await erin.page.getByRole('button', { name: 'Add to contacts' }).click();
  await erin.page.getByText('Grace Kim has been asked.').waitFor();
  expect(await erin.page.getByRole('button', { name: 'Remove from contacts' }).count()).toBe(0);

  const asking = grace.page.locator('.row', { has: grace.page.getByRole('button', { name: 'Accept' }) });
  await asking.getByText('Erin Gallagher').waitFor();
  await asking.getByRole('button', { name: 'Accept' }).click();
  await asking.waitFor({ state: 'detached' });
  await grace.page
    .getByRole('link', { name: /Erin Gallagher/ })
    .first()
    .click();
  for (const one of [erin, grace]) await one.page.getByRole('button', { name: 'Remove from contacts' }).waitFor();
});

test('of two who change policies at once, the second is told', async () => {
  const alice = await administer(crowd, 'alice', '/admin/policies');
  const other = await crowd.beside(alice);
  await other.page.goto(`${crowd.server.http}/admin/policies`);
  await other.page.getByLabel('Largest file').waitFor();
  await alice.page.getByLabel('Largest file').fill('20');
  await alice.page.getByRole('button', { name: 'Save changes' }).click();
  await alice.told('Saved.');
  await other.page.getByLabel('Contacts must agree').click();
  await other.page.getByRole('button', { name: 'Save changes' }).click();
  await other.page.getByText('Largest file: now “20”, was “0”.').waitFor();
  await other.page.getByRole('button', { name: 'Save changes' }).click();
  await other.told('Saved.');
  await other.page.reload();
  await expect.poll(() => other.page.getByLabel('Largest file').inputValue()).toBe('20');
});

test.each(looks)('axe finds nothing grave: %s', async (_, look) => {
  await lookAtAll(crowd, look, [['policies', '.form .card']]);
});
