import { describe, expect, test } from 'vitest';
import { administer, lookAtAll, looks } from './administrator';
import { gather } from './crowd';
import { plain } from './files';

const crowd = gather();

test('the overview shows who is online and what was sent, and follows', async () => {
  const bob = await crowd.enter('bob');
  const alice = await administer(crowd, 'alice', '/admin');
  const { page } = alice;
  const online = page.getByRole('link', { name: /People online/ }).locator('strong');
  await expect.poll(() => online.textContent()).toBe('1');
  await page.locator('.plot canvas').first().waitFor();
  const carol = await crowd.enter('carol');
  await expect.poll(() => online.textContent()).toBe('2');
  await carol.close();
  await bob.openChat('Launch week');
  // So many that they count until the page looks again.
  const rate = page.locator('.tile', { hasText: 'Messages a second' }).locator('strong');
  await expect
    .poll(async () => {
      await bob.write('counted');
      return Number(await rate.textContent());
    })
    .toBeGreaterThan(0);
  // What files take counts once they are there.
  const files = page.locator('.tile', { hasText: 'Files' });
  await files.getByText('0 files').waitFor();
  await bob.page
    .locator('.composer-attach input[type=file]')
    .first()
    .setInputFiles([plain('counted.txt', 'x'.repeat(5000))]);
  await bob.page.locator('dialog [type=submit]:enabled').click();
  await bob.page.locator('.message', { hasText: 'counted.txt' }).locator('.mark[aria-label="Sent"]').waitFor();
  await page.reload();
  await files.getByText('1 files').waitFor();
  expect(await files.locator('strong').textContent()).toMatch(/^[45](\.\d)? kB$/i);
  await page.getByRole('button', { name: 'As a table' }).first().click();
  const days = page.getByRole('region', { name: 'Messages a day', exact: true });
  await expect.poll(() => days.getByRole('row').count()).toBe(31);
});

describe('sessions', () => {
  test('show who is connected and what they follow; one is disconnected', async () => {
    const bob = await crowd.enter('bob');
    const alice = await administer(crowd, 'alice', '/admin/sessions?uid=bob');
    const { page } = alice;
    const row = page.getByRole('row', { name: /Bob/ });
    await row.getByRole('link').click();
    const pane = page.getByRole('complementary', { name: /Bob/ });
    await pane.getByRole('rowheader', { name: /notice\/u\/bob/ }).waitFor();
    await pane.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByText('The connection ends now.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await alice.told('Disconnected.');
    // He is still signed in, and comes back when he wants to.
    await bob.page.getByRole('dialog', { name: 'Disconnected' }).getByRole('button', { name: 'Connect again' }).click();
    await bob.page.getByRole('dialog').waitFor({ state: 'detached' });
    await bob.openChat('Launch week');
    await bob.write('back again');
    await bob.message('back again').waitFor();
    await page.getByText('Nobody is connected').waitFor();
  });

  test('notices are shown as they are published', async () => {
    const alice = await administer(crowd, 'alice', '/admin/sessions/notices');
    const { page } = alice;
    await page.getByText('Following').waitFor();
    const { access_token } = await crowd.server.login('alice');
    await expect
      .poll(async () => {
        await crowd.server.call('PATCH', '/groups/launch', access_token, { announcement: `At ${Date.now()}` });
        return page.getByText('0x36').count();
      })
      .toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByText('Nothing has happened yet.').waitFor();
  });
});

test.each(looks)('axe finds nothing grave: %s', async (_, look) => {
  await crowd.enter('bob');
  await lookAtAll(crowd, look, [
    ['overview', '.plot canvas'],
    ['sessions', 'tr.item'],
    ['sessions/notices', '.pane .actions'],
  ]);
});
