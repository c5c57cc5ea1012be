import { describe, expect, test } from 'vitest';
import { gather } from './crowd';

// Presence after a short grace, so that the tests see somebody go without waiting long.
const crowd = gather('--presence-grace', '200ms');
const enter = (uid: string) => crowd.enter(uid);

describe('signing in', () => {
  test('the demo says that it is one and names its people', async () => {
    const one = await crowd.open();
    await one.page.getByText('This is a demo').waitFor();
    await one.page.getByRole('button', { name: 'Fill in bob' }).click();
    await one.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await one.row('Alice').waitFor();
    expect(await one.page.locator('.demo-strip').textContent()).toContain('Demo');
  });

  test('a wrong password is told, an empty field too, and the organisation is remembered', async () => {
    const one = await crowd.open();
    const submit = one.page.getByRole('button', { name: 'Sign in', exact: true });
    await submit.click();
    await expect.poll(() => one.page.getByText('Fill in this field.').count()).toBe(3);
    await one.page.getByLabel('Organisation').fill('demo');
    await one.page.getByLabel('User name or e-mail').fill('carol');
    await one.page.getByLabel('Password', { exact: true }).fill('not this one');
    await submit.click();
    await one.page.getByRole('alert').getByText('is not right').waitFor();
    await one.page.getByLabel('Password', { exact: true }).fill('magpie-demo');
    await submit.click();
    await one.row('Alice').waitFor();

    await one.page.getByRole('link', { name: 'Settings' }).click();
    await one.page.getByRole('button', { name: 'Sign out' }).last().click();
    await one.page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
    await one.page.getByText('Forgot your password?').waitFor();
    expect(await one.page.getByLabel('Organisation').inputValue()).toBe('demo');
  });

  test('a reload stays signed in, and the conversation that was open stays open', async () => {
    const alice = await enter('alice');
    await alice.openChat('Carol');
    await alice.page.reload();
    await alice.composer.waitFor();
    expect(await alice.page.locator('.bar-title').textContent()).toContain('Carol');
  });
});

