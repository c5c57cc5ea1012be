// What people set up for themselves: conversations pinned and muted, notifications, keys, text size, password.

import { describe, expect, test } from 'vitest';
import { demo } from '../server';
import { gather } from './crowd';
import type { Person } from './person';

const crowd = gather();

describe('the list of conversations', () => {
  test('a menu marks as read, pins and mutes; by pointer and by key', async () => {
    const alice = await crowd.enter('alice');
    const unread = (name: string) => alice.row(name).getByRole('img', { name: /unread/ });
    await unread('Bob').waitFor();
    await alice.row('Bob').click({ button: 'right' });
    await alice.page.getByRole('menuitem', { name: 'Mark as read' }).click();
    await unread('Bob').waitFor({ state: 'detached' });

    await alice.row('Grace').focus();
    await alice.row('Grace').press('Shift+F10');
    await alice.page.getByRole('menu').waitFor();
    await alice.page.keyboard.press('Enter');
    await alice.row('Grace').getByRole('img', { name: 'Pinned' }).waitFor();
    await expect.poll(() => alice.page.locator('.conversation').first().textContent()).toContain('Grace');

    await alice.row('Grace').click({ button: 'right' });
    await alice.page.getByRole('menu').waitFor();
    await alice.page.keyboard.press('Escape');
    await alice.page.getByRole('menu').waitFor({ state: 'detached' });
    await alice.row('Grace').click({ button: 'right' });
    await alice.page.getByRole('menuitem', { name: 'Mute' }).click();
    await alice.row('Grace').getByRole('img', { name: 'Muted' }).waitFor();
  });

  test('the panel of details has the same as switches', async () => {
    const alice = await crowd.enter('alice');
    await alice.openChat('Carol');
    await alice.page.getByRole('button', { name: 'Details' }).click();
    await alice.page.getByRole('switch', { name: 'Mute' }).click();
    await alice.row('Carol').getByRole('img', { name: 'Muted' }).waitFor();
    await alice.page.getByRole('switch', { name: 'Mute', checked: true }).click();
    await alice.row('Carol').getByRole('img', { name: 'Muted' }).waitFor({ state: 'detached' });
  });
});

interface Shown {
  title: string;
  body: string;
}

/** What is used of a service worker's own scope. */
interface ServiceWorkerGlobal extends EventTarget {
  registration: ServiceWorkerRegistration;
  NotificationEvent: new (type: string, o: { notification: Notification | undefined }) => Event;
}

/** A page whose notifications can be read, and which can look away. */
async function watched(uid: string): Promise<Person & { shown(): Promise<Shown[]>; lookAway(): Promise<void> }> {
  const one = await crowd.open();
  await one.page.addInitScript(() => {
    const shown: unknown[] = [];
    let away = false;
    class Fake {
      static permission = 'default';
      static async requestPermission() {
        Fake.permission = 'granted';
        return 'granted';
      }
      onclick?: () => void;
      constructor(
        readonly title: string,
        o: { body: string },
      ) {
        shown.push({ title, body: o.body, click: () => this.onclick?.() });
      }
      close() {}
    }
    document.hasFocus = () => !away;
    Object.assign(window, {
      Notification: Fake,
      shown,
      lookAway: () => {
        away = true;
        dispatchEvent(new Event('blur'));
      },
    });
  });
  await one.page.reload();
  await one.signIn(uid);
  return Object.assign(one, {
    shown: () =>
      one.page.evaluate(() =>
        (window as unknown as { shown: Shown[] }).shown.map(({ title, body }) => ({ title, body })),
      ),
    lookAway: () => one.page.evaluate(() => (window as unknown as { lookAway(): void }).lookAway()),
  });
}

