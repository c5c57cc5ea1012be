import { expect, test } from 'vitest';
import { accessible, administer, looks } from './administrator';
import { gather } from './crowd';

const crowd = gather();

test.each(looks)(
  'a message is reported, seen in its place, recalled, and the report closed: %s',
  async (name, look) => {
    const english = look.locale === 'en-GB';
    const say = (en: string, zh: string) => (english ? en : zh);
    const bad = `nasty words, ${name}`;
    const carol = await crowd.enter('carol');
    const bob = await crowd.enter('bob');
    await bob.openChat('Launch week');
    await bob.write(bad);
    await carol.openChat('Launch week');
    await carol.message(bad).locator('.bubble').hover();
    await carol.page.getByRole('button', { name: 'Report' }).click();
    const dialog = carol.page.getByRole('dialog', { name: 'Report this message' });
    await dialog.getByRole('button', { name: 'Report' }).click();
    await dialog.getByText('Fill in this field.').waitFor();
    await dialog.getByRole('textbox').fill('This hurts');
    await accessible(carol.page, 'reporting');
    await dialog.getByRole('button', { name: 'Report' }).click();
    await carol.told('The administrators have been told.');

    const alice = await administer(crowd, 'alice', '/admin/reports', { reducedMotion: 'reduce', ...look });
    const { page } = alice;
    await accessible(page, 'reports');
    await page.getByRole('link', { name: bad }).click();
    const pane = page.getByRole('complementary');
    await pane.getByText('This hurts').waitFor();
    await pane.locator('.context .here', { hasText: bad }).waitFor();
    expect(await pane.locator('.context li').count()).toBeGreaterThan(2);
    await accessible(page, 'a report');
    await pane.getByRole('link', { name: 'Launch week' }).waitFor();
    await pane.getByRole('button', { name: say('Mute in the group', '在群内禁言') }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: say('Mute', '禁言'), exact: true })
      .click();
    await bob.page.getByText('You are muted').first().waitFor();
    const recall = say('Recall the message', '撤回消息');
    await pane.getByRole('button', { name: recall }).click();
    await page.getByRole('dialog').getByRole('button', { name: recall }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await pane.locator('.context .here', { hasText: say('(recalled)', '（已撤回）') }).waitFor();
    await pane.locator('.reported', { hasText: bad }).waitFor();
    const disable = say('Disable the account', '停用账号');
    await pane.getByRole('button', { name: disable }).click();
    await page.getByRole('dialog').getByRole('button', { name: disable }).click();
    await bob.page.getByRole('button', { name: 'Sign in' }).waitFor();
    await pane.getByRole('button', { name: say('Enable the account', '启用账号') }).click();
    await pane.getByRole('button', { name: disable }).waitFor();
    const close = say('Close the report', '标记为已处理');
    await pane.getByRole('button', { name: close }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('Talked to Bob');
    await page.getByRole('dialog').getByRole('button', { name: close }).click();
    await pane.getByText('Talked to Bob').waitFor();
    await page.goto(`${crowd.server.http}/admin/reports`);
    await page.getByText(say('Nothing to look at', '没有待处理的举报')).waitFor();
  },
);
