// What this device remembers beside the copies of an account: who is signed in, so that the next page can show what is kept before the
// server answers; and a sign-out that the server has not heard of, so that a later page does not sign in again by the cookie that is
// still there. No secrets: those are in a cookie that scripts can't read. Does nothing where there is no IndexedDB.

import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { KeptAccount } from '../api/shapes';

export interface Device {
  account?: KeptAccount;
  /** The server is owed a sign-out. */
  goodbye?: true;
}

interface Schema extends DBSchema {
  values: { key: keyof Device; value: KeptAccount | true };
}

export async function readDevice(): Promise<Device> {
  const found = await use(async (db) => {
    const tx = db.transaction('values');
    const [account, goodbye] = await Promise.all([tx.store.get('account'), tx.store.get('goodbye')]);
    return { ...(account && { account }), ...(goodbye && { goodbye }) } as Device;
  });
  return found ?? {};
}

/** Someone has signed in. */
export async function rememberAccount(a: KeptAccount): Promise<void> {
  await use(async (db) => {
    const tx = db.transaction('values', 'readwrite');
    await Promise.all([tx.store.put(a, 'account'), tx.store.delete('goodbye'), tx.done]);
  });
}

/** Nobody is signed in any more, unless it is somebody else by now. */
export async function forgetAccount({ org, user }: KeptAccount): Promise<void> {
  await use(async (db) => {
    const tx = db.transaction('values', 'readwrite');
    const now = (await tx.store.get('account')) as KeptAccount | undefined;
    if (now?.org.eid === org.eid && now.user.uid === user.uid) await tx.store.delete('account');
    await tx.done;
  });
}

/** Notes that the server is owed a sign-out, or no longer. */
export async function oweGoodbye(owed: boolean): Promise<void> {
  await use<unknown>((db) => (owed ? db.put('values', true, 'goodbye') : db.delete('values', 'goodbye')));
}

async function use<T>(f: (db: IDBPDatabase<Schema>) => Promise<T>): Promise<T | undefined> {
  if (!globalThis.indexedDB) return undefined;
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