describe('notifications', () => {
  test('are offered when something came, told while one looks elsewhere, not for what is muted', async () => {
    const alice = await watched('alice');
    const bob = await crowd.enter('bob');
    await bob.openChat('Alice');
    expect(await alice.page.getByRole('button', { name: 'Turn on' }).count()).toBe(0);
    await bob.write('first');
    await alice.page.getByRole('button', { name: 'Turn on' }).click();
    await alice.page.getByRole('button', { name: 'Turn on' }).waitFor({ state: 'detached' });
    expect(await alice.shown()).toEqual([]);

    await alice.lookAway();
    await bob.write('**second**');
    await expect.poll(() => alice.shown()).toEqual([{ title: 'Bob Tanaka', body: 'second' }]);
    await expect.poll(() => alice.page.title()).toMatch(/^\(\d+\) Magpie$/);
    await expect.poll(() => alice.page.locator('link[rel=icon]').getAttribute('href')).toMatch(/^data:image\/png/);

    await alice.row('Bob').click({ button: 'right' });
    await alice.page.getByRole('menuitem', { name: 'Mute' }).click();
    await alice.row('Bob').getByRole('img', { name: 'Muted' }).waitFor();
    await bob.write('third');
    await alice.row('Bob').getByText('third').waitFor();
    expect(await alice.shown()).toHaveLength(1);

    await alice.page.evaluate(() => (window as unknown as { shown: { click(): void }[] }).shown[0]?.click());
    await alice.page.locator('.bar-title', { hasText: 'Bob' }).waitFor();
    await alice.row('Bob').click({ button: 'right' });
    await alice.page.getByRole('menuitem', { name: 'Unmute' }).click();
    await alice.row('Bob').getByRole('img', { name: 'Muted' }).waitFor({ state: 'detached' });
  });

  test('are shown by the service worker where there is one, and a click leads to the conversation', async () => {
    const alice = await crowd.enter('alice');
    const context = alice.page.context();
    await context.grantPermissions(['notifications'], { origin: crowd.server.http });
    await alice.page.evaluate(() => navigator.serviceWorker.ready);
    await alice.page.addInitScript(() => {
      document.hasFocus = () => false; // one looks elsewhere
    });
    await alice.page.reload();
    await alice.row('Bob').waitFor();
    const bob = await crowd.enter('bob');
    await bob.openChat('Alice');
    await bob.write('told by the worker');
    const shown = () =>
      alice.page.evaluate(async () => {
        const list = await (await navigator.serviceWorker.ready).getNotifications();
        return list.map(({ title, body }) => ({ title, body }));
      });
    await expect.poll(shown).toEqual([{ title: 'Bob Tanaka', body: 'told by the worker' }]);
    // No browser lets a program click: the worker is told what it would be told.
    await expect.poll(() => context.serviceWorkers().length).toBe(1);
    await context.serviceWorkers()[0]?.evaluate(async () => {
      const worker = self as unknown as ServiceWorkerGlobal;
      const [notification] = await worker.registration.getNotifications();
      worker.dispatchEvent(new worker.NotificationEvent('notificationclick', { notification }));
    });
    await alice.page.locator('.bar-title', { hasText: 'Bob' }).waitFor();
    await expect.poll(shown).toEqual([]);
  });

  test('"Not now" is the last word; the settings still have it, and the sound', async () => {
    const alice = await watched('alice');
    const bob = await crowd.enter('bob');
    await bob.openChat('Alice');
    await bob.write('hello again');
    await alice.page.getByRole('button', { name: 'Not now' }).click();
    await bob.write('and again');
    await alice.row('Bob').getByText('and again').waitFor();
    expect(await alice.page.getByRole('button', { name: 'Turn on' }).count()).toBe(0);
    await alice.page.getByRole('link', { name: 'Settings' }).click();
    await alice.page.getByRole('switch', { name: 'Desktop notifications', checked: false }).click();
    await alice.page.getByRole('switch', { name: 'Desktop notifications', checked: true }).waitFor();
    await alice.page.getByRole('switch', { name: 'Sound', checked: true }).click();
    await alice.page.reload();
    await alice.page.getByRole('switch', { name: 'Sound', checked: false }).waitFor();
  });
});

