import 'fake-indexeddb/auto';
import { IDBDatabase, IDBFactory, IDBObjectStore, IDBOpenDBRequest } from 'fake-indexeddb';
import { openDB } from 'idb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Conversation } from '../types';
import { Database, type OutboxItem } from './database';
import { alone, forgetAccount, oweGoodbye, readDevice, rememberAccount, renewal } from './device';

const message = (seq: number, conv = 'u:bob') => ({
  id: `id-${seq}`,
  conv,
  seq,
  ts: seq,
  sender: 'bob',
  mine: false,
  media: [],
  text: `message ${seq}`,
  state: 'stored' as const,
});
const item = (n: number): OutboxItem => ({ n, id: `id-${n}`, conv: 'u:bob', ts: n, media: [], state: 'waiting' });
const open = (uid = 'alice') => Database.open('demo', uid, { memory: false });

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('messages are read as far as they follow each other', async () => {
  const db = await open();
  await db.putMessages([1, 2, 4, 5, 6].map((n) => message(n)));
  await db.putMessage(message(9, 'g:other'));
  expect(await db.lastSeq('u:bob')).toBe(6);
  expect(await db.lastSeq('u:nobody')).toBe(0);
  const seqs = async (before: number, limit: number) =>
    (await db.messagesBefore('u:bob', before, limit)).map((m) => m.seq);
  expect(await seqs(7, 50)).toEqual([4, 5, 6]);
  expect(await seqs(7, 2)).toEqual([5, 6]);
  expect(await seqs(4, 50)).toEqual([]); // 3 is missing
  expect(await seqs(3, 50)).toEqual([1, 2]);
  expect(await seqs(1, 50)).toEqual([]);
});

test('messages that come together are written together, and each is there when its promise says so', async () => {
  const db = await open();
  const transactions = vi.spyOn(IDBDatabase.prototype, 'transaction');
  await Promise.all([1, 2, 3].map((n) => db.putMessage(message(n))));
  expect(transactions).toHaveBeenCalledTimes(1);
  expect(await db.lastSeq('u:bob')).toBe(3);
});

test('what comes while something is being written is written together, of each thing its last state', async () => {
  const db = await open();
  const transactions = vi.spyOn(IDBDatabase.prototype, 'transaction');
  const conversation = (lastSeq: number) => ({ conv: 'u:bob', lastSeq }) as Conversation;
  const first = db.putMessage(message(1));
  await Promise.resolve();
  const later = [2, 3].flatMap((n) => [db.putMessage(message(n)), db.putConversation(conversation(n))]);
  await Promise.all([first, ...later]);
  expect(transactions).toHaveBeenCalledTimes(2);
  expect([await db.lastSeq('u:bob'), await db.all('conversations')]).toEqual([3, [conversation(3)]]);
});

test('what is still to be written is changed, read and deleted as if it were', async () => {
  const db = await open();
  void db.putMessage(message(1));
  void db.changeMessage('u:bob', 1, (m) => ({ ...m, text: 'changed' }));
  expect((await db.messagesBefore('u:bob', 2, 50)).map((m) => m.text)).toEqual(['changed']);
  void db.putMessage(message(2));
  void db.putConversation({ conv: 'u:bob' } as Conversation);
  await db.deleteConversation('u:bob');
  expect([await db.lastSeq('u:bob'), await db.all('conversations')]).toEqual([0, []]);
});

test('a message takes the place of its item in the outbox', async () => {
  const db = await open();
  await db.putOutbox(item(1));
  await db.stored(item(1), message(7));
  expect(await db.all('outbox')).toEqual([]);
  expect(await db.lastSeq('u:bob')).toBe(7);
});

test('accounts are apart, and signing out leaves nothing', async () => {
  const [alice, bob] = [await open('alice'), await open('bob')];
  await alice.putOutbox(item(1));
  await bob.putOutbox(item(2));
  expect(await alice.all('outbox')).toEqual([item(1)]);
  await alice.wipe();
  expect(await alice.all('outbox')).toEqual([]);
  expect((await indexedDB.databases()).map((d) => d.name)).toEqual(['magpie/demo/bob']);
});

test('a conversation goes with its messages', async () => {
  const db = await open();
  await db.putMessages([message(1), message(1, 'g:x')]);
  await db.putKeyed('drafts', 'u:bob', 'half a');
  const edit = { ts: 1, media: [], state: 'waiting' as const };
  await db.putEdit({ ...edit, id: 'u:bob 1', conv: 'u:bob', seq: 1 });
  await db.putEdit({ ...edit, id: 'u:bob.b 1', conv: 'u:bob.b', seq: 1 });
  await db.deleteConversation('u:bob');
  expect([await db.lastSeq('u:bob'), await db.lastSeq('g:x')]).toEqual([0, 1]);
  expect(await db.get('drafts', 'u:bob')).toBeUndefined();
  expect((await db.all('edits')).map((e) => e.id)).toEqual(['u:bob.b 1']);
});

