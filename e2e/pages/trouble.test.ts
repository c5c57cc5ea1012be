import { describe, expect, test } from 'vitest';
import { gather } from './crowd';
import type { Person } from './person';

const crowd = gather();
const enter = (uid: string) => crowd.enter(uid);

/** What stands in the open conversation with these words, in order. */
function texts(one: Person, word: string): Promise<string[]> {
  return one.page.locator('.message .text', { hasText: word }).allTextContents();
}

describe('the server is killed', () => {
  test('what was sent is there, what is written meanwhile waits and is sent once', async () => {
    const alice = await enter('alice');
    const bob = await enter('bob');
    await alice.openChat('Bob');
    await bob.openChat('Alice');
    await alice.write('kill: before');
    await alice.marked('kill: before', 'Read');

    await crowd.server.kill();
    await alice.page.getByText('Reconnecting…').first().waitFor();
    await alice.write('kill: while it is down, one');
    await alice.write('kill: while it is down, two');
    await alice.marked('kill: while it is down, two', 'Waiting to be sent');

    await crowd.server.restart();
    await alice.marked('kill: while it is down, two', 'Read');
    await bob.write('kill: back again');
    await alice.message('kill: back again').waitFor();
    await expect.poll(() => alice.page.getByText('Reconnecting…').count()).toBe(0);

    const all = ['kill: before', 'kill: while it is down, one', 'kill: while it is down, two', 'kill: back again'];
    expect(await texts(alice, 'kill:')).toEqual(all);
    expect(await texts(bob, 'kill:')).toEqual(all);
    await alice.page.reload();
    await alice.message('kill: back again').waitFor();
    await expect.poll(() => texts(alice, 'kill:')).toEqual(all);
  });

  test('what was written before a reload is sent after it', async () => {
    const alice = await enter('alice');
    const bob = await enter('bob');
    await alice.openChat('Bob');
    await bob.openChat('Alice');
    // A reload needs the server for the page itself: it is the connection alone that is missing.
    await alice.page.context().setOffline(true);
    await alice.write('reload: written offline');
    await alice.marked('reload: written offline', 'Waiting to be sent');
    await alice.page.context().setOffline(false);
    await alice.page.reload();
    await bob.message('reload: written offline').waitFor();
    await alice.marked('reload: written offline', 'Read');
    expect(await texts(bob, 'reload:')).toEqual(['reload: written offline']);
  });
});

describe('offline', () => {
  test('it is said calmly, what is written waits, and is sent when the network is back', async () => {
    const alice = await enter('alice');
    const bob = await enter('bob');
    await alice.openChat('Bob');
    await bob.openChat('Alice');
    await alice.page.context().setOffline(true);
    await alice.page.getByText('You’re offline').waitFor();
    await alice.write('offline: hello from a tunnel');
    await alice.marked('offline: hello from a tunnel', 'Waiting to be sent');
    await bob.write('offline: are you there?');
    expect(await alice.message('offline: are you there?').count()).toBe(0);
    await alice.page.context().setOffline(false);
    await alice.message('offline: are you there?').waitFor();
    await alice.marked('offline: hello from a tunnel', 'Read');
    await alice.page.getByText('You’re offline').waitFor({ state: 'detached' });
    expect((await texts(bob, 'offline:')).sort()).toEqual(['offline: are you there?', 'offline: hello from a tunnel']);
  });
});

test('what was read without a connection is told by the next page, and what was read last before a page is closed', async () => {
  const alice = await enter('alice');
  const carol = await enter('carol');
  await carol.openChat('Launch week');
  const address = carol.page.url();
  await alice.openChat('Carol');
  await alice.write('read: offline');
  await alice.marked('read: offline', 'Sent');
  const unread = carol.row('Alice').getByRole('img', { name: /unread/ });
  await unread.waitFor();
  await carol.page.context().setOffline(true);
  await carol.openChat('Alice');
  await unread.waitFor({ state: 'detached' });
  await carol.page.goto('about:blank');
  await carol.page.context().setOffline(false);
  await carol.page.goto(address);
  await alice.marked('read: offline', 'Read');

  await alice.write('read: at last');
  await unread.waitFor();
  await carol.openChat('Alice');
  await unread.waitFor({ state: 'detached' });
  await carol.page.goto('about:blank');
  await alice.marked('read: at last', 'Read');
});

describe('the server does not store', () => {
  test('the page says that messages wait, and all goes on when it does again', async () => {
    const alice = await crowd.open();
    // The real server behind a network that can hold back what the server answers.
    let hold = false;
    let release = () => {};
    await alice.page.routeWebSocket(/mqtt/, (ws) => {
      const held: (string | Buffer)[] = [];
      const upstream = ws.connectToServer();
      upstream.onMessage((m) => {
        if (hold) held.push(m);
        else ws.send(m);
      });
      release = () => {
        hold = false;
        for (const m of held.splice(0)) ws.send(m);
      };
    });
    await alice.signIn('alice');
    await alice.openChat('Grace');
    await alice.write('stalled: before');
    await alice.marked('stalled: before', 'Sent');
    hold = true;
    await alice.write('stalled: meanwhile');
    await alice.page.getByText('The server can’t store messages right now.').waitFor();
    await alice.marked('stalled: meanwhile', 'Waiting to be sent');
    release();
    await alice.marked('stalled: meanwhile', 'Sent');
    await alice.page.getByText('The server can’t store messages right now.').waitFor({ state: 'detached' });
    expect(await texts(alice, 'stalled:')).toEqual(['stalled: before', 'stalled: meanwhile']);
  });
});