describe('keys', () => {
  test('Ctrl+K searches, Alt+↓ and Alt+↑ go through the conversations', async () => {
    const alice = await crowd.enter('alice');
    const search = alice.page.getByRole('searchbox');
    // The page stands before it hears keys.
    await expect
      .poll(async () => {
        await alice.page.keyboard.press('Control+k');
        return search.evaluate((el) => el === document.activeElement);
      })
      .toBe(true);
    await alice.page.keyboard.type('caro');
    await expect.poll(() => alice.page.locator('.conversation').count()).toBe(1);
    await alice.page.keyboard.press('Escape');
    await alice.page.keyboard.press('Alt+ArrowDown');
    const here = alice.page.locator('.conversation[aria-current=page]');
    const first = await here.getAttribute('data-conv');
    await alice.page.keyboard.press('Alt+ArrowDown');
    await expect.poll(() => here.getAttribute('data-conv')).not.toBe(first);
    await alice.page.keyboard.press('Alt+ArrowUp');
    await expect.poll(() => here.getAttribute('data-conv')).toBe(first);
    await alice.composer.focus();
    const focused = await alice.composer.evaluate((el) => {
      el.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true, cancelable: true }));
      return document.activeElement?.getAttribute('type');
    });
    expect(focused, 'at once: the next key is for the search').toBe('search');
    await alice.page.getByRole('link', { name: 'Settings' }).click();
    await alice.page.getByText('Keyboard shortcuts').waitFor();
  });
});

