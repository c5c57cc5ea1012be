// Conversations of which much is unread, and what lies far back in them.

import type { Locator } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { gather } from './crowd';
import type { Person } from './person';

const count = 500;
const crowd = gather('--limit-publish-rate=0');
let token: string;

async function say(to: string, n: number, content: Record<string, unknown>): Promise<void> {
  const id = `${to}${n}`.replace(/./g, (c) => c.charCodeAt(0).toString(16).padStart(2, '0')).padStart(16, '0');
  await crowd.server.call('POST', `/conversations/u:${to}/messages`, token, { media: [{ type: 0, content }], id });
}

async function flood(to: string): Promise<void> {
  for (let i = 1; i <= count; i++) await say(to, i, { co: `far ${i}` });
}

beforeEach(async () => {
  token = (await crowd.server.login('dave', 'service')).access_token;
});

const log = (one: Person) => one.page.getByRole('log');
const line = (one: Person, text: string) => log(one).getByText(text, { exact: true });
const unread = (one: Person) => one.row('Dave').getByRole('img', { name: /unread/ });
const rows = (one: Person) => log(one).locator('.rows > li').count();

/** Whether something stands in the window of the list. */
function inSight(what: Locator): Promise<boolean> {
  return what.evaluate((el) => {
    const window = el.closest('.timeline')?.getBoundingClientRect();
    const box = el.getBoundingClientRect();
    return !!window && box.top >= window.top && box.bottom <= window.bottom;
  });
}

/** Scrolls by so many pixels, and tells how far off its place the first row in sight is afterwards. */
function scroll(one: Person, by: number): Promise<number> {
  return log(one).evaluate(async (el, px) => {
    const top = el.getBoundingClientRect().top;
    const row = [...el.querySelectorAll<HTMLElement>('[data-key]')].find((r) => r.getBoundingClientRect().bottom > top);
    const [before, from] = [row?.getBoundingClientRect().top ?? 0, el.scrollTop];
    el.scrollTop += px;
    const moved = el.scrollTop - from;
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (let i = 0; i < 4; i++) await frame();
    if (el.scrollHeight - el.scrollTop - el.clientHeight < 1) return 0; // at the foot, the foot is what stays
    const again = row?.dataset.key ? el.querySelector(`[data-key="${CSS.escape(row.dataset.key)}"]`) : null;
    return again ? Math.abs(again.getBoundingClientRect().top - before + moved) : 0;
  }, by);
}

test('it opens at the first unread message, and reads on to the newest', async () => {
  const grace = await crowd.enter('grace');
  await say('grace', 0, { co: 'far: before' });
  await grace.openChat('Dave');
  await grace.message('far: before').waitFor();
  await unread(grace).waitFor({ state: 'detached' });
  await grace.openChat('Launch week');
  await flood('grace');
  await expect.poll(() => unread(grace).getAttribute('aria-label')).toContain(String(count));

  await grace.openChat('Dave');
  const mark = log(grace).locator('.new-line');
  await mark.waitFor();
  await expect.poll(() => inSight(mark)).toBe(true);
  await expect.poll(() => inSight(line(grace, 'far 1'))).toBe(true);
  expect(await line(grace, `far ${count}`).count()).toBe(0);
  const jump = grace.page.getByRole('button', { name: /new message/ });
  await jump.waitFor();

  // Some of it is read, and the place is kept while one looks at another conversation.
  while ((await line(grace, 'far 100').count()) === 0 || !(await inSight(line(grace, 'far 100')))) {
    expect(await scroll(grace, 500)).toBeLessThan(3);
  }
  await expect.poll(async () => Number((await jump.textContent())?.trim())).toBeLessThanOrEqual(count - 100);
  await grace.openChat('Launch week');
  await grace.openChat('Dave');
  await expect
    .poll(async () => (await line(grace, 'far 100').count()) > 0 && inSight(line(grace, 'far 100')))
    .toBe(true);

  let most = 0;
  while ((await line(grace, `far ${count}`).count()) === 0 || !(await inSight(line(grace, `far ${count}`)))) {
    expect(await scroll(grace, 800)).toBeLessThan(3);
    most = Math.max(most, await rows(grace));
  }
  expect(most).toBeLessThanOrEqual(300);
  await unread(grace).waitFor({ state: 'detached' });
  await jump.waitFor({ state: 'detached' });
  await say('grace', count + 1, { co: 'far: after' });
  await expect
    .poll(async () => (await line(grace, 'far: after').count()) > 0 && inSight(line(grace, 'far: after')))
    .toBe(true);
});