describe('when a login ends unasked', () => {
  test('what the server does not have stays, and no copy does', async () => {
    const db = await open();
    await db.putMessages([message(1)]);
    await db.putKeyed('drafts', 'u:bob', 'half a');
    await db.putOutbox(item(1));
    const late = db.putMessage(message(2));
    expect(await db.strip()).toBe(true);
    await late;
    const after = await open();
    expect(await after.lastSeq('u:bob')).toBe(0);
    expect([await after.get('drafts', 'u:bob'), await after.all('outbox')]).toEqual(['half a', [item(1)]]);
  });

  test('nothing stays where there was nothing of that', async () => {
    const db = await open();
    await db.putMessages([message(1)]);
    expect(await db.strip()).toBe(false);
    expect(await indexedDB.databases()).toEqual([]);
  });
});

test('what could not be opened is deleted all the same', async () => {
  const first = await open();
  await first.putOutbox(item(1));
  first.close();
  vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
    throw new DOMException('no', 'UnknownError');
  });
  const db = await open();
  expect(db.state.peek()).toBe('off');
  vi.restoreAllMocks();
  await db.wipe();
  expect(await indexedDB.databases()).toEqual([]);
});

describe('goes on without a database', () => {
  const works = async (db: Database) => {
    await db.putMessage(message(1));
    await db.putOutbox(item(1));
    expect(await db.messagesBefore('u:bob', 9, 50)).toEqual([]);
    expect(await db.all('outbox')).toEqual([]);
    expect(await db.get('drafts', 'u:bob')).toBeUndefined();
    await db.wipe();
  };

  test('asked to', async () => works(await Database.open('demo', 'alice', { memory: true })));

  test('missing', async () => {
    vi.stubGlobal('indexedDB', undefined);
    const db = await open();
    expect(db.state.peek()).toBe('off');
    await works(db);
  });

  test('refused, as in some private windows', async () => {
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
      throw new DOMException('no', 'SecurityError');
    });
    await works(await open());
  });

  test('never answering', async () => {
    vi.useFakeTimers();
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => new IDBOpenDBRequest());
    const opening = open();
    await vi.advanceTimersByTimeAsync(10_000);
    const db = await opening;
    vi.useRealTimers();
    await works(db);
  });

  test('full', async () => {
    const db = await open();
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    await works(db);
  });

  test('taken away by a newer page', async () => {
    const db = await open();
    await new Promise((resolve) => {
      indexedDB.open('magpie/demo/alice', 99).onsuccess = resolve;
    });
    expect(db.state.peek()).toBe('off');
    await works(db);
  });
});

test('a disk that does not answer holds up nothing', async () => {
  const db = await open();
  vi.useFakeTimers();
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(
    () => ({ done: new Promise(() => {}), objectStore: () => ({ put: () => new Promise(() => {}) }) }) as never,
  );
  const writing = db.put('groups', { gid: 'g' } as never);
  await vi.advanceTimersByTimeAsync(5000);
  await writing;
});

describe('a full disk', () => {
  test('gives up copies of messages for what is written here', async () => {
    const db = await open();
    await db.putMessages([message(1), message(2)]);
    const { put } = IDBObjectStore.prototype;
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...a) {
      // There is no room until something is deleted.
      if (!clear.mock.calls.length) throw new DOMException('full', 'QuotaExceededError');
      return put.apply(this, a);
    });
    const clear = vi.spyOn(IDBObjectStore.prototype, 'clear');
    await db.putOutbox(item(1));
    expect(await db.all('outbox')).toEqual([item(1)]);
    expect(await db.lastSeq('u:bob')).toBe(0);
    expect(db.state.peek()).toBe('ok');
  });

  test('is told of until there is room', async () => {
    const db = await open();
    const full = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    await db.putOutbox(item(1));
    expect(db.state.peek()).toBe('full');
    full.mockRestore();
    await db.putOutbox(item(2));
    expect(db.state.peek()).toBe('ok');
    expect(await db.all('outbox')).toEqual([item(2)]);
  });
});