describe('settings', () => {
  test('the text grows, and stays so', async () => {
    const alice = await crowd.enter('alice');
    await alice.page.getByRole('link', { name: 'Settings' }).click();
    const size = () =>
      alice.page.evaluate(() => Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
    const before = await size();
    await alice.page.getByText('Very large').click();
    await expect.poll(size).toBeGreaterThan(before * 1.2);
    await alice.page.reload();
    await alice.page.getByText('Very large').waitFor();
    await expect.poll(size).toBeGreaterThan(before * 1.2);
  });

  test('the password is changed: what is wrong is told, and the new one signs in', async () => {
    const dave = await crowd.enter('dave');
    await dave.page.getByRole('link', { name: 'Settings' }).click();
    const fill = async (now: string, next: string, again: string) => {
      await dave.page.getByLabel('Current password').fill(now);
      await dave.page.getByLabel('New password').fill(next);
      await dave.page.getByLabel('Password again').fill(again);
      await dave.page.getByRole('button', { name: 'Change password' }).click();
    };
    await fill(demo.password, 'short', 'other');
    await dave.page.getByText('Use at least 8 characters.').waitFor();
    await dave.page.getByText('The two passwords differ.').waitFor();
    await fill('not this one', 'a better password', 'a better password');
    await dave.page.getByText('This is not your password.').waitFor();
    await fill(demo.password, 'a better password', 'a better password');
    await dave.told('Your password is changed.');
    const again = await crowd.open();
    await again.signIn('dave', 'a better password');
  });

  test('a status is chosen from those that are offered', async () => {
    const grace = await crowd.enter('erin');
    await grace.page.getByRole('button', { name: 'Your account' }).click();
    await grace.page.getByRole('menuitemradio', { name: 'Custom status' }).click();
    await grace.page.getByRole('button', { name: 'In a meeting' }).click();
    await expect.poll(() => grace.page.getByLabel('What are you doing?').inputValue()).toBe('In a meeting');
    await grace.page.getByRole('button', { name: 'Set status' }).click();
    await grace.page.getByRole('button', { name: 'Your account' }).click();
    await grace.page.locator('.menu-head', { hasText: 'In a meeting' }).waitFor();
  });
});

/** What a page with a loudspeaker to listen to has of its own. */
interface Audible {
  sounds: number;
  /** Lets two seconds pass: messages that come close together are one sound. */
  later(): void;
}

test('a message is one sound in all tabs, and none where it is switched off, in whichever tab, or muted', async () => {
  const alice = await crowd.open();
  await alice.page.context().addInitScript(() => {
    const node = () => ({
      connect: (to: unknown) => to,
      start() {},
      stop() {},
      frequency: {},
      gain: { setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {} },
    });
    const clock = Date.now;
    let ahead = 0;
    Date.now = () => clock() + ahead;
    const here: Audible = {
      sounds: 0,
      later: () => {
        ahead += 2000;
      },
    };
    class Fake {
      currentTime = 0;
      destination = {};
      createOscillator = node;
      createGain = node;
      async resume() {
        here.sounds++;
      }
    }
    Object.assign(window, { here, AudioContext: Fake });
  });
  await alice.page.reload();
  await alice.signIn('alice');
  const other = await crowd.beside(alice);
  await other.page.getByRole('link', { name: 'Settings' }).click();
  const bob = await crowd.enter('bob');
  await bob.openChat('Alice');
  const tabs = [alice, other].map((one) => one.page);
  const here = <T>(f: (here: Audible) => T) =>
    Promise.all(tabs.map((tab) => tab.evaluate(`(${f})(window.here)`) as Promise<T>));
  const sounds = async () => (await here((h) => h.sounds)).reduce((a, b) => a + b);
  const comes = async (text: string) => {
    await here((h) => h.later());
    await bob.write(text);
    await alice.row('Bob').getByText(text, { exact: true }).waitFor();
  };
  const choose = async (on: boolean) => {
    await other.page.getByRole('switch', { name: 'Sound', checked: !on }).click();
    await other.page.getByRole('switch', { name: 'Sound', checked: on }).waitFor();
  };
  const mute = async (item: string, count: number) => {
    await alice.row('Bob').click({ button: 'right' });
    await alice.page.getByRole('menuitem', { name: item }).click();
    const mark = alice.row('Bob').getByRole('img', { name: 'Muted' });
    await expect.poll(() => mark.count()).toBe(count);
  };

  await comes('aloud');
  await expect.poll(sounds).toBe(1);
  await choose(false);
  await comes('silent');
  await choose(true); // lets one hear it
  await expect.poll(sounds).toBe(2);
  await comes('aloud again');
  await expect.poll(sounds).toBe(3);
  await mute('Mute', 1);
  await comes('muted');
  await mute('Unmute', 0);
  await comes('aloud at last');
  await expect.poll(sounds).toBe(4);
});

describe('presence', () => {
  test('one is away by itself after ten minutes without a touch, and online again with the next', async () => {
    const grace = await crowd.open();
    await grace.page.clock.install();
    await grace.page.reload();
    await grace.signIn('grace');
    const alice = await crowd.enter('alice');
    await alice.openChat('Grace');
    const line = alice.page.locator('.bar-name .row-sub');
    await expect.poll(() => line.textContent()).toBe('Online');
    await grace.page.clock.fastForward('09:00');
    await grace.page.mouse.move(100, 100);
    await grace.page.clock.fastForward('09:00');
    await expect.poll(() => line.textContent()).toBe('Online');
    // As the time jumps, the connection may have to be made anew first.
    const later = async () => {
      await grace.page.clock.fastForward('00:20');
      return line.textContent();
    };
    await grace.page.clock.fastForward('02:00');
    await expect.poll(later, { interval: 500 }).toBe('Away');
    await grace.page.mouse.move(200, 200);
    await expect.poll(() => line.textContent()).toBe('Online');
    // Away, asleep, and back before the network is.
    await grace.page.clock.fastForward('11:00');
    await expect.poll(later, { interval: 500 }).toBe('Away');
    await grace.page.context().setOffline(true);
    await grace.page.getByText('You’re offline').waitFor();
    await grace.page.mouse.move(300, 300);
    await grace.page.context().setOffline(false);
    await expect.poll(later, { interval: 500 }).toBe('Online');
  });
});
