// A group of a thousand, and a message as long as one may be.

import { beforeEach, describe, expect, test, vi } from 'vitest';
import { gather } from './crowd';

const crowd = gather('--limit-publish-rate', '0');

describe('a group of a thousand', () => {
  const name = 'Everyone at once';

  beforeEach(async () => {
    const { access_token } = await crowd.server.login('alice', 'service');
    const people = Array.from({ length: 997 }, (_, i) => `m${i},Member Number ${i}`);
    const answer = await fetch(`${crowd.server.http}/api/v1/admin/users/import`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/csv', Authorization: `Bearer ${access_token}` },
      body: ['uid,name', ...people].join('\n'),
    });
    const { id } = (await answer.json()) as { id: string };
    const done = async () => {
      const { state } = await crowd.server.call<{ state: string }>('GET', `/admin/jobs/${id}`, access_token);
      expect(state).toBe('done');
    };
    await vi.waitFor(done, { timeout: 60_000, interval: 200 });
    await crowd.server.call('POST', '/groups', access_token, {
      name,
      members: ['bob', 'carol', ...people.map((line) => line.split(',')[0])],
    });
  });

  test('shows its members some at a time, and finds one among all', async () => {
    const bob = await crowd.enter('bob');
    await bob.openChat(name);
    await bob.page.locator('.bar-name', { hasText: /1,?000 members/ }).waitFor();
    await bob.page.getByRole('button', { name: 'Details' }).click();
    const rows = bob.page.locator('.member');
    await rows.first().waitFor();
    expect(await rows.count()).toBeLessThanOrEqual(100);
    await bob.page.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => rows.count()).toBe(200);
    await bob.page.getByRole('searchbox', { name: 'Search members' }).fill('number 77');
    await expect.poll(() => rows.count()).toBe(11);
    await rows.getByText('Member Number 777').waitFor();

    // Of the directory too; a page that comes when something else is searched for is left.
    await bob.page.getByRole('link', { name: 'People' }).click();
    const search = bob.page.getByRole('searchbox', { name: 'Search by name, id or department' });
    const found = bob.page.locator('.rows-list .row-name', { hasText: 'Member Number' });
    await search.fill('number');
    const more = bob.page.getByRole('button', { name: 'Show more' });
    await more.waitFor();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const another = /\/users\?.*cursor=/;
    await bob.page.route(another, async (route) => {
      await held;
      await route.continue();
    });
    await more.click();
    await search.fill('number 77');
    await expect.poll(() => found.count()).toBe(11);
    const answer = bob.page.waitForResponse(another);
    release();
    await (await answer).finished();
    await bob.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    expect(await found.count()).toBe(11);
  });

  test('offers a few of them behind @, and the one who is meant', async () => {
    const alice = await crowd.enter('alice');
    const bob = await crowd.enter('bob');
    await bob.openChat('Alice');
    await alice.openChat(name);
    await alice.composer.pressSequentially('@');
    const offered = alice.page.getByRole('option');
    await offered.first().waitFor();
    expect(await offered.count()).toBeLessThanOrEqual(8);
    await alice.composer.pressSequentially('m777');
    await expect.poll(() => offered.count()).toBe(1);
    await offered.getByText('Member Number 777').waitFor();
    await alice.composer.fill('@Bob');
    await alice.composer.press('End');
    await alice.page.getByRole('option', { name: /Bob Tanaka/ }).waitFor();
    await alice.composer.press('Enter');
    await alice.composer.press('Enter');
    await bob.row(name).getByRole('img', { name: 'You were mentioned' }).waitFor();
  });

  test('sees who is typing, and what is said, at once', async () => {
    const alice = await crowd.enter('alice');
    const bob = await crowd.enter('bob');
    await alice.openChat(name);
    await bob.openChat(name);
    const typing = await alice.glimpse('.typing-line', 'Bob Tanaka is typing');
    await bob.composer.pressSequentially('Hello to all of you');
    await typing();
    await bob.composer.press('Enter');
    await alice.message('Hello to all of you').waitFor();
  });
});

test('a message of 16,384 characters is sent and read in whole; a longer one is not lost', async () => {
  const alice = await crowd.enter('alice');
  const carol = await crowd.enter('carol');
  await alice.openChat('Carol');
  await carol.openChat('Alice');
  const end = ' and that is the end';
  const text = `${'喜鹊 12 '.repeat(2731).slice(0, 16_384 - end.length)}${end}`;
  expect([...text]).toHaveLength(16_384);
  await alice.write(text);
  await alice.page.locator('.message.own .mark[aria-label="Read"]').last().waitFor();
  const bubble = carol.page.locator('.message .bubble', { hasText: end.trim() });
  await bubble.getByRole('button', { name: 'Show more' }).click();
  await expect.poll(() => bubble.locator('.text').textContent()).toBe(text);
  await expect.poll(async () => (await bubble.boundingBox())?.height).toBeGreaterThan(1000);

  const sent = await alice.page.locator('.message.own').count();
  await alice.write(`${text}!`);
  await alice.page.getByText('too long').first().waitFor();
  expect(await alice.page.locator('.message.own').count()).toBe(sent);
  expect(await alice.composer.inputValue()).toBe(`${text}!`);
});
