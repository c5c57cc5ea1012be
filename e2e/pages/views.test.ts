import type { Locator } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { accessible, phone } from './administrator';
import { gather } from './crowd';
import { Line } from './line';
import { Person } from './person';

const crowd = gather('--limit-publish-rate', '0');

describe('languages', () => {
  test('the whole page changes, at once and for the next time', async () => {
    const one = await crowd.open({ locale: 'zh-CN' });
    await one.page.getByText('这是演示环境').waitFor();
    expect(await one.page.locator('html').getAttribute('lang')).toBe('zh-CN');
    await one.signIn('alice');
    await one.page.getByRole('heading', { name: '消息' }).waitFor();
    await one.page.getByRole('link', { name: '设置' }).click();
    await one.page.getByRole('radio', { name: 'English' }).check();
    await one.page.getByRole('heading', { name: 'Settings' }).waitFor();
    expect(await one.page.locator('html').getAttribute('lang')).toBe('en');
    await one.page.reload();
    await one.page.getByRole('heading', { name: 'Settings' }).waitFor();
  });

  test('the theme follows the system until one is chosen', async () => {
    const one = await crowd.enter('alice', { colorScheme: 'dark' });
    const ground = () => one.page.locator('html').evaluate((el) => getComputedStyle(el).backgroundColor);
    const dark = await ground();
    await one.page.getByRole('link', { name: 'Settings' }).click();
    await one.page.getByRole('radio', { name: 'Light' }).check();
    await expect.poll(ground).not.toBe(dark);
    await one.page.reload();
    await one.page.getByRole('heading', { name: 'Settings' }).waitFor();
    await expect.poll(ground).not.toBe(dark);
  });
});