describe('a second sign-in', () => {
  test('the first browser is told, and can take the conversation back', async () => {
    const first = await enter('carol');
    await first.openChat('Alice');
    const second = await enter('carol');
    const dialog = first.page.getByRole('dialog', { name: 'In use on another browser' });
    await dialog.waitFor();
    await second.openChat('Alice');
    await dialog.getByRole('button', { name: 'Not now' }).click();
    await first.page.getByText('You signed in on another browser').waitFor();

    await first.page.getByRole('button', { name: 'Use here' }).click();
    await second.page.getByRole('dialog', { name: 'In use on another browser' }).waitFor();
    await first.page.getByText('You signed in on another browser').waitFor({ state: 'detached' });
    await first.write('kicked: I am here now');
    await first.marked('kicked: I am here now', 'Sent');
  });

  test('a reload asks again, and takes nothing back by itself; nobody seems online meanwhile', async () => {
    const alice = await enter('alice');
    const first = await enter('bob');
    const dot = first.row('Alice').locator('.dot');
    await expect.poll(() => dot.isVisible()).toBe(true);
    const second = await enter('bob');
    const dialog = first.page.getByRole('dialog', { name: 'In use on another browser' });
    await dialog.waitFor();
    await expect.poll(() => dot.isVisible()).toBe(false);
    await first.page.reload();
    await dialog.waitFor();
    await first.row('Alice').waitFor();
    expect(await dot.isVisible()).toBe(false);
    // The other still has the connection.
    await second.openChat('Alice');
    await second.write('kicked: still here');
    await second.marked('kicked: still here', 'Sent');
    expect(await second.page.getByRole('dialog').count()).toBe(0);
    await dialog.getByRole('button', { name: 'Use here' }).click();
    await second.page.getByRole('dialog', { name: 'In use on another browser' }).waitFor();
    await expect.poll(() => dot.isVisible()).toBe(true);
    await alice.row('Bob').waitFor();
    await first.page.reload();
    await first.row('Alice').waitFor();
    await expect.poll(() => dot.isVisible()).toBe(true);
    expect(await first.page.getByRole('dialog').count()).toBe(0);
  });

  test('two tabs of one browser share the connection, and closing one leaves the other with it', async () => {
    const first = await enter('bob');
    await first.openChat('Alice');
    const second = await crowd.beside(first);
    await second.openChat('Alice');
    const alice = await enter('alice');
    await alice.openChat('Bob');

    await second.write('tabs: from the second');
    await alice.message('tabs: from the second').waitFor();
    for (const tab of [first, second]) await tab.marked('tabs: from the second', 'Read');
    await first.page.close();
    await alice.write('tabs: still there?');
    await second.message('tabs: still there?').waitFor();
    await second.write('tabs: yes');
    await second.marked('tabs: yes', 'Read');
    expect(await texts(alice, 'tabs:')).toEqual(['tabs: from the second', 'tabs: still there?', 'tabs: yes']);
    expect(await texts(second, 'tabs:')).toEqual(['tabs: from the second', 'tabs: still there?', 'tabs: yes']);
  });

  test('a tab that hangs with the connection does not hold up the other', async () => {
    const first = await enter('bob');
    const second = await crowd.beside(first);
    await second.openChat('Alice');
    const alice = await enter('alice');
    await alice.openChat('Bob');
    // Held in the middle of a script, as a debugger does it.
    const tools = await first.page.context().newCDPSession(first.page);
    await tools.send('Debugger.enable');
    const held = new Promise((resolve) => tools.once('Debugger.paused', resolve));
    await tools.send('Debugger.pause');
    const script = first.page.evaluate(() => {});
    await held;
    await second.write('hang: from the other tab');
    await alice.message('hang: from the other tab').waitFor();
    await tools.send('Debugger.resume');
    await script;
    await tools.detach();
    // The tab that hung follows the other.
    await first.openChat('Alice');
    await first.write('hang: back again');
    for (const tab of [first, second]) await tab.marked('hang: back again', 'Read');
    expect(await texts(alice, 'hang:')).toEqual(['hang: from the other tab', 'hang: back again']);
  });
});

