// What this device remembers beside the copies of an account: who is signed in, so that the next page can show what is kept before the
// server answers; and a sign-out that the server has not heard of, so that a later page does not sign in again by the cookie that is
// still there; and what else outlives a page. No secrets: those are in a cookie that scripts can't read. Does nothing where there is no IndexedDB.

import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { KeptAccount } from '../api/shapes';

/** Whose copies they are. */
export interface Owner {
  eid: string;
  uid: string;
}

export interface Device {
  account?: KeptAccount;
  /** The server is owed a sign-out. */
  goodbye?: true;
  /** Those whose login ended unasked, and who have left here what the server does not have. */
  left?: Owner[];
  /** Another device has taken the connection: it is not taken back before somebody asks for it. */
  kicked?: true;
}

/** The right to do what one tab at a time may do. */
interface Lease {
  holder: string;
  /** ms since 1970; later it counts no more: its tab has died. */
  until: number;
}

interface Schema extends DBSchema {
  values: { key: keyof Device | 'lease' | 'renewal'; value: KeptAccount | true | Owner[] | Lease | number };
}

/** ms for which a lease is given, and between two attempts to get it. */
const leaseTime = 10_000;
const leasePoll = 100;
/** ms after which a renewal of the login that a page began and did not live to see the end of is over. */
const renewalTime = 3000;

export async function readDevice(): Promise<Device> {
  const found = await use(async (db) => {
    const tx = db.transaction('values');
    const keys = ['account', 'goodbye', 'left', 'kicked'] as const;
    const values = await Promise.all(keys.map((key) => tx.store.get(key)));
    return Object.fromEntries(keys.map((key, i) => [key, values[i]]).filter(([, value]) => value)) as Device;
  });
  return found ?? {};
}

/** Someone is signed in, unless another tab has signed out meanwhile. */
export async function rememberAccount(a: KeptAccount): Promise<void> {
  await use(async (db) => {
    const tx = db.transaction('values', 'readwrite');
    if (!(await tx.store.get('goodbye'))) await tx.store.put(a, 'account');
    await tx.done;
  });
}

/** Nobody is signed in any more, unless it is somebody else by now. left: whether there is something of this one that the server does not have,
 * where that is known. */
export async function forgetAccount(a: KeptAccount, o: { left?: boolean } = {}): Promise<void> {
  await use(async (db) => {
    const tx = db.transaction('values', 'readwrite');
    const now = (await tx.store.get('account')) as KeptAccount | undefined;
    if (now && isSame(ownerOf(now), ownerOf(a))) await tx.store.delete('account');
    if (o.left !== undefined) {
      const others = (((await tx.store.get('left')) ?? []) as Owner[]).filter((x) => !isSame(x, ownerOf(a)));
      const all = o.left ? [...others, ownerOf(a)] : others;
      await (all.length > 0 ? tx.store.put(all, 'left') : tx.store.delete('left'));
    }
    await tx.done;
  });
}

/** What others have left is gone. */
export async function forgetLeft(): Promise<void> {
  await use((db) => db.delete('values', 'left'));
}

/** Notes that the server is owed a sign-out, or no longer. */
export function oweGoodbye(owed: boolean): Promise<void> {
  return note('goodbye', owed);
}

/** Notes that another device has the connection, or no longer. */
export function noteKicked(kicked: boolean): Promise<void> {
  return note('kicked', kicked);
}

export function ownerOf({ org, user }: KeptAccount): Owner {
  return { eid: org.eid, uid: user.uid };
}

export function isSame(a: Owner, b: Owner): boolean {
  return a.eid === b.eid && a.uid === b.uid;
}

/** Runs f while no tab of this browser runs another: where there are no Web Locks (a page that came over plain HTTP). */
export async function alone<T>(f: () => Promise<T>): Promise<T> {
  const holder = crypto.getRandomValues(new Uint32Array(2)).join('-');
  // Transactions that write run one after the other, in all tabs. What is not to be changed stays.
  const change = (may: (now: Lease | undefined) => boolean, until: number) =>
    use(async (db) => {
      const tx = db.transaction('values', 'readwrite');
      const free = may((await tx.store.get('lease')) as Lease | undefined);
      if (free) await tx.store.put({ holder, until }, 'lease');
      await tx.done;
      return free;
    });
  const over = (l: Lease | undefined) => !l || l.until < Date.now() || l.until > Date.now() + leaseTime;
  const mine = (l: Lease | undefined) => l?.holder === holder && !over(l);
  while ((await change(over, Date.now() + leaseTime)) === false)
    await new Promise((resolve) => setTimeout(resolve, leasePoll));
  const renewing = setInterval(() => change(mine, Date.now() + leaseTime), leaseTime / 3);
  try {
    return await f();
  } finally {
    clearInterval(renewing);
    await change(mine, 0);
  }
}

/**
 * Runs f, a renewal of the login. What a page has sent goes on when it is left, and changes the cookie later: the next page would use the old
 * one a second time, which ends the login. So it waits until that is over.
 */
export async function renewal<T>(f: () => Promise<T>): Promise<T> {
  const began = await use((db) => db.get('values', 'renewal'));
  const rest = typeof began === 'number' ? began + renewalTime - Date.now() : 0;
  if (rest > 0 && rest <= renewalTime) await new Promise((resolve) => setTimeout(resolve, rest));
  await use((db) => db.put('values', Date.now(), 'renewal'));
  try {
    return await f();
  } finally {
    await use((db) => db.delete('values', 'renewal'));
  }
}

async function note(key: 'goodbye' | 'kicked', on: boolean): Promise<void> {
  await use<unknown>((db) => (on ? db.put('values', true, key) : db.delete('values', key)));
}

async function use<T>(f: (db: IDBPDatabase<Schema>) => Promise<T>): Promise<T | undefined> {
  // Where storage is switched off, even to ask for it may throw at once.
  try {
    const db = await openDB<Schema>('magpie/device', 1, { upgrade: (x) => void x.createObjectStore('values') });
    try {
      return await f(db);
    } finally {
      db.close();
    }
  } catch {
    return undefined;
  }
}
