import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { launch } from './person';

let folder: string;
let server: ChildProcess;
let browser: Browser;
/** The one-time link that the first start printed. */
let link = '';

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

// The link is good for once: each attempt has a server of its own.
beforeEach(async () => {
  link = '';
  folder = await mkdtemp(join(tmpdir(), 'magpie-setup-'));
  const binary = fileURLToPath(new URL('../../bin/magpie', import.meta.url));
  const args = ['serve', '--data', join(folder, 'data'), '--http', '127.0.0.1:0', '--mqtt', '127.0.0.1:0'];
  server = spawn(binary, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  if (!server.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: server.stdout })) {
    const [name, value = ''] = line.split(/ +/);
    if (name === 'setup') link = value;
    if (link) break;
  }
});

afterEach(async () => {
  const ended = once(server, 'exit');
  server.kill();
  await ended;
  await rm(folder, { recursive: true, force: true });
});

test('the first administrator is made by the one-time link, and is in', async () => {
  const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
  const refused: string[] = [];
  page.on('response', (r) => {
    if (r.status() >= 400) refused.push(`${r.status()} ${r.url()}`);
  });
  await page.goto(new URL('/', link).href);
  await page.getByText('This server has no organisation yet.').waitFor();
  expect(refused).toEqual([]); // nobody was signed in here, so that no login is asked for
  expect(await page.locator('form').count()).toBe(0);
  const early = await new AxeBuilder({ page }).analyze();
  expect(early.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')).toEqual([]);

  // A link that was changed on the way.
  await page.goto(`${link}x`);
  await page.getByText('This link is not valid.').waitFor();
  expect(await page.locator('form').count()).toBe(0);
  await page.goto('about:blank');

  await page.goto(link);
  await page.getByRole('button', { name: 'Create the organisation' }).click();
  await expect.poll(() => page.getByText('Fill in this field.').count()).toBe(6);
  await page.getByLabel('Name of the organisation').fill('Acme 公司');
  await page.getByLabel('Short name').fill('Not Allowed!');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByLabel('Your user name').fill('ada');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.getByLabel('Password again').fill('correct house');
  await page.getByRole('button', { name: 'Create the organisation' }).click();
  await page.getByText('The two passwords differ.').waitFor();
  await page.getByLabel('Password again').fill('correct horse');
  await page.getByRole('button', { name: 'Create the organisation' }).click();
  await page.locator('[aria-invalid=true]').waitFor();
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => v.id)).toEqual([]);

  await page.getByLabel('Short name').fill('acme');
  await page.getByRole('button', { name: 'Create the organisation' }).click();
  await page.getByText('No chats yet').waitFor();
  expect(await page.getByText('Demo:').count()).toBe(0);
  expect(new URL(page.url()).hash).toBe('');

  // Who is alone is not asked to choose from nobody.
  await page.getByRole('button', { name: 'New group' }).click();
  await page.getByText('You are the only one here so far.').waitFor();
  await page.keyboard.press('Escape');

  // The link was good for once.
  const other = await (await browser.newContext({ locale: 'en-GB' })).newPage();
  await other.goto(link);
  await other.getByText('This link was good for once.').waitFor();
  expect(await other.locator('form').count()).toBe(0);
  await other.getByRole('link', { name: 'Sign in' }).click();
  await other.locator('[name=organization]').waitFor();
});
