import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { accessible, administer } from './administrator';
import { gather } from './crowd';

const crowd = gather();

async function choose(page: Page, content: string | Buffer): Promise<void> {
  const buffer = typeof content === 'string' ? Buffer.from(content) : content;
  await page.getByLabel('Choose a CSV file').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer });
}

test('a file with errors is refused line by line; put right it is shown what becomes of it, and imported', async () => {
  const alice = await administer(crowd, 'alice', '/admin/people');
  const { page } = alice;
  await page.getByRole('button', { name: 'Import' }).click();
  const dialog = page.getByRole('dialog', { name: 'Import people' });
  await choose(page, 'uid,name,email\nwen,文,wen@example.org\nwen,Again,\n,Nobody,\nbad id,Bad,\n');
  await dialog.getByText('3 things are wrong. Nothing was imported').waitFor();
  const lines = await dialog.getByRole('row').allTextContents();
  expect(lines[1]).toMatch(/^3uid.*line 2/);
  expect(lines[2]).toMatch(/^4uid/);
  expect(lines[3]).toMatch(/^5uid/);
  expect(await dialog.getByRole('button', { name: 'Import', exact: true }).isDisabled()).toBe(true);
  await accessible(page, 'errors of an import');

  // As a spreadsheet in China saves it: GBK, with semicolons.
  const gbk = Buffer.concat([
    Buffer.from('uid;name;departments\nwen;'),
    Buffer.from([0xce, 0xc4]),
    Buffer.from(';New/Inner\nbob;;\n'),
  ]);
  await choose(page, gbk);
  await dialog.getByText('The file is right. 1 new, 1 here already.').waitFor();
  expect(await page.locator('tr.item', { hasText: 'wen' }).count()).toBe(0);
  await dialog.getByRole('button', { name: 'Import 2' }).click();
  await dialog.getByText('Imported: 1 added, 0 changed, 1 as they were.').waitFor();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Links for passwords' }).click(),
  ]);
  expect(await readFile(await file.path(), 'utf8')).toMatch(/wen,文,,http:\/\/.*\/reset#/);
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('searchbox').fill('wen');
  await page.getByRole('row', { name: /文/ }).getByText('Inner').waitFor();
  const [out] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export' }).click(),
  ]);
  expect(await readFile(await out.path(), 'utf8')).toMatch(/\nwen,文,,,New\/Inner,member/);
});

test('thousands are imported while one watches, and the list has them', async () => {
  const alice = await administer(crowd, 'alice', '/admin/people');
  const { page } = alice;
  await page.getByRole('button', { name: 'Import' }).click();
  const rows = Array.from({ length: 5000 }, (_, i) => `load${i},Load ${i},,,Big/Team ${i % 50}`);
  await choose(page, `uid,name,email,title,departments\n${rows.join('\n')}\n`);
  await page.getByRole('button', { name: 'Import 5,000' }).waitFor();
  // For a while nobody hears how far it is. Whoever closes the dialog meanwhile finds the import again, as does whoever looks while it is still going on.
  await page.route('**/admin/jobs/*', (route) => route.abort());
  await page.route('**/admin/jobs?kind=import', async (route) => {
    const answer = await route.fetch();
    const { items } = await answer.json();
    await route.fulfill({ response: answer, json: { items: [{ ...items[0], state: 'running' }], next: null } });
  });
  await page.getByRole('button', { name: 'Import 5,000' }).click();
  await page.getByText('The server can’t be reached').waitFor();
  await page.keyboard.press('Escape');
  await page.unroute('**/admin/jobs/*');
  const bar = await alice.glimpse('progress, [role=progressbar]');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await bar();
  await page.getByText('Imported: 5,000 added').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await page.getByText(/^5,0\d\d people$/).waitFor();
});