describe('a device is signed out from another', () => {
  test('its browser comes to the sign-in page and says so', async () => {
    const lost = await enter('erin');
    await lost.openChat('Launch week');
    const { access_token } = await crowd.server.login('erin', 'pc');
    const { items } = await crowd.server.call<{ items: { id: string; terminal: string }[] }>(
      'GET',
      '/me/sessions',
      access_token,
    );
    const web = items.find((d) => d.terminal === 'web');
    await crowd.server.call('DELETE', `/me/sessions/${web?.id}`, access_token);
    await lost.page.getByText('You were signed out.').waitFor();
    await lost.page.reload();
    await lost.page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    await lost.signIn('erin');
  });

  test('by the button beside it; the one that one uses has none', async () => {
    const frank = await enter('frank');
    const { access_token: pc } = await crowd.server.login('frank', 'pc');
    await frank.page.getByRole('link', { name: 'Settings' }).click();
    const rows = frank.page.locator('.device');
    await expect.poll(() => rows.count()).toBe(2);
    const here = rows.filter({ hasText: 'This device' });
    expect(await here.getByRole('button').count()).toBe(0);
    await rows.getByRole('button', { name: 'Sign out' }).click(); // there is one
    await expect.poll(() => rows.count()).toBe(1);
    await expect(crowd.server.call('GET', '/me', pc)).rejects.toThrow(/ 401 /);
    await here.waitFor();
  });

  /** Somebody writes while offline, leaves a draft, and is signed out from elsewhere. */
  async function signedOut(uid: string): Promise<Person> {
    const lost = await enter(uid);
    await lost.openChat('Launch week');
    await lost.page.context().setOffline(true);
    await lost.page.getByText('You’re offline').waitFor();
    await lost.write(`ended: ${uid} wrote this`);
    await lost.marked(`ended: ${uid} wrote this`, 'Waiting to be sent');
    await lost.composer.fill('ended: half a thou');
    const { access_token } = await crowd.server.login(uid, 'pc');
    const { items } = await crowd.server.call<{ items: { id: string; terminal: string }[] }>(
      'GET',
      '/me/sessions',
      access_token,
    );
    const web = items.find((d) => d.terminal === 'web');
    await crowd.server.call('DELETE', `/me/sessions/${web?.id}`, access_token);
    await lost.page.context().setOffline(false);
    await lost.page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    return lost;
  }

  test('what was written and not sent is there when the same person comes back', async () => {
    const lost = await signedOut('erin');
    await lost.signIn('erin');
    await lost.openChat('Launch week');
    await lost.marked('ended: erin wrote this', 'Sent');
    await expect.poll(() => lost.composer.inputValue()).toBe('ended: half a thou');
    expect(await texts(lost, 'ended: erin')).toHaveLength(1);
  });

  test('and nobody else finds it', async () => {
    const lost = await signedOut('frank');
    await lost.signIn('grace');
    await lost.openChat('Launch week');
    expect(await lost.composer.inputValue()).toBe('');
    await expect
      .poll(() => lost.page.evaluate(async () => (await indexedDB.databases()).map((d) => d.name).join()))
      .not.toContain('frank');
    expect(await texts(lost, 'ended: frank')).toEqual([]);
  });
});

describe('a message is refused', () => {
  test('it says why; it can be tried again or deleted', async () => {
    const alice = await crowd.server.login('alice', 'service');
    const [group] = (
      await crowd.server.call<{ items: { gid: string; name: string }[] }>('GET', '/groups', alice.access_token)
    ).items.filter((g) => g.name === 'Launch week');
    const mute = (on: boolean) =>
      crowd.server.call('PATCH', `/groups/${group?.gid}`, alice.access_token, { muted_all: on });

    const bob = await enter('bob');
    await bob.openChat('Launch week');
    // While Bob is away the group is closed to all but those who run it; he writes before he hears of it.
    await bob.page.context().setOffline(true);
    await bob.page.getByText('You’re offline').waitFor();
    await bob.write('refused: first');
    await bob.write('refused: second');
    await mute(true);
    await bob.page.context().setOffline(false);
    await bob.marked('refused: first', 'Not sent');
    await bob.marked('refused: second', 'Not sent');
    expect(await bob.message('refused: first').locator('.failure').textContent()).toContain('Not sent:');

    await bob.message('refused: second').getByRole('button', { name: 'Delete' }).click();
    await expect.poll(() => bob.message('refused: second').count()).toBe(0);
    await mute(false);
    await bob.message('refused: first').getByRole('button', { name: 'Try again' }).click();
    await bob.marked('refused: first', 'Sent');
    await bob.page.reload();
    await bob.marked('refused: first', 'Sent');
    expect(await texts(bob, 'refused:')).toEqual(['refused: first']);
  });
});

describe('two tabs of one browser', () => {
  test('agree on what is unread, and on what is read', async () => {
    const first = await enter('bob');
    const second = await crowd.beside(first);
    const carol = await enter('carol');
    await carol.openChat('Bob');
    await second.openChat('Alice');
    for (const text of ['unread: one', 'unread: two']) await carol.write(text);
    const badge = (one: Person) => one.row('Carol').locator('.badge');
    for (const tab of [first, second]) await expect.poll(() => badge(tab).textContent()).toBe('2');
    await first.page.bringToFront();
    await first.openChat('Carol');
    await first.message('unread: two').waitFor();
    for (const tab of [first, second]) await badge(tab).waitFor({ state: 'detached' });
    await carol.marked('unread: two', 'Read');
    await expect.poll(async () => (await first.page.title()) === (await second.page.title())).toBe(true);
  });
});
