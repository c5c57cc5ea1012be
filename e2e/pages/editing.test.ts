// Two people at two browsers, and the messages that one of them changes.

import { expect, test } from 'vitest';
import { accessible, phone } from './administrator';
import { gather } from './crowd';
import { picture } from './files';

const crowd = gather();

test('a message is edited from its tools, and changes where it is read, quoted and listed', async () => {
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  const room = await crowd.room('bob', 'carol');
  await alice.openChat(room);
  await bob.openChat(room);
  await alice.write('we meet at nien');
  await alice.marked('we meet at nien', 'Sent');
  await bob.message('we meet at nien').locator('.bubble').hover();
  await bob.page.getByRole('toolbar').getByRole('button', { name: 'Reply' }).waitFor();
  expect(await bob.page.getByRole('toolbar').getByRole('button', { name: 'Edit' }).count()).toBe(0);
  await bob.page.getByRole('toolbar').getByRole('button', { name: 'Reply' }).click();
  await bob.write('fine');
  await alice.message('fine').waitFor();

  const own = (words: string) => alice.page.locator('.message.own', { hasText: words });
  // By the tools; what was half written before comes back, and Esc leaves the message as it was.
  await alice.composer.fill('half a thought');
  await own('we meet at nien').locator('.bubble').hover();
  const tool = alice.page.getByRole('toolbar').getByRole('button', { name: 'Edit' });
  await tool.click();
  await expect.poll(() => alice.composer.inputValue()).toBe('we meet at nien');
  await alice.page.getByRole('button', { name: 'Don’t edit' }).waitFor();
  // A file that is dropped meanwhile is not taken, by the browser neither.
  const refused = await alice.page.locator('.conversation-pane').evaluate((pane) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['x'], 'x.txt'));
    const drop = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true });
    return !pane.dispatchEvent(drop);
  });
  expect(refused).toBe(true);
  await accessible(alice.page, 'editing');
  await alice.composer.fill('never mind');
  await alice.composer.press('Escape');
  await expect.poll(() => alice.composer.inputValue()).toBe('half a thought');
  await own('we meet at nien').locator('.bubble').hover();
  await tool.click();
  await expect.poll(() => alice.composer.inputValue()).toBe('we meet at nien');
  await alice.composer.fill('we meet at nine');
  await alice.page.getByRole('button', { name: 'Save the change' }).click();
  await expect.poll(() => alice.composer.inputValue()).toBe('half a thought');
  for (const one of [alice, bob]) {
    const edited = one.page
      .locator('.message:not(:has(.quoted))', { hasText: 'we meet at nine' })
      .locator('time.edited');
    await edited.waitFor();
    expect(await edited.getAttribute('title')).toMatch(/^Edited .*\d{4}/);
    await one.message('fine').locator('.quoted', { hasText: 'we meet at nine' }).waitFor();
    await one.page.locator('.message', { hasText: 'we meet at nien' }).first().waitFor({ state: 'detached' });
  }
  // What was written days ago is neither edited nor taken back any more.
  await alice.openChat('Carol');
  await own('B, without').locator('.bubble').hover();
  await alice.page.getByRole('toolbar').getByRole('button', { name: 'Reply' }).waitFor();
  expect(
    await alice.page
      .getByRole('toolbar')
      .getByRole('button', { name: /Edit|Recall/ })
      .count(),
  ).toBe(0);
});

test('the arrow key in an empty composer edits one’s last message; whom it mentions then is told', async () => {
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  const room = await crowd.room('bob');
  await alice.openChat(room);
  await bob.openChat(room);
  await alice.composer.fill('and bring cake');
  await alice.composer.press('Enter');
  await alice.marked('and bring cake', 'Sent');
  await bob.message('and bring cake').waitFor();
  await bob.openChat('Launch week');
  await alice.composer.press('ArrowUp');
  await expect.poll(() => alice.composer.inputValue()).toBe('and bring cake');
  await alice.composer.fill('and bring two cakes, @Bob Tanaka');
  await alice.page.getByRole('button', { name: 'Save the change' }).click();
  await alice.page
    .locator('.message.own', { hasText: 'and bring two cakes, @Bob Tanaka' })
    .locator('time.edited')
    .waitFor();
  await expect.poll(() => bob.row(room).textContent()).toContain('and bring two cakes');
  // A page that is loaded anew shows it from what it keeps and from the server alike.
  await bob.page.reload();
  await bob.openChat(room);
  await bob.page.locator('time.edited').first().waitFor();
  await bob.page.locator('.mention.me', { hasText: '@Bob Tanaka' }).waitFor();
});

