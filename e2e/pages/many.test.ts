// Groups and lists: departments, announcements, muted members, and a thousand conversations.

import { describe, expect, test } from 'vitest';
import { gather } from './crowd';

const crowd = gather();

describe('people', () => {
  test('stand by department, which opens and closes', async () => {
    const alice = await crowd.enter('alice');
    await alice.page.getByRole('link', { name: 'People' }).click();
    const department = alice.page.getByRole('button', { name: /^Engineering/ });
    await department.waitFor();
    const rows = alice.page.locator('section', { has: department }).locator('.row');
    await expect.poll(() => rows.count()).toBeGreaterThan(1);
    await expect.poll(async () => (await department.textContent())?.includes(String(await rows.count()))).toBe(true);
    await department.click();
    await expect.poll(() => rows.count()).toBe(0);
    await expect.poll(() => department.getAttribute('aria-expanded')).toBe('false');
  });

  test('departments stand below one another; who is in none is among everyone', async () => {
    const { access_token } = await crowd.server.login('alice');
    const call = <T>(path: string, body: unknown) => crowd.server.call<T>('POST', path, access_token, body);
    const top = await call<{ id: string }>('/admin/departments', { name: 'Group of firms' });
    const below = await call<{ id: string }>('/admin/departments', { name: 'Firm', parent: top.id });
    await call('/admin/users', { uid: 'fay', name: 'Fay Inner', departments: [below.id] });
    await call('/admin/users', { uid: 'lone', name: 'Lone Wolf' });
    const bob = await crowd.enter('bob');
    await bob.page.getByRole('link', { name: 'People' }).click();
    const firms = bob.page
      .locator('section', { has: bob.page.getByRole('button', { name: /^Group of firms\s*1$/ }) })
      .first();
    await firms.getByRole('button', { name: /^Firm/ }).waitFor();
    await firms.getByText('Fay Inner').waitFor();
    expect(await bob.page.getByText('Lone Wolf').count()).toBe(0);
    await bob.page.getByRole('button', { name: 'Everyone', exact: true }).click();
    await bob.page.getByText('Lone Wolf').waitFor();
  });
});

describe('a group', () => {
  test('announces above its messages, until one puts it away; a new one comes back', async () => {
    const alice = await crowd.enter('alice');
    const bob = await crowd.enter('bob');
    await bob.openChat('Launch week');
    const strip = bob.page.locator('.announcement-strip');
    await strip.waitFor();
    await bob.page.getByRole('button', { name: 'Put the announcement away' }).click();
    await strip.waitFor({ state: 'detached' });
    await alice.openChat('Launch week');
    await alice.page.getByRole('button', { name: 'Details' }).click();
    await alice.page.getByRole('button', { name: 'Announce', exact: true }).click();
    await alice.page.getByRole('dialog').getByRole('textbox').fill('Party at six, see https://example.org/party');
    await alice.page.getByRole('button', { name: 'Save' }).click();
    await strip.getByText('Party at six').waitFor();
    await expect
      .poll(() => alice.page.locator('.announcement a').getAttribute('href'))
      .toBe('https://example.org/party');
  });
});

test('a thousand conversations hold: all are there, and the search finds one', async () => {
  const { access_token } = await crowd.server.login('frank', 'service');
  const make = (i: number) =>
    crowd.server.call('POST', '/groups', access_token, { name: `Group number ${i}`, members: ['grace'] });
  for (let i = 0; i < 1000; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => make(i + k)));
  const grace = await crowd.enter('grace');
  const rows = grace.page.locator('.conversation');
  await expect.poll(() => rows.count(), { timeout: 120_000 }).toBeGreaterThanOrEqual(1000);
  await grace.page.getByRole('searchbox').fill('number 77');
  await expect.poll(() => rows.count()).toBe(11);
  await grace.openChat('Group number 777');
  await grace.write('found');
  await grace.marked('found', 'Sent');
});
