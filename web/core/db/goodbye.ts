// A sign-out that the server has not heard of is remembered, so that a later page does not sign in again by the cookie that is still there.

import { type DBSchema, openDB } from 'idb';

interface Schema extends DBSchema {
  flags: { key: string; value: true };
}

/** Notes that the server is owed a sign-out, or no longer. Does nothing where there is no IndexedDB. */
export async function oweGoodbye(owed: boolean): Promise<void> {
  await use<unknown>((db) => (owed ? db.put('flags', true, 'goodbye') : db.delete('flags', 'goodbye')));
}

export async function owesGoodbye(): Promise<boolean> {
  return (await use((db) => db.get('flags', 'goodbye'))) === true;
}

async function use<T>(f: (db: Awaited<ReturnType<typeof openDB<Schema>>>) => Promise<T>): Promise<T | undefined> {
  if (!globalThis.indexedDB) return undefined;
  try {
    const db = await openDB<Schema>('magpie', 1, { upgrade: (x) => void x.createObjectStore('flags') });
    try {
      return await f(db);
    } finally {
      db.close();
    }
  } catch {
    return undefined;
  }
}
