// What a browser may do to what the app keeps in it: it goes on, and says what that means.

import { expect, test } from 'vitest';
import { gather } from './crowd';
import { plain } from './files';
import type { Person } from './person';

const crowd = gather();

/** Somebody whose browser is changed before the app begins. */
async function enter(uid: string, change: () => void): Promise<Person> {
  const one = await crowd.open();
  await one.page.addInitScript(change);
  await one.page.reload();
  await one.signIn(uid);
  return one;
}

async function talk(one: Person, text: string): Promise<void> {
  await one.openChat('Carol');
  await one.write(text);
  await one.marked(text, 'Sent');
}

test.each([
  [
    'throws',
    () => {
      Object.defineProperty(window, 'indexedDB', {
        get: () => {
          throw new DOMException('The operation is insecure.', 'SecurityError');
        },
      });
    },
  ],
  ['is not there', () => Object.defineProperty(window, 'indexedDB', { value: undefined })],
  [
    'refuses to open',
    () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException(
          'A mutation operation was attempted on a database that did not allow it',
          'UnknownError',
        );
      };
    },
  ],
])('blocked: IndexedDB %s', async (how, change) => {
  const text = `storage: where IndexedDB ${how}`;
  const alice = await enter('alice', change);
  await alice.page.getByText('This browser keeps nothing').waitFor();
  await talk(alice, text);
  await alice.page.reload();
  await alice.marked(text, 'Sent');
});

test('blocked: localStorage throws', async () => {
  const alice = await enter('alice', () => {
    Object.defineProperty(window, 'localStorage', {
      get: () => {
        throw new DOMException('Access is denied for this document.', 'SecurityError');
      },
    });
  });
  await talk(alice, 'storage: without localStorage');
});

test('full: it is said, messages come and go, a file is not left behind unasked, and once there is room it is said no more', async () => {
  const alice = await enter('alice', () => {
    const state = Object.assign(window, { full: false });
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...a: Parameters<typeof put>) {
      if (state.full) throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
      return put.apply(this, a);
    };
  });
  const fill = (full: boolean) => alice.page.evaluate((full) => Object.assign(window, { full }), full);
  await talk(alice, 'storage: before');
  await fill(true);
  await talk(alice, 'storage: on a full disk');
  await alice.page.getByText('This device is full').waitFor();

  await alice.kept(); // what attaches files is a part of its own
  await alice.page.context().setOffline(true);
  await alice.page
    .locator('.composer-attach input[type=file]')
    .first()
    .setInputFiles([plain('only.txt', 'only here')]);
  await alice.page.locator('dialog [type=submit]:enabled').click();
  await alice.page.getByText('This device could not keep it').waitFor();
  const asked = alice.page.waitForEvent('dialog');
  await alice.page.close({ runBeforeUnload: true });
  expect((await asked).type()).toBe('beforeunload');
  await (await asked).dismiss();
  await alice.page.context().setOffline(false);
  await alice.page.getByText('This device could not keep it').waitFor({ state: 'detached' });
  await alice.page.locator('.message', { hasText: 'only.txt' }).locator('.mark[aria-label="Sent"]').waitFor();

  await fill(false);
  await talk(alice, 'storage: there is room again');
  await alice.page.getByText('This device is full').waitFor({ state: 'detached' });
});

test('wiped under an open page: it goes on, and nothing that waits is lost or sent twice', async () => {
  const alice = await crowd.enter('alice');
  const carol = await crowd.enter('carol');
  await carol.openChat('Alice');
  await talk(alice, 'storage: before the wipe');
  await alice.page.context().setOffline(true);
  await alice.write('storage: written before the wipe');
  await alice.marked('storage: written before the wipe', 'Waiting to be sent');
  const tools = await alice.page.context().newCDPSession(alice.page);
  const origin = crowd.server.http;
  await tools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb,cache_storage,service_workers' });
  await alice.write('storage: written after the wipe');
  await alice.marked('storage: written after the wipe', 'Waiting to be sent');
  await alice.page.context().setOffline(false);
  for (const text of ['storage: written before the wipe', 'storage: written after the wipe']) {
    await carol.message(text).waitFor();
    await alice.marked(text, 'Read');
  }
  expect(await carol.page.locator('.message .text', { hasText: 'storage: written' }).count()).toBe(2);
  await alice.page.reload();
  await alice.marked('storage: written after the wipe', 'Read');
});