test('an edit waits for the connection', async () => {
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  const room = await crowd.room('bob');
  await alice.openChat(room);
  await bob.openChat(room);
  await alice.write('offfline');
  await alice.marked('offfline', 'Sent');
  await bob.message('offfline').waitFor();
  await alice.page.context().setOffline(true);
  await alice.composer.press('ArrowUp');
  await expect.poll(() => alice.composer.inputValue()).toBe('offfline');
  await alice.composer.fill('offline');
  await alice.composer.press('Enter');
  await alice.marked('offline', 'The change waits to be sent');
  await expect.poll(() => alice.row(room).locator('.preview').textContent()).toContain('offline');
  await alice.page.context().setOffline(false);
  await bob.message('offline').locator('time.edited').waitFor();
  await alice.message('offline').locator('time.edited').waitFor();
  expect(await bob.page.locator('.message, .conversation', { hasText: 'offfline' }).count()).toBe(0);
});

test('the caption of a picture is changed on a phone, in Chinese', async () => {
  const alice = await crowd.enter('alice', { locale: 'zh-CN', colorScheme: 'dark', ...phone });
  const bob = await crowd.enter('bob');
  const room = await crowd.room('bob');
  await alice.openChat(room);
  await bob.openChat(room);
  await alice.composer.fill('one');
  await alice.composer.press('Enter');
  await alice.composer.pressSequentially('two');
  await expect.poll(() => alice.composer.inputValue()).toBe('one\ntwo');
  await alice.composer.fill('');
  const file = await picture(alice.page, 'view.jpg');
  await alice.page.locator('.composer-attach input[type=file]').first().setInputFiles([file]);
  // A touch keyboard's Enter breaks the line, here as in the composer.
  await alice.page.locator('.caption').press('Enter');
  await alice.page.locator('.caption').pressSequentially('A');
  await expect.poll(() => alice.page.locator('.caption').inputValue()).toBe('\nA');
  await alice.page.locator('.caption').fill('A rivver');
  await alice.page.locator('dialog [type=submit]:enabled').click();
  await alice.marked('A rivver', '已发送');
  await bob.message('A rivver').locator('.shot.here > img').waitFor();
  await alice.page.getByText('A rivver', { exact: true }).last().tap();
  await alice.page.getByRole('toolbar').getByRole('button', { name: '编辑' }).tap();
  await expect.poll(() => alice.composer.inputValue()).toBe('A rivver');
  await accessible(alice.page, 'editing on a phone');
  await alice.composer.fill('A river');
  await alice.page.getByRole('button', { name: '保存修改' }).tap();
  await alice.page.getByText('已编辑').waitFor();
  await bob.message('A river').locator('time.edited').waitFor();
  await bob.message('A river').locator('.shot.here > img').waitFor();
  // Without a caption the picture is left.
  await alice.page.getByText('A river', { exact: true }).last().tap();
  await alice.page.getByRole('toolbar').getByRole('button', { name: '编辑' }).tap();
  await expect.poll(() => alice.composer.inputValue()).toBe('A river');
  await alice.composer.fill('');
  await alice.page.getByRole('button', { name: '保存修改' }).tap();
  await bob.page.getByText('A river', { exact: true }).first().waitFor({ state: 'detached' });
  await bob.page.locator('.message').last().locator('.shot.here > img').waitFor();
});

test('what the organisation does not allow is said, and let go', async () => {
  const alice = await crowd.enter('alice');
  await alice.openChat(await crowd.room('bob'));
  await alice.write('words');
  await alice.marked('words', 'Sent');
  const administrator = await crowd.beside(alice);
  await administrator.page.goto(`${crowd.server.http}/admin/policies`);
  const policy = administrator.page.getByLabel('Authors may edit a message for');
  await policy.selectOption({ label: 'Never' });
  await administrator.page.getByRole('button', { name: 'Save changes' }).click();
  await administrator.told('Saved.');
  await alice.composer.press('ArrowUp');
  await expect.poll(() => alice.composer.inputValue()).toBe('words');
  await alice.composer.fill('other words');
  await alice.composer.press('Enter');
  await alice.page.getByText('Not changed: Your organisation does not allow changing messages.').waitFor();
  await accessible(alice.page, 'a refused edit');
  await alice.page.getByRole('button', { name: 'Leave it as it was' }).click();
  await alice.message('words').waitFor();
  expect(await alice.page.getByText('other words').count()).toBe(0);
});
