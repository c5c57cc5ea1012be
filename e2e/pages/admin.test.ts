import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { demo } from '../server';
import { accessible, administer, lookAtAll, looks } from './administrator';
import { gather } from './crowd';

const crowd = gather();

describe('the way in', () => {
  test('whoever is not signed in signs in, and comes back to where they wanted to go', async () => {
    const one = await crowd.open();
    await one.page.goto(`${crowd.server.http}/admin/people?role=admin`);
    await one.page.locator('[name=organization]').fill(demo.org);
    await one.page.locator('[name=username]').fill('alice');
    await one.page.locator('[name=current-password]').fill(demo.password);
    await one.page.locator('[type=submit]').click();
    await one.page.getByRole('heading', { name: 'People' }).waitFor();
    expect(new URL(one.page.url()).search).toBe('?role=admin');
    await expect.poll(() => one.page.getByLabel('Role').inputValue()).toBe('admin');
  });

  test('an administrator gets there from the chat; a member is told that it is not for them', async () => {
    const alice = await crowd.enter('alice');
    await alice.page.getByRole('button', { name: 'Your account' }).click();
    await alice.page.getByRole('menuitem', { name: 'Administration' }).click();
    await alice.page.getByRole('heading', { name: 'Overview' }).waitFor();

    const bob = await crowd.enter('bob');
    await bob.page.getByRole('button', { name: 'Your account' }).click();
    await bob.page.getByRole('menuitem', { name: 'Sign out' }).waitFor();
    expect(await bob.page.getByRole('menuitem', { name: 'Administration' }).count()).toBe(0);
    await bob.page.goto(`${crowd.server.http}/admin/people`);
    await bob.page.getByText('This part is for administrators').waitFor();
  });

  test('an address that leads nowhere says so', async () => {
    const alice = await administer(crowd, 'alice', '/admin/nothing');
    await alice.page.getByText('There is no such page').waitFor();
    await alice.page.goto(`${crowd.server.http}/admin/people/nobody-here`);
    await alice.page.getByText('This is not here').waitFor();
  });
});