test('what one scrolls is not taken back by what comes in meanwhile', async () => {
  for (let i = 1; i <= 80; i++) await say('grace', i, { co: `by and by ${i}` });
  const grace = await crowd.enter('grace');
  await grace.openChat('Dave');
  const jump = grace.page.getByRole('button', { name: /new message/ });
  await jump.click();
  await expect.poll(() => inSight(line(grace, 'by and by 80'))).toBe(true);
  await unread(grace).waitFor({ state: 'detached' });
  expect(await scroll(grace, -900)).toBeLessThan(3);
  // Each frame by a little, and between two frames what comes in is drawn.
  const moved = log(grace).evaluate(async (el) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const row = [...el.querySelectorAll('[data-key]')].findLast(
      (r) => r.getBoundingClientRect().top < el.getBoundingClientRect().bottom,
    );
    const before = row?.getBoundingClientRect().top ?? 0;
    for (let i = 0; i < 100; i++) {
      el.scrollTop -= 4;
      await frame();
    }
    await frame();
    return (row?.getBoundingClientRect().top ?? 0) - before;
  });
  for (let i = 81; i <= 140; i++) await say('grace', i, { co: `by and by ${i}` });
  expect(Math.abs((await moved) - 400)).toBeLessThan(3);
  await expect.poll(async () => Number((await jump.textContent())?.trim())).toBe(60);
});

test('one can leave it all and go to the newest, and to a message far back that an answer quotes', async () => {
  const frank = await crowd.enter('frank');
  await say('frank', 0, { co: 'far: before' });
  await frank.openChat('Dave');
  await frank.message('far: before').waitFor();
  await frank.openChat('Launch week');
  await flood('frank');
  await say('frank', count + 1, { co: 'far: an answer', re: 2 });
  await expect.poll(() => unread(frank).getAttribute('aria-label')).toContain(String(count + 1));
  await frank.openChat('Dave');
  await log(frank).locator('.new-line').waitFor();
  await frank.page.getByRole('button', { name: /new message/ }).click();
  const answer = line(frank, 'far: an answer');
  await expect.poll(async () => (await answer.count()) > 0 && inSight(answer)).toBe(true);
  await unread(frank).waitFor({ state: 'detached' });

  await frank.page.reload();
  await answer.waitFor();
  await frank.message('far: an answer').locator('.quoted').click();
  await expect.poll(async () => (await line(frank, 'far 1').count()) > 0 && inSight(line(frank, 'far 1'))).toBe(true);
  expect(await rows(frank)).toBeLessThanOrEqual(300);
  // What one writes there is seen at once, at the foot.
  await frank.write('far: written from afar');
  await frank.marked('far: written from afar', 'Sent');
  await expect.poll(() => inSight(line(frank, 'far: written from afar'))).toBe(true);
  await expect.poll(() => inSight(answer)).toBe(true);
});

test('a page that is loaded anew shows where the new messages begin, and so does one that was not looked at', async () => {
  const erin = await crowd.enter('erin');
  await say('erin', 0, { co: 'anew: before' });
  await erin.openChat('Dave');
  await erin.message('anew: before').waitFor();
  await unread(erin).waitFor({ state: 'detached' });
  const mark = log(erin).locator('.new-line');
  const after = (text: string) => log(erin).locator('.new-line + li', { hasText: text });

  const address = erin.page.url();
  await erin.page.goto('about:blank');
  for (let i = 1; i <= 60; i++) await say('erin', i, { co: `anew ${i}` });
  await erin.page.goto(address);
  await after('anew 1').waitFor();
  await expect.poll(() => inSight(mark)).toBe(true);
  await erin.page.getByRole('button', { name: /new message/ }).click();
  await unread(erin).waitFor({ state: 'detached' });

  await erin.page.evaluate(() => {
    document.hasFocus = () => false;
  });
  await say('erin', 61, { co: 'anew: away' });
  await after('anew: away').waitFor();
  await unread(erin).waitFor();
  await erin.page.evaluate(() => {
    document.hasFocus = () => true;
    dispatchEvent(new Event('focus'));
  });
  await unread(erin).waitFor({ state: 'detached' });
  expect(await mark.count()).toBe(1);
  expect(erin.errors).toEqual([]);
  await erin.close();
});
