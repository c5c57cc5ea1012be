import { describe, expect, test } from 'vitest';
import { gather } from './crowd';

const crowd = gather();

describe('what is written', () => {
  test('shows emphasis, code and quotes, and the list shows the words alone', async () => {
    const alice = await crowd.enter('alice');
    await alice.openChat('Carol');
    await alice.write('> asked\n**bold** and *slanted*, ~~gone~~ `x < y`\n```\nlet a = 1;\n```');
    const text = alice.page.locator('.message.own .text').last();
    await text.locator('strong', { hasText: 'bold' }).waitFor();
    expect(await text.locator('em').textContent()).toBe('slanted');
    expect(await text.locator('del').textContent()).toBe('gone');
    expect(await text.locator('code').first().textContent()).toBe('x < y');
    expect(await text.locator('pre').textContent()).toBe('let a = 1;');
    expect(await text.locator('blockquote').textContent()).toBe('asked');
    await expect
      .poll(() => alice.row('Carol').textContent())
      .toContain('asked bold and slanted, gone x < y let a = 1;');
  });

  test('a long text is folded and opens', async () => {
    const alice = await crowd.enter('alice');
    await alice.openChat('Carol');
    await alice.write(`${'a long word here '.repeat(900)}the end`);
    const bubble = alice.page.locator('.message.own .bubble').last();
    await bubble.getByRole('button', { name: 'Show more' }).waitFor();
    const folded = (await bubble.boundingBox())?.height ?? 0;
    expect(folded).toBeLessThan(400);
    await bubble.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(async () => (await bubble.boundingBox())?.height).toBeGreaterThan(1000);
    await bubble.getByRole('button', { name: 'Show less' }).click();
    await expect.poll(async () => (await bubble.boundingBox())?.height).toBe(folded);
  });
});

describe('mentions', () => {
  test('a member is chosen by keys, sees it in the list and in the message', async () => {
    const alice = await crowd.enter('alice');
    const bob = await crowd.enter('bob');
    await bob.openChat('Alice');
    await alice.openChat('Launch week');
    await alice.composer.pressSequentially('Can you look, @b');
    await alice.page.getByRole('option', { name: /Bob Tanaka/ }).waitFor();
    await alice.composer.press('Enter');
    await expect.poll(() => alice.composer.inputValue()).toBe('Can you look, @Bob Tanaka ');
    await alice.composer.press('Enter');
    await bob.row('Launch week').getByRole('img', { name: 'You were mentioned' }).waitFor();
    await bob.openChat('Launch week');
    await expect.poll(() => bob.page.locator('.mention.me').last().textContent()).toBe('@Bob Tanaka');
    await bob.row('Launch week').getByRole('img', { name: 'You were mentioned' }).waitFor({ state: 'detached' });
  });

  test('the list moves by arrow keys and goes away with Esc, which leaves the conversation open', async () => {
    const alice = await crowd.enter('alice');
    await alice.openChat('Launch week');
    await alice.composer.pressSequentially('@');
    const chosen = alice.page.getByRole('option', { selected: true });
    const first = await chosen.textContent();
    await alice.composer.press('ArrowDown');
    await expect.poll(() => chosen.textContent()).not.toBe(first);
    await alice.composer.press('ArrowUp');
    await alice.composer.press('ArrowUp');
    await expect.poll(() => chosen.textContent()).toContain('Everyone in the group');
    await alice.composer.press('Escape');
    await alice.page.getByRole('listbox').waitFor({ state: 'detached' });
    expect(await alice.composer.isVisible()).toBe(true);
    await alice.composer.fill('');
  });
});

test('a message is taken back: it is gone for everyone, also after a reload', async () => {
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  await bob.openChat('Launch week');
  await alice.openChat('Launch week');
  await alice.write('taken: back');
  await alice.marked('taken: back', 'Sent');
  await bob.message('taken: back').waitFor();
  await alice.message('taken: back').locator('.bubble').hover();
  await alice.page.getByRole('toolbar').getByRole('button', { name: 'Recall' }).click();
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Recall' }).click();
  for (const one of [alice, bob]) {
    await one.page.locator('.message', { hasText: 'This message was recalled' }).waitFor();
    await expect.poll(() => one.page.locator('.message, .conversation', { hasText: 'taken: back' }).count()).toBe(0);
    await one.page.reload();
    await one.page.locator('.message', { hasText: 'This message was recalled' }).waitFor();
    await expect.poll(() => one.page.locator('.message, .conversation', { hasText: 'taken: back' }).count()).toBe(0);
  }
});

