import { describe, expect, test } from 'vitest';
import { accessible } from './administrator';
import { gather } from './crowd';
import type { Person } from './person';

const crowd = gather();

const usable = (one: Person, view: string) => accessible(one.page, view);

describe('an address that leads nowhere', () => {
  test.each([
    ['/c/u:nobody', 'This chat is not here'],
    ['/c/g:none', 'This chat is not here'],
    ['/c/bob', 'There is nothing at this address'],
    ['/people/nobody', 'Nobody has this user name'],
    ['/nonsense/at/all', 'There is nothing at this address'],
  ])('%s says so, and leads back', async (path, words) => {
    const alice = await crowd.enter('alice');
    await alice.page.goto(crowd.server.http + path);
    await alice.page.getByText(words).waitFor();
    expect(await alice.composer.count()).toBe(0);
    await usable(alice, path);
    await alice.page.locator('.empty a.button').click();
    await alice.page.getByText(words).waitFor({ state: 'detached' });
  });
});

test('the search box finds chats and people, and a chat with somebody new begins there', async () => {
  const frank = await crowd.enter('frank');
  const search = frank.page.getByRole('searchbox', { name: 'Search chats and people by name' });
  await search.fill('lh'); // the initials of 李华
  const found = frank.page.locator('.list-pane a.row', { hasText: '李华' });
  await found.waitFor();
  await usable(frank, 'search');
  await search.press('ArrowDown');
  await frank.page.keyboard.press('Enter');
  await frank.page.locator('.bar-title', { hasText: '李华' }).waitFor();
  await search.fill('no such name at all');
  await frank.page.getByText('No chat and nobody has this name.').waitFor();
  // What there is already: by the initials of Chinese characters, by their full spelling, by the user name.
  const alice = await crowd.enter('alice');
  const hers = alice.page.getByRole('searchbox', { name: 'Search chats and people by name' });
  for (const [query, name] of [
    ['zwymq', '周五羽毛球'],
    ['wangfang', '王芳'],
    ['bob', 'Bob Tanaka'],
  ] as const) {
    await hers.fill(query);
    await alice.row(name).waitFor();
    await alice.row('Launch week').waitFor({ state: 'detached' });
  }
});

describe('a new group', () => {
  test('what was missing is not held against one after it is there', async () => {
    const alice = await crowd.enter('alice');
    await alice.page.getByRole('button', { name: 'New group' }).click();
    await alice.page.getByRole('button', { name: 'Create group' }).click();
    const name = alice.page.getByText('Give the group a name.');
    const members = alice.page.getByText('Choose at least one person.');
    await name.waitFor();
    await members.waitFor();
    await alice.page.getByLabel('Name of the group').fill('Nest');
    await name.waitFor({ state: 'detached' });
    await alice.page.getByRole('checkbox', { name: /Bob/ }).check();
    await members.waitFor({ state: 'detached' });
    await alice.page.getByRole('button', { name: 'Create group' }).click();
    await alice.page.locator('.bar-title', { hasText: 'Nest' }).waitFor();
    await expect.poll(() => alice.page.locator('.conversation .row-name').first().textContent()).toBe('Nest');
  });

  test('is left without a word to the server about what one may not see any more', async () => {
    const alice = await crowd.enter('alice');
    const { access_token } = await crowd.server.login('alice', 'service');
    await crowd.server.call('POST', '/groups', access_token, { name: 'Short stay', members: ['bob'] });
    const bob = await crowd.enter('bob');
    await bob.openChat('Short stay');
    await bob.page.getByRole('button', { name: 'Details' }).click();
    await bob.page.locator('.member').first().waitFor();
    const refused: string[] = [];
    bob.page.on('response', (r) => r.status() >= 400 && refused.push(`${r.status()} ${r.url()}`));
    await bob.page.getByRole('button', { name: 'Leave group' }).click();
    await bob.page.getByRole('dialog').getByRole('button', { name: 'Leave group' }).click();
    await bob.page.getByText('Choose a chat').waitFor();
    await alice.openChat('Short stay');
    await alice.page.getByText('Bob Tanaka left the group').waitFor();
    expect(refused).toEqual([]);
  });
});

