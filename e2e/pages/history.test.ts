// What stays of a conversation, and what goes: one's own copy cleared, and what happened in a group.

import { expect, test } from 'vitest';
import { gather } from './crowd';
import type { Person } from './person';

const crowd = gather('--limit-publish-rate=0');

async function clear(one: Person, name: string): Promise<void> {
  await one.row(name).click({ button: 'right' });
  await one.page.getByRole('menuitem', { name: 'Clear history…' }).click();
  const dialog = one.page.getByRole('dialog', { name: `Clear the history of “${name}` });
  await dialog.getByText('on all of your devices').waitFor();
  await dialog.getByRole('button', { name: 'Clear history' }).click();
  await dialog.waitFor({ state: 'detached' });
}

/** How many messages of a conversation this browser keeps. */
function kept(one: Person, conv: string): Promise<number> {
  return one.page.evaluate(async (wanted) => {
    const { name = '' } = (await indexedDB.databases()).find((d) => /^magpie\/demo\/\w+$/.test(d.name ?? '')) ?? {};
    const db = await new Promise<IDBDatabase>((resolve, reject) => {
      const asked = indexedDB.open(name);
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    const all = await new Promise<{ conv: string }[]>((resolve) => {
      const asked = db.transaction('messages').objectStore('messages').getAll();
      asked.onsuccess = () => resolve(asked.result);
    });
    db.close();
    return all.filter((m) => m.conv === wanted).length;
  }, conv);
}

test('one clears one’s own copy: it is gone in all tabs and on new devices, and the other keeps theirs', async () => {
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  await alice.openChat('Bob');
  await alice.write('clear: old words');
  await alice.marked('clear: old words', 'Sent');
  await bob.openChat('Alice');
  await bob.message('clear: old words').waitFor();
  const tab = await crowd.beside(alice);
  await tab.openChat('Bob');
  await tab.message('clear: old words').waitFor();

  await clear(alice, 'Bob');
  for (const one of [alice, tab]) {
    await one.message('clear: old words').waitFor({ state: 'detached' });
    await expect.poll(() => one.page.locator('.message').count()).toBe(0);
    await one.row('Bob').getByText('No messages yet').waitFor();
  }
  await expect.poll(() => kept(alice, 'u:bob')).toBe(0);
  expect(await bob.message('clear: old words').count()).toBe(1);

  await bob.write('clear: new words');
  await alice.message('clear: new words').waitFor();
  await alice.page.reload();
  await alice.message('clear: new words').waitFor();
  await expect.poll(() => alice.page.locator('.message').count()).toBe(1);
  // A new device is told of none of it. (It takes the connection over from the other.)
  const phone = await crowd.enter('alice', { viewport: { width: 390, height: 800 } });
  await phone.openChat('Bob');
  await phone.message('clear: new words').waitFor();
  await expect.poll(() => phone.page.locator('.message').count()).toBe(1);
});

test('the panel of details clears too; “cancel” does not', async () => {
  const carol = await crowd.enter('carol');
  await carol.openChat('Launch week');
  await carol.page.locator('.message').first().waitFor();
  await carol.page.getByRole('button', { name: 'Details' }).click();
  const ask = carol.page.locator('.info-pane').getByRole('button', { name: 'Clear history…' });
  await ask.click();
  await carol.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  expect(await carol.page.locator('.message').count()).toBeGreaterThan(0);
  await ask.click();
  await carol.page.getByRole('dialog').getByRole('button', { name: 'Clear history' }).click();
  await expect.poll(() => carol.page.locator('.message').count()).toBe(0);
  await ask.waitFor({ state: 'detached' });
});

test('what was recalled far back while no page was open is not there to be read', async () => {
  const { access_token: token } = await crowd.server.login('carol', 'service');
  const say = (n: number) =>
    crowd.server.call<{ seq: number }>('POST', '/conversations/u:bob/messages', token, {
      media: [{ type: 0, content: { co: `taken back: ${n}` } }],
      id: n.toString(16).padStart(16, '0'),
    });
  const seqs: number[] = [];
  for (let n = 1; n <= 120; n++) seqs.push((await say(n)).seq);
  const bob = await crowd.enter('bob');
  const log = bob.page.getByRole('log');
  /** Scrolls up until something is there. */
  const reach = async (text: string) => {
    while ((await log.getByText(text, { exact: true }).count()) === 0)
      await log.evaluate(async (el) => {
        el.scrollTop = 0;
        await new Promise((done) => requestAnimationFrame(done));
      });
  };
  await bob.openChat('Carol');
  await bob.page.getByRole('button', { name: /new message/ }).click();
  await bob.message('taken back: 120').waitFor();
  await reach('taken back: 1');
  const address = bob.page.url();
  await expect.poll(() => kept(bob, 'u:carol')).toBeGreaterThanOrEqual(120);
  await bob.page.goto('about:blank');
  await crowd.server.call('DELETE', `/conversations/u:bob/messages/${seqs[30]}`, token);
  await bob.page.goto(address);
  await bob.message('taken back: 120').waitFor();
  await reach('taken back: 30');
  await log.getByText('This message was recalled').waitFor();
  expect(await log.getByText('taken back: 31', { exact: true }).count()).toBe(0);
});

test('pinning and muting show in the other browser of the same person', async () => {
  const dave = await crowd.enter('dave');
  const { access_token } = await crowd.server.login('dave', 'pc');
  const { items } = await crowd.server.call<{ items: { conv: string; name: string }[] }>(
    'GET',
    '/conversations',
    access_token,
  );
  const one = items.find((c) => c.name === 'Launch week');
  await crowd.server.call('PATCH', `/conversations/${one?.conv}`, access_token, { pinned: true, muted: true });
  await dave.row('Launch week').getByRole('img', { name: 'Muted' }).waitFor();
});

test('what happened in a group is there after a reload and on a new device, once and in its place', async () => {
  const { access_token } = await crowd.server.login('alice', 'service');
  const { gid } = await crowd.server.call<{ gid: string }>('POST', '/groups', access_token, {
    name: 'Lines',
    members: ['bob'],
  });
  const alice = await crowd.enter('alice');
  await alice.openChat('Lines');
  await alice.write('lines: first');
  await alice.marked('lines: first', 'Sent');
  await crowd.server.call('POST', `/groups/${gid}/members`, access_token, { uids: ['carol'] });
  await alice.page.getByText('You added Carol').waitFor();
  await alice.write('lines: second');
  await alice.marked('lines: second', 'Sent');
  await crowd.server.call('PATCH', `/groups/${gid}`, access_token, { name: 'Lines anew' });
  await alice.page.getByText('You named the group “Lines anew”').waitFor();

  const told = (one: Person) =>
    one.page
      .locator('.rows .notice-line, .rows .message .text')
      .evaluateAll((list) => list.map((e) => e.textContent?.trim()));
  const want = [
    expect.stringContaining('made the group'),
    'lines: first',
    expect.stringMatching(/added (Carol|you)/),
    'lines: second',
    expect.stringContaining('Lines anew'),
  ];
  await expect.poll(() => told(alice)).toEqual(want);
  await alice.page.reload();
  await alice.message('lines: second').waitFor();
  await expect.poll(() => told(alice)).toEqual(want);
  const carol = await crowd.enter('carol');
  await carol.openChat('Lines anew');
  await expect.poll(() => told(carol)).toEqual(want);
  await carol.page.getByText(/^Alice.* added you/).waitFor();
});