describe('answers', () => {
  test('one answers a message, and the answer leads back to it', async () => {
    const alice = await crowd.enter('alice');
    const bob = await crowd.enter('bob');
    await alice.openChat('Bob');
    await alice.write('Which day suits you?');
    await alice.marked('Which day suits you?', 'Sent');
    for (let i = 0; i < 30; i++) await alice.write(`filling ${i}`);
    await bob.openChat('Alice');
    await bob.message('filling 29').waitFor();
    await bob.message('Which day suits you?').scrollIntoViewIfNeeded();
    await bob.message('Which day suits you?').locator('.bubble').hover();
    await bob.page.getByRole('toolbar').waitFor();
    // The list moves a little under the pointer, as it does when something comes in: the tools are there again.
    await bob.page.getByRole('log').evaluate(async (el) => {
      const ended = new Promise((resolve) => el.addEventListener('scrollend', resolve, { once: true }));
      el.scrollTop += 3;
      await ended;
    });
    await bob.page.getByRole('button', { name: 'Reply' }).click();
    await bob.page.locator('.answer-bar', { hasText: 'Which day suits you?' }).waitFor();
    await bob.write('Thursday');
    await bob.page.locator('.answer-bar').waitFor({ state: 'detached' });
    const quoted = alice.message('Thursday').locator('.quoted');
    await quoted.waitFor();
    await expect.poll(() => quoted.textContent()).toBe('Alice MoreauWhich day suits you?');
    await quoted.click();
    await expect
      .poll(() =>
        alice
          .message('Which day suits you?')
          .first()
          .evaluate((el) => {
            const box = el.closest('.timeline')?.getBoundingClientRect();
            const top = el.getBoundingClientRect().top;
            return !!box && top > box.top && top < box.bottom;
          }),
      )
      .toBe(true);
  });

  test('by keyboard: Ctrl+↑ chooses the message, Esc lets go of it', async () => {
    const alice = await crowd.enter('alice');
    await alice.openChat('Carol');
    await alice.page.locator('.message').first().waitFor();
    await alice.composer.press('Control+ArrowUp');
    await alice.page.locator('.answer-bar').waitFor();
    await alice.composer.press('Escape');
    await alice.page.locator('.answer-bar').waitFor({ state: 'detached' });
    expect(await alice.composer.isVisible()).toBe(true);
  });
});

test('an emoji is chosen by keyboard and stands where one writes', async () => {
  const alice = await crowd.enter('alice');
  await alice.openChat('Carol');
  await alice.composer.fill('well done ');
  await alice.page.getByRole('button', { name: 'Emoji' }).click();
  await alice.page.getByRole('dialog', { name: 'Emoji' }).getByText('😀').waitFor();
  await alice.page.keyboard.press('ArrowDown');
  await alice.page.keyboard.press('ArrowRight');
  await alice.page.keyboard.press('Enter');
  await alice.page.getByRole('searchbox', { name: 'Search emoji' }).fill('饺子');
  await alice.page.getByRole('dialog', { name: 'Emoji' }).getByText('🥟').waitFor();
  await alice.page.keyboard.press('Enter');
  await alice.page.keyboard.press('Escape');
  await alice.page.keyboard.press('Escape');
  await expect.poll(() => alice.composer.inputValue()).toBe('well done 😃🥟');
  await expect.poll(() => alice.composer.evaluate((el) => el === document.activeElement)).toBe(true);
  await alice.composer.fill('🎉');
  await alice.composer.press('Enter');
  await alice.page.locator('.message.own .text.big').last().waitFor();
});

test('somebody is mentioned by the initials of the name', async () => {
  const alice = await crowd.enter('alice');
  await alice.openChat('周五羽毛球');
  await alice.composer.pressSequentially('@cx');
  await alice.page.getByRole('option', { name: /陈曦/ }).waitFor();
  await alice.page.keyboard.press('Enter');
  await expect.poll(() => alice.composer.inputValue()).toBe('@陈曦 ');
});

describe('messages by keyboard', () => {
  test('arrows walk them, Enter reaches what one can do, Esc goes back', async () => {
    const alice = await crowd.enter('alice');
    await alice.openChat('Carol');
    await alice.write('the last but one');
    await alice.write('the last');
    await alice.marked('the last', 'Sent');
    const list = alice.page.getByRole('log');
    const focused = () => alice.page.evaluate(() => document.activeElement?.textContent ?? '');
    await list.focus();
    await alice.page.keyboard.press('ArrowUp');
    await expect.poll(focused).toContain('the last');
    await alice.page.keyboard.press('ArrowUp');
    await expect.poll(focused).toContain('the last but one');
    await alice.page.keyboard.press('Enter');
    const reply = alice.page.getByRole('toolbar').getByRole('button', { name: 'Reply' });
    await expect.poll(() => reply.evaluate((el) => el === document.activeElement)).toBe(true);
    await alice.page.keyboard.press('ArrowRight');
    await alice.page.keyboard.press('Escape');
    await expect.poll(focused).toContain('the last but one');
    await alice.page.keyboard.press('Enter');
    await alice.page.keyboard.press('Enter');
    await alice.page.locator('.answer-bar', { hasText: 'the last but one' }).waitFor();
    await expect.poll(() => alice.composer.evaluate((el) => el === document.activeElement)).toBe(true);
  });
});

test('a link that looks like another place says where it leads', async () => {
  const alice = await crowd.enter('alice');
  await alice.openChat('Carol');
  await alice.write('log in at https://аррӏе.com/login');
  await alice.page.locator('.message.own a', { hasText: '(xn--80ak6aa92e.com)' }).waitFor();
});
