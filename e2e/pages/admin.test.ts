import { readFile } from 'node:fs/promises';
import AxeBuilder from '@axe-core/playwright';
import { describe, expect, test } from 'vitest';
import { demo } from '../server';
import { gather } from './crowd';
import type { Person } from './person';

const crowd = gather();

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** Signs in and opens a page of the administration. */
async function administer(uid: string, path: string, o?: Parameters<typeof crowd.enter>[1]): Promise<Person> {
  const one = await crowd.enter(uid, o);
  await one.page.goto(crowd.server.http + path);
  return one;
}

async function accessible(one: Person, view: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page: one.page }).analyze();
  const grave = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  expect(
    grave.map((v) => `${view}: ${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('\n')}`),
  ).toEqual([]);
}

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
    expect(await one.page.getByLabel('Role').inputValue()).toBe('admin');
  });

  test('an administrator gets there from the chat; a member is told that it is not for them', async () => {
    const alice = await crowd.enter('alice');
    await alice.page.getByRole('button', { name: 'Your account' }).click();
    await alice.page.getByRole('menuitem', { name: 'Administration' }).click();
    await alice.page.getByRole('heading', { name: 'People' }).waitFor();

    const bob = await crowd.enter('bob');
    await bob.page.getByRole('button', { name: 'Your account' }).click();
    expect(await bob.page.getByRole('menuitem', { name: 'Administration' }).count()).toBe(0);
    await bob.page.goto(`${crowd.server.http}/admin/people`);
    await bob.page.getByText('This part is for administrators').waitFor();
  });

  test('an address that leads nowhere says so', async () => {
    const alice = await administer('alice', '/admin/nothing');
    await alice.page.getByText('There is no such page').waitFor();
    await alice.page.goto(`${crowd.server.http}/admin/people/nobody-here`);
    await alice.page.getByText('This is not here').waitFor();
  });
});