describe('people', () => {
  test('somebody is added, given a link, chooses a password, signs in, and is disabled', async () => {
    const alice = await administer(crowd, 'alice', '/admin/people');
    const { page } = alice;
    await page.getByRole('button', { name: 'Add somebody' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await expect.poll(() => dialog.getByText('Fill in this field.').count()).toBe(2);
    await dialog.getByLabel('Name', { exact: true }).fill('Nora Quist');
    await dialog.getByLabel('User name').fill('alice');
    await dialog.getByLabel('Add a department').selectOption({ label: 'Engineering' });
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.getByText('This is taken. Choose another.').waitFor();
    await dialog.getByLabel('User name').fill('nora');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();

    const pane = page.getByRole('complementary', { name: 'Nora Quist' });
    await pane.getByRole('button', { name: 'Make a link' }).click();
    const link = await pane.getByLabel('Link').inputValue();

    const nora = await crowd.open();
    await nora.page.goto(link);
    await nora.page.getByText('For Nora Quist at').waitFor();
    // The secret does not stay in the address, and what is loaded again is there.
    await expect.poll(() => nora.page.url()).toBe(`${crowd.server.http}/reset`);
    await nora.page.reload();
    await nora.page.getByText('For Nora Quist at').waitFor();
    await accessible(nora.page, 'reset');
    await nora.page.getByLabel('New password').fill('short');
    await nora.page.getByLabel('Password again').fill('shorter');
    await nora.page.getByRole('button', { name: 'Set the password' }).click();
    await nora.page.getByText('Use at least 8 characters.').waitFor();
    await nora.page.getByText('The two passwords differ.').waitFor();
    await nora.page.getByLabel('New password').fill('a long enough one');
    await nora.page.getByLabel('Password again').fill('a long enough one');
    await nora.page.getByRole('button', { name: 'Set the password' }).click();
    await nora.page.getByText('Your password is set').waitFor();
    await nora.page.getByRole('link', { name: 'Sign in' }).click();
    await nora.page.locator('[name=username]').fill('nora');
    await nora.page.locator('[name=current-password]').fill('a long enough one');
    await nora.page.locator('[type=submit]').click();
    await nora.page.getByRole('heading', { name: 'Chats' }).waitFor();
    // The link is used up.
    const late = await crowd.open();
    await late.page.goto(link);
    await late.page.getByText('This link does not work').waitFor();

    await page.reload();
    await pane.locator('.devices li').waitFor();
    await pane.getByRole('button', { name: 'Disable the account' }).click();
    await page.getByRole('dialog', { name: 'Disable Nora Quist?' }).getByText('signed out of every device').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable the account' }).click();
    await pane
      .getByText('No device is signed in.')
      .or(pane.getByRole('button', { name: 'Enable the account' }))
      .first()
      .waitFor();
    // At once, where she is.
    await nora.page.getByText('You were signed out.').waitFor();
    await page.getByRole('search').getByLabel('State').selectOption('disabled');
    await page
      .getByRole('row', { name: /Nora Quist/ })
      .getByText('Disabled')
      .waitFor();
  });

  test('two at once: the second is told what the first changed, and loses nothing', async () => {
    const alice = await administer(crowd, 'alice', '/admin/people/carol');
    const other = await crowd.beside(alice);
    await other.page.goto(`${crowd.server.http}/admin/people/carol`);
    const [one, two] = [alice, other].map((p) => p.page.getByRole('complementary', { name: /Carol/ }));
    if (!one || !two) throw new Error('two panes');
    await two.getByLabel('Title').waitFor();
    const before = await one.getByLabel('Title').inputValue();
    await one.getByLabel('Title').fill('Head of all');
    await one.getByRole('button', { name: 'Save changes' }).click();
    await alice.told('Saved.');

    await two.getByLabel('Title').fill('Head of some');
    await two.getByLabel('E-mail').fill('carol@elsewhere.example');
    await two.getByRole('button', { name: 'Save changes' }).click();
    await two.getByText(`Title: now “Head of all”, was “${before}”.`).waitFor();
    expect(await two.getByLabel('Title').inputValue()).toBe('Head of some');
    expect(await two.getByLabel('E-mail').inputValue()).toBe('carol@elsewhere.example');
    await two.getByRole('button', { name: 'Take that' }).click();
    await expect.poll(() => two.getByLabel('Title').inputValue()).toBe('Head of all');
    await two.getByRole('button', { name: 'Save changes' }).click();
    await other.told('Saved.');
    await alice.page.reload();
    await expect.poll(() => one.getByLabel('E-mail').inputValue()).toBe('carol@elsewhere.example');
    await expect.poll(() => one.getByLabel('Title').inputValue()).toBe('Head of all');

    // A button is refused once, for what one sees is old, and not for ever.
    await two.getByRole('button', { name: 'Save changes' }).waitFor({ state: 'detached' });
    await one.getByLabel('Title').fill('Head of none');
    await one.getByRole('button', { name: 'Save changes' }).click();
    await alice.told('Saved.');
    await two.getByRole('button', { name: 'Disable the account' }).click();
    const ask = other.page.getByRole('dialog');
    await ask.getByRole('button', { name: 'Disable the account' }).click();
    await ask.getByText('Somebody else has changed this meanwhile.').waitFor();
    await expect.poll(() => two.getByLabel('Title').inputValue()).toBe('Head of none');
    await ask.getByRole('button', { name: 'Disable the account' }).click();
    await two.getByRole('button', { name: 'Enable the account' }).click();
    await two.getByRole('button', { name: 'Disable the account' }).waitFor();
  });

  test('the last administrator stays one', async () => {
    const alice = await administer(crowd, 'alice', '/admin/people/alice');
    await alice.page.getByRole('complementary').getByLabel('Role').selectOption('member');
    await alice.page.getByRole('button', { name: 'Save changes' }).click();
    await alice.page.getByText('This is the last administrator of the organisation.').waitFor();
  });

  test('many people: the table reads on and keeps few rows; words, filters and order find one', async () => {
    const { access_token } = await crowd.server.login('alice');
    for (let i = 0; i < 240; i++) {
      const body = { uid: `many${i}`, name: `Zoe Number ${String(i).padStart(3, '0')}` };
      await crowd.server.call('POST', '/admin/users', access_token, body);
    }
    const alice = await administer(crowd, 'alice', '/admin/people');
    const { page } = alice;
    await page.getByText(/^2\d\d people$/).waitFor();
    const box = page.locator('.table-box');
    await expect
      .poll(async () => {
        await box.evaluate((el) => el.scrollTo(0, el.scrollHeight));
        return page.getByText('Zoe Number 239').count();
      })
      .toBe(1);
    expect(await page.locator('tr.item').count()).toBeLessThan(60);
    await page.getByRole('button', { name: 'Name', exact: true }).click();
    await page
      .getByRole('columnheader', { name: 'Name', exact: true })
      .and(page.locator('[aria-sort=descending]'))
      .waitFor();
    await expect.poll(() => page.locator('tr.item').first().textContent()).toContain('陈曦');
    await page.getByRole('searchbox').fill('number 117');
    await expect.poll(() => page.locator('tr.item').count()).toBe(1);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export' }).click(),
    ]);
    expect((await readFile(await file.path(), 'utf8')).match(/^\w+,/gm)).toEqual(['many117,']);
    // By keys: down to the row, in, and out again.
    await page.locator('tr.item a').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Zoe Number 117' }).waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.className)).toContain('pane-close');
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    await expect.poll(() => page.evaluate(() => (document.activeElement as HTMLElement)?.dataset.key)).toBe('many117');
    await page.getByRole('searchbox').fill('nobody at all');
    await page.getByText('Nobody matches').waitFor();
    await page.getByRole('button', { name: 'Take the filters away' }).click();
    await page.getByText(/^2\d\d people$/).waitFor();
  });

  test('an auditor sees everything and changes nothing', async () => {
    const { access_token } = await crowd.server.login('alice');
    await crowd.server.change('/admin/users/dave', access_token, { role: 'auditor' });
    const auditor = await administer(crowd, 'dave', '/admin/people/bob');
    await auditor.page.getByText('that is the auditor’s role').waitFor();
    await auditor.page.getByRole('complementary').getByText('bob@').waitFor();
    for (const name of ['Add somebody', 'Make a link', 'Disable the account', 'Sign out']) {
      expect(await auditor.page.getByRole('button', { name }).count()).toBe(0);
    }
    // An administrator changes others, and no system administrator.
    await crowd.server.change('/admin/users/dave', access_token, { role: 'admin' });
    const admin = await administer(crowd, 'dave', '/admin/people/bob');
    await admin.page.getByRole('button', { name: 'Disable the account' }).waitFor();
    await crowd.server.shell('user', 'role', `${demo.org}/carol`, 'system');
    await admin.page.goto(`${crowd.server.http}/admin/people/carol`);
    await admin.page.locator('.pane dl.facts').waitFor();
    for (const name of ['Save', 'Make a link', 'Disable the account', 'Sign out']) {
      expect(await admin.page.getByRole('complementary').getByRole('button', { name }).count()).toBe(0);
    }
  });
});

test.each(looks)('axe finds nothing grave: %s', async (_, look) => {
  await lookAtAll(crowd, look, [
    ['people', 'tr.item'],
    ['people/bob', '.pane .form'],
  ]);
});
