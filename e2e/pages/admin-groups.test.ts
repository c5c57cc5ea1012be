import { describe, expect, test } from 'vitest';
import { accessible, administer, lookAtAll, looks } from './administrator';
import { gather } from './crowd';

const crowd = gather();

describe('groups', () => {
  test('one is made for others, follows a department, is dissolved and brought back', async () => {
    const bob = await crowd.enter('bob');
    const alice = await administer(crowd, 'alice', '/admin/groups');
    const { page } = alice;
    await page.getByRole('button', { name: 'Make a group' }).click();
    const dialog = page.getByRole('dialog', { name: 'Make a group' });
    await dialog.getByLabel('Name').fill('Task force');
    await dialog.getByRole('button', { name: 'Make the group' }).click();
    await dialog.getByText('Choose who owns the group.').waitFor();
    await dialog.getByRole('button', { name: 'Choose the owner' }).click();
    const picker = page.getByRole('dialog', { name: 'Choose the owner' });
    await picker.getByRole('searchbox').fill('carol');
    await picker.getByLabel('Carol Nwosu').check();
    await accessible(page, 'choosing somebody');
    await picker.getByRole('button', { name: 'Choose', exact: true }).click();
    await dialog.getByRole('button', { name: 'Make the group' }).click();
    const pane = page.getByRole('complementary', { name: 'Task force' });
    await pane.getByText('1 member').waitFor();

    await pane.getByRole('button', { name: 'Add people' }).click();
    const people = page.getByRole('dialog', { name: 'Add people' });
    await people.getByRole('searchbox').fill('bob');
    await people.getByLabel('Bob Tanaka').check();
    await people.getByRole('button', { name: 'Add', exact: true }).click();
    await pane.getByText('2 members').waitFor();
    // At once, where he is.
    await bob.row('Task force').waitFor();

    // While one types another name somebody else gives it one, of which one first hears by something else that one does.
    await pane.getByLabel('Name').fill('Force of tasks');
    const { access_token } = await crowd.server.login('alice');
    const gid = new URL(page.url()).pathname.split('/').at(-1);
    await crowd.server.change(`/admin/groups/${gid}`, access_token, { name: 'Strike force' });
    await pane.getByRole('button', { name: 'More for Bob Tanaka' }).click();
    await page.getByRole('menuitem', { name: 'Make administrator' }).click();
    const force = page.getByRole('complementary', { name: 'Strike force' });
    await force.getByText('Admin', { exact: true }).waitFor();
    await force.getByText('Name: now “Strike force”, was “Task force”.').waitFor();
    expect(await force.getByLabel('Name').inputValue()).toBe('Force of tasks');
    await force.getByLabel('Name').fill('Task force');
    await force.getByRole('button', { name: 'Save changes' }).click();
    await pane.getByText('Somebody else has changed').waitFor({ state: 'detached' });

    await pane.getByLabel('Follows a department').selectOption({ label: 'Engineering' });
    await pane.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Whoever is not in the department leaves the group').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Save changes' }).click();
    await pane.getByText('The department says who is in it.').waitFor();
    await pane.getByText('Dave Lindqvist').waitFor();
    expect(await pane.getByRole('button', { name: 'Add people' }).count()).toBe(0);

    await pane.getByRole('button', { name: 'Dissolve the group' }).click();
    await page.getByText('For 30 days it can be brought back').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Dissolve the group' }).click();
    await bob.row('Task force').waitFor({ state: 'detached' });
    await page.getByRole('search').getByLabel('State').selectOption('dissolved');
    await page.getByRole('link', { name: /Task force/ }).waitFor();
    await pane.getByRole('button', { name: 'Bring it back' }).click();
    await bob.row('Task force').waitFor();
  });
});

describe('announcements', () => {
  test('one is written, asked about, and stands in the list with who has read it', async () => {
    const bob = await crowd.enter('bob');
    const alice = await administer(crowd, 'alice', '/admin/announcements');
    const { page } = alice;
    await page.getByText('Nothing was announced yet').waitFor();
    await page.getByRole('button', { name: 'Announce something' }).click();
    const dialog = page.getByRole('dialog', { name: 'Announce something' });
    await dialog.getByRole('button', { name: 'Announce', exact: true }).click();
    await expect.poll(() => dialog.getByText('Fill in this field.').count()).toBe(2);
    await dialog.getByLabel('Title').fill('Fire drill');
    await dialog.getByLabel('Text').fill('Tomorrow at ten.\nUse the stairs.');
    await dialog.getByLabel('Add a department').selectOption({ label: 'Engineering' });
    await accessible(page, 'writing an announcement');
    await dialog.getByRole('button', { name: 'Announce', exact: true }).click();
    const ask = page.getByRole('dialog', { name: 'Announce this now?' });
    await ask.getByText('“Fire drill” goes to: Engineering.').waitFor();
    await ask.getByRole('button', { name: 'Announce', exact: true }).click();
    const row = page.getByRole('row', { name: /Fire drill/ });
    await row.getByRole('cell', { name: '0 of 3', exact: true }).waitFor();

    // At once for whoever is there, later for whoever comes, and not for others.
    await bob.page.getByText('Fire drill').waitFor();
    const dave = await crowd.enter('dave');
    await dave.page.getByText('Fire drill').waitFor();
    const strip = bob.page.getByRole('region', { name: 'Announcement of the organisation' });
    await strip.getByRole('button', { name: 'Read' }).click();
    await bob.page.getByRole('dialog', { name: 'Fire drill' }).getByText('Use the stairs.').waitFor();
    await accessible(bob.page, 'an announcement in the chat');
    await bob.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await strip.waitFor({ state: 'detached' });
    await bob.page.reload();
    await bob.page.locator('.conversation').first().waitFor();
    await dave.page.getByText('Fire drill').waitFor();
    expect(await strip.count()).toBe(0);
    // It can be read again. Dave reads it on another device, and this one follows.
    await bob.page.goto(`${crowd.server.http}/settings`);
    const list = bob.page.getByRole('region', { name: 'Announcements' });
    await list.getByRole('button', { name: /Fire drill/ }).click();
    await bob.page.getByRole('dialog', { name: 'Fire drill' }).getByText('Use the stairs.').waitFor();
    await bob.page.keyboard.press('Escape');
    const { access_token: pc } = await crowd.server.login('dave');
    const { items } = await crowd.server.call<{ items: { id: string }[] }>('GET', '/announcements', pc);
    await crowd.server.call('PUT', `/announcements/${items[0]?.id}/read`, pc);
    await dave.page.getByText('Fire drill').waitFor({ state: 'detached' });
    await expect
      .poll(async () => {
        await page.getByRole('button', { name: 'Refresh' }).click();
        return row.getByRole('cell').allTextContents();
      })
      .toContain('2 of 3');
    await row.getByRole('link').click();
    await page.getByRole('complementary').getByText('Use the stairs.').waitFor();
  });
});

test.each(looks)('axe finds nothing grave: %s', async (_, look) => {
  await lookAtAll(crowd, look, [
    ['groups', 'tr.item'],
    ['groups/launch', '.pane .people-list li'],
    ['announcements', '.table'],
  ]);
});
