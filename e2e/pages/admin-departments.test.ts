import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { administer, lookAtAll, looks } from './administrator';
import { gather } from './crowd';

const crowd = gather();

describe('departments', () => {
  test('the tree is made, moved by keys and by the pointer, renamed, and cut', async () => {
    const { page } = await administer(crowd, 'alice', '/admin/departments');
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
    // Twice, quicker than the server answers; and not among what is found, whose sisters are not shown.
    await item('Laboratory').focus();
    await page.keyboard.press('Alt+ArrowUp');
    await page.keyboard.press('Alt+ArrowUp');
    const place = async (name: string) =>
      (await page.getByRole('treeitem', { level: 1 }).allTextContents()).findIndex((n) => n.startsWith(name));
    await expect.poll(async () => (await place('Laboratory')) - (await place('Research'))).toBe(-3);
    await page.getByRole('searchbox').fill('Laboratory');
    await page.getByText('Clear the search to move departments.').waitFor();
    await item('Laboratory').focus();
    await page.keyboard.press('Alt+ArrowUp');
    expect(await item('Laboratory').getAttribute('draggable')).toBe('false');
    await page.getByRole('searchbox').fill('');
    await page.getByText('Drag to move').waitFor();
    expect((await place('Laboratory')) - (await place('Research'))).toBe(-3);
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
    const alice = await administer(crowd, 'alice', '/admin/departments');
    const { page } = alice;
    await page.getByRole('button', { name: 'Add a department', exact: true }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('=Formula');
    await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
    const pane = page.getByRole('complementary', { name: '=Formula' });
    await pane.getByLabel('Name').fill('Formulas');
    await pane.getByRole('button', { name: 'Save changes' }).click();
    await alice.told('Saved.');
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByRole('search').getByLabel('Action').selectOption({ label: 'Department changed' });
    const first = page.locator('tr.item').first();
    await first.getByRole('cell', { name: /^Formulas/ }).waitFor();
    await first.getByRole('link').click();
    const row = page.getByRole('complementary').getByRole('row', { name: /^name/ });
    await expect.poll(() => row.getByRole('cell').allTextContents()).toEqual(['=Formula', 'Formulas']);
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
    // A link leads to an entry that is not in the list.
    await page.reload();
    await row.waitFor();
  });
});

test.each(looks)('axe finds nothing grave: %s', async (_, look) => {
  await lookAtAll(crowd, look, [
    ['departments', '[role=treeitem]'],
    ['departments/1', '.pane .people-list li'],
    ['audit', '.table'],
  ]);
});
