// What the owner of a group does in its panel, and what those see whom it concerns.

import { expect, test } from 'vitest';
import { accessible, administer, phone } from './administrator';
import { gather } from './crowd';
import { picture } from './files';

const crowd = gather();

/** A group of alice and bob that frank and dave are not in. Resolves with its gid. */
async function made(name: string, join: string): Promise<string> {
  const { access_token } = await crowd.server.login('alice', 'service');
  const g = await crowd.server.call<{ gid: string }>('POST', '/groups', access_token, { name, members: ['bob'], join });
  return g.gid;
}

test('who asks to join shows at once to those who decide it, in the list and in the panel, and is let in or declined', async () => {
  const gid = await made('Book club', 'invite');
  const alice = await crowd.enter('alice');
  await alice.openChat('Book club');
  await alice.page.getByRole('button', { name: 'Details' }).click();
  await alice.page.getByRole('radio', { name: 'On request' }).check();
  await alice.page.getByText('Whoever asks, once the owner or an administrator lets them in.').waitFor();
  await alice.openChat('Launch week');

  const frank = await crowd.enter('frank');
  await frank.page.goto(`${crowd.server.http}/c/g:${gid}`);
  await frank.page.getByLabel('A word to its administrators').fill('I read a lot');
  await accessible(frank.page, 'asking to join');
  await frank.page.getByRole('button', { name: 'Ask to join' }).click();
  await frank.page.getByText('The group’s administrators have been asked.').waitFor();
  const dave = await crowd.enter('dave');
  await dave.page.goto(`${crowd.server.http}/c/g:${gid}`);
  await dave.page.getByRole('button', { name: 'Ask to join' }).click();

  const mark = alice.row('Book club').getByRole('img', { name: '2 people ask to join' });
  await mark.waitFor();
  await alice.openChat('Book club');
  await alice.page.getByRole('button', { name: 'Details, 2 people ask to join' }).waitFor();
  await alice.page.goto(`${crowd.server.http}/c/g:${gid}/info`);
  const asking = alice.page.getByRole('list', { name: 'Requests to join' });
  await asking.getByText('I read a lot').waitFor();
  await accessible(alice.page, 'requests');
  await asking.getByRole('button', { name: 'Let Frank Osei in' }).press('Enter');
  // Frank did nothing more: the conversation opens where he asked.
  await frank.composer.waitFor();
  await frank.write('thank you');
  await alice.message('thank you').waitFor();
  await asking.getByRole('button', { name: 'Decline Dave Lindqvist' }).click();
  await asking.waitFor({ state: 'detached' });
  await mark.waitFor({ state: 'detached' });
});

test('a member is muted for a time that one chooses, and let write again', async () => {
  const gid = await made('Debate', 'invite');
  const bob = await crowd.enter('bob');
  await bob.openChat('Debate');
  const alice = await crowd.enter('alice');
  await alice.page.goto(`${crowd.server.http}/c/g:${gid}/info`);
  await alice.page.getByRole('button', { name: 'More for Bob Tanaka' }).click();
  await alice.page.getByRole('menuitem', { name: 'Mute…' }).click();
  const muting = alice.page.getByRole('dialog', { name: 'Mute Bob Tanaka' });
  await muting.getByRole('radio', { name: '7 days' }).check();
  await accessible(alice.page, 'muting');
  await muting.getByRole('button', { name: 'Mute', exact: true }).click();
  await bob.page.getByText(/You are muted here until \d/).waitFor();
  await alice.page.getByRole('button', { name: 'More for Bob Tanaka' }).click();
  await alice.page.getByRole('menuitem', { name: 'Let them write again' }).click();
  await bob.composer.waitFor();
});

test('an invitation link is made, handed on as a QR code, brings people in, and is withdrawn', async () => {
  const gid = await made('Choir', 'invite');
  const alice = await crowd.enter('alice');
  await alice.page.goto(`${crowd.server.http}/c/g:${gid}/info`);
  await alice.page.getByRole('button', { name: 'Invite by link' }).click();
  const links = alice.page.getByRole('dialog', { name: 'Invitation links' });
  await links.getByText('There is no link at the moment.').waitFor();
  await links.getByRole('radio', { name: '30 days' }).check();
  await links.getByRole('button', { name: 'Make a link' }).click();
  const code = links.getByRole('img', { name: 'QR code that leads into “Choir”' });
  await code.waitFor();
  await accessible(alice.page, 'a link');
  const url = await links.getByRole('textbox', { name: 'The new link' }).inputValue();
  expect(url).toMatch(new RegExp(`^${crowd.server.http}/join#[\\w-]{20,}$`));
  const saved = alice.page.waitForEvent('download');
  await links.getByRole('button', { name: 'Save as picture' }).click();
  expect((await saved).suggestedFilename()).toBe('Choir.png');

  // Whoever is not signed in signs in first.
  const dave = await crowd.open();
  await dave.page.goto(url);
  await dave.page.locator('[name=organization]').fill('demo');
  await dave.page.locator('[name=username]').fill('dave');
  await dave.page.locator('[name=current-password]').fill('magpie-demo');
  await dave.page.locator('[type=submit]').click();
  await dave.page.getByText('You are invited to this group.').waitFor();
  await accessible(dave.page, 'invited');
  await dave.page.getByRole('button', { name: 'Join the group' }).click();
  await dave.composer.waitFor();
  await alice.page.getByText('Dave Lindqvist joined the group').waitFor();

  // On a phone, in Chinese, in the dark.
  const frank = await crowd.enter('frank', { locale: 'zh-CN', colorScheme: 'dark', ...phone });
  await frank.page.goto(url);
  await frank.page.getByText('你被邀请加入此群组。').waitFor();
  await accessible(frank.page, 'invited, on a phone');

  await links.getByRole('button', { name: /^Withdraw the link of Alice Moreau/ }).click();
  await links.getByText('There is no link at the moment.').waitFor();
  await code.waitFor({ state: 'detached' });
  await frank.page.getByRole('button', { name: '加入群组' }).click();
  await frank.page.getByText('此邀请已失效').waitFor();
  await dave.page.goto(`${crowd.server.http}/join#anything-else`);
  await dave.page.getByText('This invitation is not valid any more').waitFor();
});