describe('one to one', () => {
  test('a message arrives, is counted, is read; typing is seen', async () => {
    const alice = await enter('alice');
    const bob = await enter('bob');
    await alice.openChat('Bob');
    await alice.write('Are the figures ready?');
    await alice.marked('Are the figures ready?', 'Sent');
    await bob
      .row('Alice')
      .getByRole('img', { name: /unread/ })
      .waitFor();
    await expect.poll(() => bob.row('Alice').textContent()).toContain('Are the figures ready?');

    await bob.openChat('Alice');
    await bob.message('Are the figures ready?').waitFor();
    await alice.marked('Are the figures ready?', 'Read');
    await bob
      .row('Alice')
      .getByRole('img', { name: /unread/ })
      .waitFor({ state: 'detached' });

    const typing = await alice.glimpse('.typing-line', 'is typing');
    await bob.composer.pressSequentially('Nearly');
    await typing();
    await bob.composer.press('Enter');
    await alice.message('Nearly').waitFor();
    expect(await alice.message('Nearly').getAttribute('class')).not.toContain('own');
    expect(await bob.message('Nearly').getAttribute('class')).toContain('own');
  });

  test('a line shows what is new since one was last here', async () => {
    const alice = await enter('alice');
    const bob = await enter('bob');
    await bob.openChat('Alice');
    await alice.openChat('Bob');
    await alice.row('Bob').locator('.badge').waitFor({ state: 'detached' });
    await alice.openChat('Carol');
    await bob.write('new: one');
    await bob.write('new: two');
    await bob.marked('new: two', 'Sent');
    await expect.poll(() => alice.row('Bob').locator('.badge').textContent()).toBe('2');
    await expect.poll(() => alice.page.title()).toMatch(/^\(\d+\) Magpie$/);
    await alice.openChat('Bob');
    const after = alice.page.locator('.new-line ~ .message .text');
    await expect.poll(() => after.allTextContents()).toEqual(['new: one', 'new: two']);
    await alice.row('Bob').locator('.badge').waitFor({ state: 'detached' });
    // It stays until one leaves, and is gone when one comes back.
    await alice.write('new: seen');
    await alice.marked('new: seen', 'Read');
    expect(await alice.page.locator('.new-line').count()).toBe(1);
    await alice.openChat('Carol');
    await alice.openChat('Bob');
    await alice.message('new: seen').waitFor();
    expect(await alice.page.locator('.new-line').count()).toBe(0);
  });

  test('Enter sends, Shift+Enter breaks the line, an input method’s Enter does neither', async () => {
    const alice = await enter('alice');
    await alice.openChat('Carol');
    await alice.composer.fill('你好');
    await alice.composer.evaluate((el) =>
      el.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }),
      ),
    );
    expect(await alice.composer.inputValue()).toBe('你好');
    await alice.composer.press('Shift+Enter');
    await alice.composer.pressSequentially('second line');
    await alice.composer.press('Enter');
    await alice.page.locator('.message.own .text', { hasText: 'second line' }).waitFor();
    await expect.poll(() => alice.page.locator('.message.own .text').last().textContent()).toBe('你好\nsecond line');
    expect(await alice.composer.inputValue()).toBe('');
    expect(await alice.page.locator('.message.own .text', { hasText: '你好' }).count()).toBe(1);
  });

  test('what is written is shown as written: no HTML, only harmless links', async () => {
    const alice = await enter('alice');
    await alice.openChat('Carol');
    const text = '<img src=x onerror="document.title=1"> javascript:alert(1) see https://example.org/a?b=1, ok';
    await alice.write(text);
    const shown = alice.page.locator('.message.own .text').last();
    await expect.poll(() => shown.textContent()).toBe(text);
    expect(await shown.locator('img').count()).toBe(0);
    const links = shown.locator('a');
    expect(await links.count()).toBe(1);
    expect(await links.first().getAttribute('href')).toBe('https://example.org/a?b=1');
    expect(await links.first().getAttribute('rel')).toContain('noopener');
  });

  test('a draft stays with its conversation, over a reload too', async () => {
    const alice = await enter('alice');
    await alice.openChat('Grace');
    await alice.composer.fill('not yet finished');
    await alice.openChat('Carol');
    await expect.poll(() => alice.composer.inputValue()).toBe('');
    await alice.row('Grace').getByText('Draft:').waitFor();
    await alice.page.reload();
    await alice.openChat('Grace');
    await expect.poll(() => alice.composer.inputValue()).toBe('not yet finished');
    await alice.composer.fill('');
  });
});

describe('presence and people', () => {
  test('coming, being busy and going are seen', async () => {
    const alice = await enter('alice');
    await alice.openChat('Bob');
    const line = alice.page.locator('.bar-name .row-sub');
    await expect.poll(() => line.textContent()).toBe('Offline');
    const bob = await enter('bob');
    await expect.poll(() => line.textContent()).toBe('Online');
    await bob.page.getByRole('button', { name: 'Your account' }).click();
    await bob.page.getByRole('menuitemradio', { name: 'Busy' }).click();
    await expect.poll(() => line.textContent()).toBe('Busy');
    await bob.page.getByRole('button', { name: 'Your account' }).click();
    await bob.page.getByRole('menuitemradio', { name: 'Custom status' }).click();
    await bob.page.getByLabel('What are you doing?').fill('吃饭去了');
    await bob.page.getByRole('button', { name: 'Set status' }).click();
    await expect.poll(() => line.textContent()).toBe('吃饭去了');
    await bob.page.getByRole('button', { name: 'Your account' }).click();
    await bob.page.getByRole('menuitemradio', { name: 'Online' }).click();
    await expect.poll(() => line.textContent()).toBe('Online');
    await bob.close();
    await expect.poll(() => line.textContent()).toBe('Offline');
  });

  test('someone is found, added, written to and removed', async () => {
    const bob = await enter('bob');
    await bob.page.getByRole('link', { name: 'People' }).click();
    await bob.page.getByRole('searchbox').fill('zhaomin');
    await bob.page.getByRole('link', { name: /赵敏/ }).click();
    await bob.page.getByRole('button', { name: 'Add to contacts' }).click();
    await bob.page.getByRole('button', { name: 'Remove from contacts' }).waitFor();
    await bob.page.getByRole('link', { name: 'Message', exact: true }).click();
    await bob.write('欢迎加入！');
    await bob.marked('欢迎加入！', 'Sent');
    await bob.row('赵敏').waitFor();
    await bob.page.getByRole('button', { name: 'Details' }).click();
    await bob.page.getByRole('button', { name: 'Remove from contacts' }).click();
    await bob.page.getByRole('button', { name: 'Add to contacts' }).waitFor();
  });
});