describe('what holds for a whole group', () => {
  test('all are muted but those who manage it, and it is opened to everyone', async () => {
    const alice = await crowd.enter('alice');
    const bob = await crowd.enter('bob');
    await bob.openChat('Launch week');
    await alice.openChat('Launch week');
    await alice.page.getByRole('button', { name: 'Details' }).click();
    await alice.page.getByRole('switch', { name: /Mute all/ }).click();
    await bob.page.getByText('Only the owner and administrators may write here at the moment.').waitFor();
    expect(await alice.composer.isVisible()).toBe(true);
    await bob.page.getByText('Alice Moreau muted everyone but administrators').waitFor();
    await alice.page.getByRole('switch', { name: /Mute all/ }).click();
    await bob.composer.waitFor();
    await bob.page.getByText('Alice Moreau let everyone write again').waitFor();
    await alice.page.getByRole('radio', { name: 'Anyone' }).check();
    await alice.page.getByText('Everyone in the organisation, by the link of the group.').waitFor();
    await usable(alice, 'group');
    // Who only reads may not decide it.
    await bob.page.getByRole('button', { name: 'Details' }).click();
    await bob.page.locator('.member').first().waitFor();
    expect(await bob.page.getByRole('switch', { name: /Mute all/ }).count()).toBe(0);
  });

  test('an open group is joined by its link', async () => {
    const { access_token } = await crowd.server.login('alice', 'service');
    const made = await crowd.server.call('POST', '/groups', access_token, {
      name: 'Open house',
      members: ['bob'],
      join: 'open',
    });
    const frank = await crowd.enter('frank');
    await frank.page.goto(`${crowd.server.http}/c/g:${(made as { gid: string }).gid}`);
    await frank.page.getByRole('button', { name: 'Join the group' }).waitFor();
    await usable(frank, 'join');
    await frank.page.getByRole('button', { name: 'Join the group' }).click();
    await frank.composer.waitFor();
    await frank.write('glad to be here');
    await frank.marked('glad to be here', 'Sent');
  });
});

test('names that look alike are told apart by the user names, and what can’t be seen is left out', async () => {
  const frank = await crowd.enter('frank');
  await frank.page.getByRole('link', { name: 'Settings' }).click();
  await frank.page.getByLabel('Name', { exact: true }).fill('Alicе Moreau'); // its е is Cyrillic
  await frank.page.getByRole('button', { name: 'Save' }).click();
  await frank.told('Saved.');
  const bob = await crowd.enter('bob');
  await bob.page.getByRole('link', { name: 'People' }).click();
  await bob.page.locator('.row-name', { hasText: 'Alicе Moreau frank' }).first().waitFor();
  await bob.page.locator('.row-name', { hasText: 'Alice Moreau alice' }).first().waitFor();
  await frank.page.getByLabel('Name', { exact: true }).fill('Frank Osei');
  await frank.page.getByRole('button', { name: 'Save' }).click();
  await frank.told('Saved.');
});

test('what the server refuses is said in the language of the page', async () => {
  const one = await crowd.enter('dave', { locale: 'zh-CN' });
  await one.page.getByRole('link', { name: '设置' }).click();
  await one.page.getByLabel('当前密码').fill('not my password');
  await one.page.getByLabel('新密码', { exact: true }).fill('a new password');
  await one.page.getByLabel('再次输入密码').fill('a new password');
  await one.page.getByRole('button', { name: '修改密码' }).click();
  await one.page.getByText('当前密码不正确。').waitFor();
});

test('one signs out from the menu of the account', async () => {
  const alice = await crowd.enter('alice');
  await alice.page.getByRole('button', { name: 'Your account' }).click();
  await alice.page.getByRole('menuitem', { name: 'Sign out' }).click();
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  await alice.page.locator('[name=organization]').waitFor();
});

test('the button to sign in is in sight in a small window', async () => {
  const one = await crowd.open({ viewport: { width: 1280, height: 720 } });
  const box = await one.page.locator('[type=submit]').boundingBox();
  expect((box?.y ?? 999) + (box?.height ?? 0)).toBeLessThanOrEqual(720);
});