test('an administrator of the organisation who is not in the group answers and invites too', async () => {
  const { access_token: bobs } = await crowd.server.login('bob', 'service');
  const body = { name: 'Bob’s own', members: ['carol'], join: 'approval' };
  const { gid } = await crowd.server.call<{ gid: string }>('POST', '/groups', bobs, body);
  const { access_token: franks } = await crowd.server.login('frank', 'service');
  await crowd.server.call('POST', `/groups/${gid}/join`, franks, { message: 'may I?' });
  const alice = await administer(crowd, 'alice', `/admin/groups/${gid}`);
  const pane = alice.page.getByRole('complementary', { name: 'Bob’s own' });
  await pane.getByText('may I?').waitFor();
  await pane.getByRole('button', { name: 'Make a link' }).click();
  await pane.getByRole('img', { name: 'QR code that leads into “Bob’s own”' }).waitFor();
  await accessible(alice.page, 'ways into a group');
  await pane.getByRole('button', { name: 'Let Frank Osei in' }).click();
  await pane.getByText('3 members').waitFor();
  await pane.getByText('may I?').waitFor({ state: 'detached' });
});

test('the owner gives it a picture, removes a member, and hands it over', async () => {
  const gid = await made('Choir', 'invite');
  const { access_token: token } = await crowd.server.login('alice', 'service');
  await crowd.server.call('POST', `/groups/${gid}/members`, token, { uids: ['carol'] });
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  const carol = await crowd.enter('carol');
  for (const one of [alice, bob, carol]) await one.openChat('Choir');
  for (const one of [alice, bob]) await one.page.getByRole('button', { name: 'Details' }).click();
  const pane = alice.page.locator('.info-pane');

  await pane.locator('.change-picture input').setInputFiles([await picture(alice.page, 'choir.png')]);
  await alice.page.getByRole('button', { name: 'Use picture' }).click();
  await alice.page.getByRole('dialog').waitFor({ state: 'detached' });
  const image = bob.row('Choir').locator('.avatar img');
  await expect.poll(() => image.getAttribute('src')).toMatch(/^\/media\//);
  await expect.poll(() => image.evaluate((el) => (el as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);

  await pane.getByRole('button', { name: /More for Carol/ }).click();
  await alice.page.getByRole('menuitem', { name: 'Remove from the group' }).click();
  const removing = alice.page.getByRole('dialog', { name: /^Remove Carol/ });
  await removing.getByRole('button', { name: 'Cancel' }).click();
  await removing.waitFor({ state: 'detached' });
  expect(await pane.locator('.member', { hasText: 'Carol' }).count()).toBe(1);
  await pane.getByRole('button', { name: /More for Carol/ }).click();
  await alice.page.getByRole('menuitem', { name: 'Remove from the group' }).click();
  await removing.getByRole('button', { name: 'Remove from the group' }).click();
  await carol.row('Choir').waitFor({ state: 'detached' });
  await bob.page.locator('.notice-line', { hasText: /Alice .*removed Carol/ }).waitFor();
  for (const one of [alice, bob])
    await one.page.locator('.info-pane .member', { hasText: 'Carol' }).waitFor({ state: 'detached' });
  await expect(
    crowd.server.call(
      'GET',
      `/conversations/g:${gid}/messages`,
      (await crowd.server.login('carol', 'service')).access_token,
    ),
  ).rejects.toThrow(/ 404 /);

  expect(await bob.page.getByRole('button', { name: 'Dissolve group' }).count()).toBe(0);
  await pane.getByRole('button', { name: /More for Bob/ }).click();
  await alice.page.getByRole('menuitem', { name: 'Hand over the group' }).click();
  const handing = alice.page.getByRole('dialog', { name: /^Hand the group over to Bob/ });
  await accessible(alice.page, 'handing a group over');
  await handing.getByRole('button', { name: 'Hand over the group' }).click();
  await handing.waitFor({ state: 'detached' });
  await bob.page.getByRole('button', { name: 'Dissolve group' }).waitFor();
  await pane.getByRole('button', { name: 'Dissolve group' }).waitFor({ state: 'detached' });
  for (const one of [alice, bob])
    await one.page.locator('.info-pane .member', { hasText: 'Bob' }).getByText('Owner', { exact: true }).waitFor();
  await pane.locator('.member', { hasText: 'Alice' }).getByText('Admin', { exact: true }).waitFor();
});