describe('people', () => {
  test('somebody is added, given a link, chooses a password, signs in, and is disabled', async () => {
    const alice = await administer('alice', '/admin/people');
    const { page } = alice;
    await page.getByRole('button', { name: 'Add somebody' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    expect(await dialog.getByText('Fill in this field.').count()).toBe(2);
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
    await accessible(nora, 'reset');
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
    const alice = await administer('alice', '/admin/people/carol');
    const other = await crowd.beside(alice);
    await other.page.goto(`${crowd.server.http}/admin/people/carol`);
    const [one, two] = [alice, other].map((p) => p.page.getByRole('complementary', { name: /Carol/ }));
    if (!one || !two) throw new Error('two panes');
    await two.getByLabel('Title').waitFor();
    const before = await one.getByLabel('Title').inputValue();
    await one.getByLabel('Title').fill('Head of all');
    await one.getByRole('button', { name: 'Save changes' }).click();
    await alice.page.getByText('Saved.').waitFor();

    await two.getByLabel('Title').fill('Head of some');
    await two.getByLabel('E-mail').fill('carol@elsewhere.example');
    await two.getByRole('button', { name: 'Save changes' }).click();
    await two.getByText(`Title: now “Head of all”, was “${before}”.`).waitFor();
    expect(await two.getByLabel('Title').inputValue()).toBe('Head of some');
    expect(await two.getByLabel('E-mail').inputValue()).toBe('carol@elsewhere.example');
    await two.getByRole('button', { name: 'Take that' }).click();
    expect(await two.getByLabel('Title').inputValue()).toBe('Head of all');
    await two.getByRole('button', { name: 'Save changes' }).click();
    await other.page.getByText('Saved.').waitFor();
    await alice.page.reload();
    await expect.poll(() => one.getByLabel('E-mail').inputValue()).toBe('carol@elsewhere.example');
    expect(await one.getByLabel('Title').inputValue()).toBe('Head of all');
  });

  test('the last administrator stays one', async () => {
    const alice = await administer('alice', '/admin/people/alice');
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
    const alice = await administer('alice', '/admin/people');
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
    // By keys: down to the row, in, and out again.
    await page.locator('tr.item a').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Zoe Number 117' }).waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.className)).toContain('pane-close');
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    expect(await page.evaluate(() => (document.activeElement as HTMLElement)?.dataset.key)).toBe('many117');
    await page.getByRole('searchbox').fill('nobody at all');
    await page.getByText('Nobody matches').waitFor();
    await page.getByRole('button', { name: 'Take the filters away' }).click();
    await page.getByText(/^2\d\d people$/).waitFor();
  });

  test('an auditor sees everything and changes nothing', async () => {
    const { access_token } = await crowd.server.login('alice');
    const dave = await crowd.server.call<{ version: number }>('GET', '/admin/users/dave', access_token);
    await fetch(`${crowd.server.http}/api/v1/admin/users/dave`, {
      method: 'PATCH',
      headers: {
        Authorization: `Bearer ${access_token}`,
        'Content-Type': 'application/json',
        'If-Match': `"${dave.version}"`,
      },
      body: JSON.stringify({ role: 'auditor' }),
    });
    const auditor = await administer('dave', '/admin/people/bob');
    await auditor.page.getByText('that is the auditor’s role').waitFor();
    await auditor.page.getByRole('complementary').getByText('bob@').waitFor();
    for (const name of ['Add somebody', 'Make a link', 'Disable the account', 'Sign out']) {
      expect(await auditor.page.getByRole('button', { name }).count()).toBe(0);
    }
  });
});

describe('departments', () => {
  test('the tree is made, moved by keys and by the pointer, renamed, and cut', async () => {
    const { page } = await administer('alice', '/admin/departments');
    const item = (name: string) => page.getByRole('treeitem', { name });
    const add = async (name: string) => {
      await page.getByRole('button', { name: 'Add a department', exact: true }).click();
      await page.getByRole('dialog').getByLabel('Name').fill(name);
      await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
      await page.getByRole('complementary', { name }).waitFor();
    };
    await add('Research');
    await add('Laboratory');
    // Below the sister above, and out again; then by the pointer.
    await item('Laboratory').focus();
    await page.keyboard.press('Alt+ArrowRight');
    await expect.poll(() => item('Laboratory').getAttribute('aria-level')).toBe('2');
    await page.keyboard.press('Alt+ArrowLeft');
    await expect.poll(() => item('Laboratory').getAttribute('aria-level')).toBe('1');
    await page.keyboard.press('Alt+ArrowUp');
    await expect
      .poll(async () => {
        const names = await page.getByRole('treeitem').allTextContents();
        return names.findIndex((n) => n.startsWith('Laboratory')) - names.findIndex((n) => n.startsWith('Research'));
      })
      .toBe(-1);
    await item('Laboratory').dragTo(item('Engineering'));
    await expect.poll(() => item('Laboratory').getAttribute('aria-level')).toBe('2');
    await item('Engineering').focus();
    await page.keyboard.press('ArrowLeft');
    await item('Laboratory').waitFor({ state: 'detached' });
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    const pane = page.getByRole('complementary', { name: 'Laboratory' });
    await pane.getByLabel('Name').fill('Lab 9');
    await pane.getByRole('button', { name: 'Save changes' }).click();
    await item('Lab 9').waitFor();

    const lab = page.getByRole('complementary', { name: 'Lab 9' });
    await lab.getByRole('button', { name: 'Add people' }).click();
    await page.getByRole('dialog').getByRole('searchbox').fill('bob');
    await page.getByRole('dialog').getByLabel('Bob Tanaka').check();
    await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
    await lab.getByRole('link', { name: /Bob/ }).waitFor();
    await item('Lab 9').getByText('1 person').waitFor();
    await lab.getByRole('button', { name: 'Delete the department' }).click();
    await page.getByText('1 person in it will move up to Engineering.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the department' }).click();
    await item('Lab 9').waitFor({ state: 'detached' });
  });
});

describe('the audit log', () => {
  test('says who did what, before and after; is filtered, and saved as a file', async () => {
    const { page } = await administer('alice', '/admin/departments');
    await page.getByRole('button', { name: 'Add a department', exact: true }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('=Formula');
    await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
    const pane = page.getByRole('complementary', { name: '=Formula' });
    await pane.getByLabel('Name').fill('Formulas');
    await pane.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Saved.').waitFor();
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByRole('search').getByLabel('Action').selectOption({ label: 'Department changed' });
    const first = page.locator('tr.item').first();
    await first.getByRole('cell', { name: /^Formulas/ }).waitFor();
    await first.getByRole('link').click();
    const row = page.getByRole('complementary').getByRole('row', { name: /^name/ });
    expect(await row.getByRole('cell').allTextContents()).toEqual(['=Formula', 'Formulas']);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export as CSV' }).click(),
    ]);
    const text = await readFile(await file.path(), 'utf8');
    expect(text.split('\r\n')[0]).toBe('\ufefftime,actor,address,action,target,before,after');
    expect(text).toContain('department.change');
    expect(text).not.toContain('department.create');
    await page.getByRole('searchbox', { name: /Done by/ }).fill('nobody');
    await page.getByText('Nothing is recorded here').waitFor();
  });
});

test.each([
  ['light', 'en-GB', undefined],
  ['dark', 'zh-CN', phone],
] as const)('axe finds nothing grave: %s, %s', async (colorScheme, locale, device) => {
  const one = await crowd.open({ colorScheme, locale, reducedMotion: 'reduce', ...device });
  await one.signIn('alice');
  for (const [path, ready] of [
    ['people', 'tr.item'],
    ['people/bob', '.pane .form'],
    ['departments', '[role=treeitem]'],
    ['departments/1', '.pane .people-list li'],
    ['audit', '.table'],
  ] as const) {
    await one.page.goto(`${crowd.server.http}/admin/${path}`);
    await one.page.locator(ready).first().waitFor();
    await accessible(one, path);
    const wide = await one.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide, path).toBeLessThanOrEqual(0);
  }
});