describe('a phone', () => {
  test('shows one pane at a time, and back goes back', async () => {
    const one = await crowd.enter('bob', phone);
    await one.row('Alice').tap();
    await one.composer.waitFor();
    await expect.poll(() => one.row('Alice').isVisible()).toBe(false);
    await one.page.getByRole('button', { name: 'Details' }).tap();
    await one.page.getByRole('heading', { name: 'Details' }).waitFor();
    await expect.poll(() => one.composer.isVisible()).toBe(false);
    await one.page.goBack();
    await one.composer.waitFor();
    await one.page.getByRole('button', { name: 'Back' }).tap();
    await one.row('Alice').waitFor();
    await expect.poll(() => one.composer.count()).toBe(0);
    // Nothing is wider than the phone.
    expect(await one.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  });

  test('does the whole of it: signs in, reads, writes, makes a group, finds people, signs out', async () => {
    const erin = await crowd.open(phone);
    const narrow = async () =>
      await expect.poll(() => erin.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await narrow();
    await erin.signIn('erin');
    await narrow();
    const bob = await crowd.enter('bob');
    await bob.page.goto(`${crowd.server.http}/c/u:erin`);
    await bob.write('phone: are you on your way?');
    await erin.row('Bob').getByText('phone: are you on your way?').waitFor();
    await erin.row('Bob').tap();
    await erin.message('phone: are you on your way?').waitFor();
    await bob.marked('phone: are you on your way?', 'Read');
    await erin.composer.fill('phone: in the tram');
    await erin.page.getByRole('button', { name: 'Send' }).tap();
    await bob.message('phone: in the tram').waitFor();
    await narrow();
    await erin.page.getByRole('button', { name: 'Back' }).tap();

    await erin.page.getByRole('button', { name: 'New group' }).tap();
    const dialog = erin.page.getByRole('dialog');
    await dialog.getByLabel('Name of the group').fill('Tram riders');
    await dialog.getByRole('searchbox').fill('bob');
    await dialog.getByRole('checkbox', { name: /Bob Tanaka/ }).check();
    await narrow();
    await dialog.getByRole('button', { name: 'Create group' }).tap();
    await erin.composer.waitFor();
    await bob.row('Tram riders').waitFor();
    await narrow();
    await erin.page.getByRole('button', { name: 'Back' }).tap();

    await erin.page.getByRole('link', { name: 'People' }).tap();
    await erin.page.getByRole('searchbox').fill('zhaomin');
    await erin.page.getByRole('link', { name: /赵敏/ }).tap();
    await erin.page.getByRole('link', { name: 'Message', exact: true }).waitFor();
    await narrow();
    await erin.page.goBack();
    await erin.page.getByRole('link', { name: 'Settings' }).tap();
    await erin.page.getByRole('button', { name: 'Sign out' }).last().waitFor();
    await narrow();
    await erin.page.getByRole('button', { name: 'Sign out' }).last().tap();
    await erin.page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).tap();
    await erin.page.getByText('Forgot your password?').waitFor();
  });

  test('a link to a conversation leads back to the list, not out of the app', async () => {
    const one = await crowd.enter('bob', phone);
    await one.page.goto(`${crowd.server.http}/c/u:alice`);
    await one.page.getByRole('button', { name: 'Back' }).tap();
    await one.row('Alice').waitFor();
  });
});

describe('a long conversation', () => {
  const count = 600;

  beforeEach(async () => {
    const { access_token } = await crowd.server.login('dave', 'service');
    for (let i = 1; i <= count; i++) {
      const co = i % 7 ? `message ${i}` : `message ${i}\n${'a longer one '.repeat(20)}`;
      await crowd.server.call('POST', '/conversations/u:frank/messages', access_token, {
        media: [{ type: 0, content: { co } }],
        id: i.toString(16).padStart(16, '0'),
      });
    }
  });

  /** The newest message stands in the window of the list. */
  async function atFoot(list: Locator): Promise<boolean> {
    const last = list.getByText(`message ${count}`, { exact: true });
    if ((await last.count()) === 0) return false;
    return list.evaluate((el) => el.scrollHeight - el.scrollTop - el.clientHeight < 2);
  }

  test('holds few rows, and its place, while one scrolls through all of it', async () => {
    const frank = await crowd.enter('frank');
    await frank.openChat('Dave');
    const list = frank.page.getByRole('log');
    await frank.page.getByRole('button', { name: /new message/ }).click();
    await expect.poll(() => atFoot(list)).toBe(true);
    const rows = () => list.locator('.rows > li').count();
    const start = list.getByText('This is the beginning of the conversation.');

    let most = 0;
    while (!(await start.isVisible())) {
      // One row is followed: whatever comes in above it, it moves by what was scrolled and no more.
      const moved = await list.evaluate(async (el) => {
        const top = el.getBoundingClientRect().top;
        const row = [...el.querySelectorAll<HTMLElement>('[data-key]')].find(
          (r) => r.getBoundingClientRect().bottom > top,
        );
        const before = row?.getBoundingClientRect().top ?? 0;
        const wanted = Math.min(400, el.scrollTop);
        el.scrollTop -= wanted;
        const frame = () => new Promise((done) => requestAnimationFrame(done));
        for (let i = 0; i < 4; i++) await frame();
        const again = row?.dataset.key ? el.querySelector(`[data-key="${CSS.escape(row.dataset.key)}"]`) : null;
        return again ? Math.abs(again.getBoundingClientRect().top - before - wanted) : -1;
      });
      if (moved !== -1) expect(moved).toBeLessThan(3);
      most = Math.max(most, await rows());
    }
    expect(most).toBeLessThanOrEqual(300);
    expect(most).toBeGreaterThan(200);
    await frank.page.getByRole('button', { name: /Jump to the newest|new message/ }).click();
    await list.getByText(`message ${count}`, { exact: true }).waitFor();
    await expect
      .poll(() =>
        frank
          .row('Dave')
          .getByRole('img', { name: /unread/ })
          .count(),
      )
      .toBe(0);
  });

  test('keeps its place while one looks at another, and while messages come in below', async () => {
    const frank = await crowd.enter('frank');
    await frank.openChat('Dave');
    const list = frank.page.getByRole('log');
    await frank.page.getByRole('button', { name: /new message/ }).click();
    await expect.poll(() => atFoot(list)).toBe(true);
    await frank
      .row('Dave')
      .getByRole('img', { name: /unread/ })
      .waitFor({ state: 'detached' });
    await list.hover();
    const ended = await list.evaluateHandle((el) => ({
      scroll: new Promise((resolve) => el.addEventListener('scrollend', resolve, { once: true })),
    }));
    await frank.page.mouse.wheel(0, -3000);
    await ended.evaluate(({ scroll }) => scroll);
    await frank.page.getByRole('button', { name: 'Jump to the newest message' }).waitFor();
    const first = () =>
      list.evaluate((el) => {
        const top = el.getBoundingClientRect().top;
        return [...el.querySelectorAll('[data-key]')].find((r) => r.getBoundingClientRect().bottom > top + 5)
          ?.textContent;
      });
    const before = await first();
    const { access_token } = await crowd.server.login('dave', 'service');
    await crowd.server.call('POST', '/conversations/u:frank/messages', access_token, {
      media: [{ type: 0, content: { co: 'news below' } }],
    });
    await frank.page.getByRole('button', { name: '1 new message' }).waitFor();
    expect(await first()).toBe(before);
    await frank.row('Launch week').click();
    await frank.page.locator('.bar-title', { hasText: 'Launch week' }).waitFor();
    await frank.row('Dave').click();
    await frank.page.locator('.bar-title', { hasText: 'Dave' }).waitFor();
    await expect.poll(first).toBe(before);
  });
});

describe('everyone can use it', () => {
  const check = (one: Person, view: string) => accessible(one.page, view);

  test.each(['light', 'dark'] as const)('axe finds nothing grave in any view, %s', async (colorScheme) => {
    const one = await crowd.open({ colorScheme, reducedMotion: 'reduce' });
    await one.page.getByText('This is a demo').waitFor();
    await check(one, 'sign-in');
    await one.signIn('alice');
    await check(one, 'list');
    await one.openChat('Launch week');
    await one.page.getByRole('button', { name: 'Details' }).click();
    await one.page.locator('.member').first().waitFor();
    await check(one, 'group');
    await one.page.getByRole('button', { name: 'Your account' }).click();
    await check(one, 'menu');
    await one.page.keyboard.press('Escape');
    await one.openChat('Bob');
    await check(one, 'one to one');
    await one.row('Carol').click({ button: 'right' });
    await check(one, 'menu of a conversation');
    await one.page.keyboard.press('Escape');
    await one.page.getByRole('button', { name: 'Emoji' }).click();
    await one.page.getByRole('dialog', { name: 'Emoji' }).getByText('😀').waitFor();
    await check(one, 'emoji');
    await one.page.keyboard.press('Escape');
    await one.openChat('Launch week');
    await one.composer.press('Control+ArrowUp');
    await one.composer.fill('**bold** `code` @');
    await one.composer.press('End');
    await one.page.getByRole('option').first().waitFor();
    await check(one, 'answer and mention');
    await one.composer.fill('');
    await one.page.getByRole('button', { name: 'New group' }).click();
    await one.page.getByRole('dialog').getByRole('checkbox').first().check();
    await check(one, 'new group');
    await one.page.keyboard.press('Escape');
    await one.page.getByRole('link', { name: 'People' }).click();
    await one.page.locator('.pane-scroll .row').first().click();
    await one.page.locator('.facts').waitFor();
    await check(one, 'people');
    await one.page.getByRole('link', { name: 'Settings' }).click();
    await one.page.getByText('This device').waitFor();
    await check(one, 'settings');
  });

  test('the keyboard alone does: choose, write, leave; focus goes where one works', async () => {
    const one = await crowd.enter('alice');
    const row = one.row('Bob');
    await row.focus();
    await one.page.keyboard.press('Enter');
    await expect.poll(() => one.composer.evaluate((el) => el === document.activeElement)).toBe(true);
    await one.page.keyboard.type('by keys alone');
    await one.page.keyboard.press('Enter');
    await one.message('by keys alone').waitFor();
    // Esc closes what is open, and never the conversation that one is writing in.
    await one.page.keyboard.press('Escape');
    expect(await one.composer.isVisible()).toBe(true);
    const opener = one.page.getByRole('button', { name: 'New group' });
    await opener.focus();
    await one.page.keyboard.press('Enter');
    await one.page.getByRole('dialog').waitFor();
    await one.page.keyboard.press('Escape');
    await one.page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(() => opener.evaluate((el) => el === document.activeElement)).toBe(true);
  });

  test('what comes in is said to a screen reader', async () => {
    const alice = await crowd.enter('alice');
    await alice.openChat('Launch week');
    const bob = await crowd.enter('bob');
    await bob.openChat('Launch week');
    // Each of them, though there be two that are equal; what was said goes again after a while.
    await alice.page.evaluate(() => {
      const said: string[] = [];
      const region = document.querySelector('[role=status][aria-atomic=false]') as Element;
      new MutationObserver((list) => {
        for (const { addedNodes } of list) for (const node of addedNodes) said.push(node.textContent ?? '');
      }).observe(region, { childList: true });
      Object.assign(window, { said });
    });
    for (const text of ['said aloud', 'said aloud', 'said last']) await bob.write(text);
    await expect
      .poll(() => alice.page.evaluate(() => (window as unknown as { said: string[] }).said))
      .toEqual(['said aloud', 'said aloud', 'said last'].map((text) => `Bob Tanaka: ${text}`));
  });
});

describe('the page itself', () => {
  test('moves at most 120 kB before it can be used', async () => {
    const line = await Line.lay(crowd.server.http);
    // The worker that keeps the app fetches the rest of it, later.
    const one = await Person.open(crowd.browser, line, { serviceWorkers: 'block' });
    try {
      await one.page.route('**/avatars/**', (route) => route.abort()); // what people look like comes when it can
      await one.signIn('alice');
      expect(line.received).toBeGreaterThan(20_000);
      expect(line.received).toBeLessThan(120_000);
    } finally {
      await one.close();
      line.close();
    }
  });
});