describe('groups', () => {
  test('one is made, grows by a member who sees at once what is said, and is left', async () => {
    const alice = await enter('alice');
    const bob = await enter('bob');
    const carol = await enter('carol');

    await alice.page.getByRole('button', { name: 'New group' }).click();
    const dialog = alice.page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Create group' }).click();
    await dialog.getByText('Give the group a name.').waitFor();
    await dialog.getByText('Choose at least one person.').waitFor();
    await dialog.getByLabel('Name of the group').fill('Release notes');
    await dialog.getByRole('searchbox').fill('bob');
    await dialog.getByRole('checkbox', { name: /Bob Tanaka/ }).check();
    await dialog.getByRole('button', { name: 'Create group' }).click();
    await alice.composer.waitFor();
    await bob.row('Release notes').waitFor();

    await alice.write('Who writes the first half?');
    await bob.openChat('Release notes');
    await bob.message('Who writes the first half?').waitFor();
    await expect.poll(() => bob.page.locator('.sender').first().textContent()).toContain('Alice');

    await bob.page.getByRole('button', { name: 'Details' }).click();
    await bob.page.getByRole('button', { name: 'Add members' }).click();
    await bob.page.getByRole('dialog').getByRole('searchbox').fill('carol');
    await bob.page.getByRole('dialog').getByRole('checkbox', { name: /Carol/ }).check();
    await bob.page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
    await carol.row('Release notes').waitFor();
    await alice.page.locator('.notice-line', { hasText: 'Bob Tanaka added Carol' }).waitFor();

    await carol.openChat('Release notes');
    await bob.write('Carol does, she is here now');
    await carol.message('Carol does, she is here now').waitFor();
    await carol.write('I do');
    await alice.message('I do').waitFor();

    await carol.page.getByRole('button', { name: 'Details' }).click();
    await carol.page.getByRole('button', { name: 'Leave group' }).click();
    await carol.page.getByRole('dialog').getByRole('button', { name: 'Leave group' }).click();
    await carol.row('Release notes').waitFor({ state: 'detached' });
    await alice.page.locator('.notice-line', { hasText: /Carol .*left/ }).waitFor();
    await alice.write('After she left');
    await bob.message('After she left').waitFor();
    expect(await carol.row('Release notes').count()).toBe(0);
  });

  test('the owner renames it, hands out roles and dissolves it', async () => {
    const alice = await enter('alice');
    const bob = await enter('bob');
    await alice.page.getByRole('button', { name: 'New group' }).click();
    await alice.page.getByLabel('Name of the group').fill('Short-lived');
    await alice.page.getByRole('dialog').getByRole('searchbox').fill('bob');
    await alice.page
      .getByRole('dialog')
      .getByRole('checkbox', { name: /Bob Tanaka/ })
      .check();
    await alice.page.getByRole('button', { name: 'Create group' }).click();
    await bob.row('Short-lived').waitFor();
    await alice.page.getByRole('button', { name: 'Details' }).click();

    await alice.page.getByRole('button', { name: 'Rename' }).click();
    await alice.page.getByRole('dialog').getByLabel('Name of the group').fill('Longer-lived 长久');
    await alice.page.getByRole('button', { name: 'Save' }).click();
    await bob.row('Longer-lived 长久').waitFor();

    await alice.page.getByRole('button', { name: /More for Bob/ }).click();
    await alice.page.getByRole('menuitem', { name: 'Make administrator' }).click();
    await alice.page.locator('.member', { hasText: 'Bob' }).getByText('Admin').waitFor();

    await alice.page.getByRole('button', { name: 'Dissolve group' }).click();
    await alice.page.getByRole('dialog').getByRole('button', { name: 'Dissolve group' }).click();
    await bob.row('Longer-lived').waitFor({ state: 'detached' });
    expect(await alice.row('Longer-lived').count()).toBe(0);
  });
});