describe('the device remembers', () => {
  const account = (uid: string) => ({
    user: { uid, name: uid, avatar: '', role: 'member' as const },
    org: { eid: 'demo', name: 'Demo' },
    mqtt: { url: 'ws://test/mqtt', client_id: 'web-1', username: `demo/${uid}` },
  });

  test('an owed sign-out', async () => {
    expect(await readDevice()).toEqual({});
    await oweGoodbye(true);
    expect(await readDevice()).toEqual({ goodbye: true });
    await oweGoodbye(false);
    expect(await readDevice()).toEqual({});
  });

  test('who is signed in, until that one signs out', async () => {
    await rememberAccount(account('alice'));
    expect(await readDevice()).toEqual({ account: account('alice') });
    await forgetAccount(account('bob'));
    expect(await readDevice()).toEqual({ account: account('alice') });
    await forgetAccount(account('alice'));
    expect(await readDevice()).toEqual({});
  });

  test('an owed sign-out although another tab renews the login meanwhile', async () => {
    await oweGoodbye(true);
    await rememberAccount(account('alice'));
    expect(await readDevice()).toEqual({ goodbye: true });
  });

  test('who has left something that the server does not have', async () => {
    await forgetAccount(account('alice'), { left: true });
    await forgetAccount(account('alice'), { left: true });
    await forgetAccount(account('bob'), { left: true });
    await forgetAccount(account('carol'), { left: false });
    expect((await readDevice()).left).toEqual([
      { eid: 'demo', uid: 'alice' },
      { eid: 'demo', uid: 'bob' },
    ]);
    await forgetAccount(account('alice'), { left: false });
    await forgetAccount(account('bob')); // another tab knows
    expect((await readDevice()).left).toEqual([{ eid: 'demo', uid: 'bob' }]);
  });

  test('which tab does what one at a time may do: the others wait, also for one that has died', async () => {
    const order: string[] = [];
    const one = (name: string) =>
      alone(async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, 20));
        order.push(`${name} ends`);
      });
    await Promise.all([one('a'), one('b')]);
    expect([order[0]?.slice(2), order[1]?.slice(2)]).toEqual(['begins', 'ends']);
    expect(order[0]?.[0]).toBe(order[1]?.[0]);
    expect(await lease()).toMatchObject({ until: 0 });
    vi.useFakeTimers({ toFake: ['Date', 'setInterval'] });
    void alone(() => new Promise(() => {})); // never ends, and is not renewed
    await vi.waitFor(async () => expect((await lease()).until).toBeGreaterThan(0));
    vi.setSystemTime(Date.now() + 11_000);
    expect(await alone(async () => 'mine')).toBe('mine');
  });

  test('a renewal waits for the one that a page began which was left meanwhile', async () => {
    expect(await renewal(async () => 'at once')).toBe('at once');
    expect(await kept('renewal')).toBeUndefined();
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout'] });
    const until = async (holds: () => unknown) => {
      while (!(await holds())) await new Promise(setImmediate);
    };
    void renewal(() => new Promise(() => {})); // the page is gone before it ends
    await until(async () => (await kept('renewal')) === Date.now());
    let done = false;
    void renewal(async () => {
      done = true;
    });
    await until(() => vi.getTimerCount() === 1);
    vi.advanceTimersByTime(2999);
    expect(vi.getTimerCount()).toBe(1);
    expect(done).toBe(false);
    vi.advanceTimersByTime(1);
    await until(() => done);
    await until(async () => (await kept('renewal')) === undefined);
    await expect(renewal(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await kept('renewal')).toBeUndefined();
  });

  const lease = () => kept('lease') as Promise<{ until: number }>;
  const kept = async (key: string): Promise<unknown> => {
    const db = await openDB('magpie/device');
    const found = await db.get('values', key);
    db.close();
    return found;
  };

  test('nothing without a database', async () => {
    vi.stubGlobal('indexedDB', undefined);
    await rememberAccount(account('alice'));
    expect(await readDevice()).toEqual({});
  });
});

test('what an older version of the app has kept is there in this one', async () => {
  const first = await openDB('magpie/demo/alice', 1, {
    upgrade(db) {
      db.createObjectStore('messages', { keyPath: ['conv', 'seq'] });
      db.createObjectStore('outbox', { keyPath: 'id' });
      db.createObjectStore('drafts');
      for (const [name, keyPath] of [
        ['conversations', 'conv'],
        ['people', 'uid'],
        ['groups', 'gid'],
      ] as const)
        db.createObjectStore(name, { keyPath });
      db.createObjectStore('lists');
    },
  });
  await first.put('outbox', item(1));
  first.close();
  const db = await open();
  expect(await db.all('outbox')).toEqual([item(1)]);
  const line = { id: 'notice:g/walks/1', conv: 'g:walks', ts: 1, notice: 'joined' as const };
  await db.putLines([line], (known) => known);
  await db.putLines([{ ...line, ts: 2 }], (known) => known);
  expect(await db.lines('g:walks')).toEqual([line]);
  expect(await db.lines('g:walk')).toEqual([]);
});
