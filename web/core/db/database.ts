// What is kept in the browser, one IndexedDB a user. Everything here is a copy but the outbox and the drafts, and the program works
// without it: where IndexedDB is missing, blocked or full, reads find nothing and writes are lost; what is needed stands in memory too,
// and `state` says that it goes with the page.

import { type ReadonlySignal, signal } from '@preact/signals-core';
import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from 'idb';
import type { KeptProblem, PendingFile } from '../media/types';
import type { Conversation, Group, Medium, Message, NoticeLine, Person, StorageState } from '../types';

/** A message of one's own that the server has not acknowledged. */
export interface OutboxItem {
  /** Place in the order of writing. */
  n: number;
  /** Correlation Data in hex. */
  id: string;
  conv: string;
  /** ms since 1970 */
  ts: number;
  media: Medium[];
  state: 'waiting' | 'failed';
  error?: string;
  /** Why a file of it was not taken. */
  problem?: KeptProblem;
  /** id of the item that was written with it and goes before it: what does not fit into one message is several. */
  after?: string;
  /** It is not sent before all of these are with the server. */
  files?: PendingFile[];
  /** Its files when all of them are with the server, which forgets a file that no message carries: they stay here until the message is stored. */
  kept?: PendingFile[];
  /** They are uploaded once more, as the server had them no longer. */
  renewed?: boolean;
}

/** Another text for a message of one's own that the server has not taken. */
export interface EditItem {
  /** The conversation and the seq. */
  id: string;
  conv: string;
  seq: number;
  /** ms since 1970 */
  ts: number;
  /** All media of the message as they shall be. */
  media: Medium[];
  state: 'waiting' | 'failed';
  /** Why it was refused. */
  problem?: KeptProblem;
}

interface Schema extends DBSchema {
  messages: { key: [string, number]; value: Message & { seq: number } };
  outbox: { key: string; value: OutboxItem };
  edits: { key: string; value: EditItem };
  drafts: { key: string; value: string };
  conversations: { key: string; value: Conversation };
  people: { key: string; value: Person };
  groups: { key: string; value: Group };
  lists: { key: string; value: string[] };
  lines: { key: [string, string]; value: NoticeLine };
}

type Gathered =
  | { store: 'messages'; value: Schema['messages']['value'] }
  | { store: 'conversations'; value: Conversation };

type Stores = 'messages' | 'outbox' | 'edits' | 'drafts' | 'conversations' | 'people' | 'groups' | 'lists' | 'lines';
const version = 3;
/** Another tab with an older version of the page may hold the database: don't wait for it for ever. ms. */
const openTimeout = 3000;
/** A disk that is slower than this, in ms, does not hold up messages. */
const writeTimeout = 5000;

export class Database {
  /** What is to be written with the next transaction, the last state of each by its store and key. */
  private waiting = new Map<string, Gathered>();
  private gathering: Promise<void> | undefined;
  private writing: Promise<void> = Promise.resolve();
  private db: IDBPDatabase<Schema> | undefined;
  private closed = false;
  private readonly current = signal<StorageState>('ok');
  /** Called when all that was kept is gone and there is an empty database again: what matters should be written anew. */
  onWiped: () => void = () => {};

  private constructor(
    private readonly name: string,
    private readonly memory: boolean,
  ) {}

  /** Never fails: without IndexedDB it keeps nothing. */
  static async open(eid: string, uid: string, o: { memory: boolean }): Promise<Database> {
    const d = new Database(nameOf(eid, uid), o.memory);
    if (!o.memory) await d.connect();
    return d;
  }

  /** Deletes what is kept of somebody who is not signed in. */
  static delete(eid: string, uid: string): Promise<void> {
    return new Database(nameOf(eid, uid), false).wipe();
  }

  get state(): ReadonlySignal<StorageState> {
    return this.current;
  }

  /** Resolves when the message is written, or can't be. Those that come while something is being written are written together. */
  putMessage(value: Message & { seq: number }): Promise<void> {
    return this.gather(`messages ${value.conv} ${value.seq}`, { store: 'messages', value });
  }

  /** As putMessage, and with the messages that come at the same time. */
  putConversation(value: Conversation): Promise<void> {
    return this.gather(`conversations ${value.conv}`, { store: 'conversations', value });
  }

  async putMessages(list: (Message & { seq: number })[]): Promise<void> {
    await this.write(async (db) => {
      const tx = db.transaction('messages', 'readwrite');
      for (const m of list) void tx.store.put(m).catch(() => {}); // tx.done says it
      await tx.done;
    });
  }

  /** Changes a message that is here. */
  async changeMessage(conv: string, seq: number, change: (m: Message & { seq: number }) => Message & { seq: number }) {
    await this.gathering;
    await this.write(async (db) => {
      const tx = db.transaction('messages', 'readwrite');
      const m = await tx.store.get([conv, seq]);
      if (m) void tx.store.put(change(m)).catch(() => {}); // tx.done says it
      await tx.done;
    });
  }

  /** The newest messages before a seq, ascending, as far as they follow each other without a gap up to it. */
  async messagesBefore(conv: string, before: number, limit: number): Promise<(Message & { seq: number })[]> {
    await this.gathering;
    return this.attempt([], async (db) => {
      const range = bound([conv, Math.max(1, before - limit)], [conv, before - 1]);
      const found = await db.getAll('messages', range);
      let from = found.length;
      while (from > 0 && found[from - 1]?.seq === before - (found.length - from) - 1) from--;
      return found.slice(from);
    });
  }

  /** The oldest messages after a seq, ascending, as far as they follow it and each other without a gap. */
  async messagesAfter(conv: string, after: number, limit: number): Promise<(Message & { seq: number })[]> {
    await this.gathering;
    return this.attempt([], async (db) => {
      const found = await db.getAll('messages', bound([conv, after + 1], [conv, after + limit]));
      const gap = found.findIndex((m, i) => m.seq !== after + 1 + i);
      return gap < 0 ? found : found.slice(0, gap);
    });
  }

  /** The greatest seq of a conversation that is here; 0 for none. */
  async lastSeq(conv: string): Promise<number> {
    await this.gathering;
    return this.attempt(0, async (db) => {
      const range = bound([conv, 0], [conv, Number.MAX_SAFE_INTEGER]);
      const cursor = await db.transaction('messages').store.openKeyCursor(range, 'prev');
      return cursor?.key[1] ?? 0;
    });
  }

  /** Deletes the copies of messages up to a seq. */
  async deleteMessages(conv: string, upTo: number): Promise<void> {
    await this.gathering;
    await this.write((db) => db.delete('messages', bound([conv, 0], [conv, upTo])));
  }

  /** Deletes the copies of a conversation's messages but for those from one seq to another; without from all, without to those before it. */
  async keepMessages(conv: string, from = Number.MAX_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER): Promise<void> {
    await this.write(async (db) => {
      const tx = db.transaction('messages', 'readwrite');
      void tx.store.delete(bound([conv, 0], [conv, from - 1])).catch(() => {}); // tx.done says it
      void tx.store.delete(bound([conv, to + 1], [conv, Number.MAX_SAFE_INTEGER])).catch(() => {});
      await tx.done;
    });
  }

  /** All lines of a conversation. */
  lines(conv: string): Promise<NoticeLine[]> {
    return this.attempt([], (db) => db.getAll('lines', ofConversation(conv)));
  }

  /** merge: what becomes of a line that is here. */
  async putLines(list: NoticeLine[], merge: (known: NoticeLine, l: NoticeLine) => NoticeLine): Promise<void> {
    await this.write(async (db) => {
      const tx = db.transaction('lines', 'readwrite');
      for (const l of list)
        void tx.store
          .get([l.conv, l.id])
          .then((known) => tx.store.put(known ? merge(known, l) : l))
          .catch(() => {}); // tx.done says it
      await tx.done;
    });
  }

  deleteLines(conv: string): Promise<void> {
    return this.write((db) => db.delete('lines', ofConversation(conv)));
  }

  async deleteConversation(conv: string): Promise<void> {
    await this.gathering;
    await this.write(async (db) => {
      const tx = db.transaction(['messages', 'lines', 'conversations', 'drafts', 'edits'], 'readwrite');
      await Promise.all([
        tx.objectStore('messages').delete(bound([conv, 0], [conv, Number.MAX_SAFE_INTEGER])),
        tx.objectStore('lines').delete(ofConversation(conv)),
        tx.objectStore('conversations').delete(conv),
        tx.objectStore('drafts').delete(conv),
        tx.objectStore('edits').delete(IDBKeyRange.bound(`${conv} `, `${conv} ~`)), // the conversation and the seq: EditItem.id
        tx.done,
      ]);
    });
  }

  /** Written to the disk, as far as the browser lets one know. */
  async putOutbox(item: OutboxItem): Promise<void> {
    await this.write(async (db) => {
      const tx = db.transaction('outbox', 'readwrite', { durability: 'strict' });
      await Promise.all([tx.store.put(item), tx.done]);
    });
  }

  /** As putOutbox. */
  async putEdit(item: EditItem): Promise<void> {
    await this.write(async (db) => {
      const tx = db.transaction('edits', 'readwrite', { durability: 'strict' });
      await Promise.all([tx.store.put(item), tx.done]);
    });
  }

  /** The message that an item of the outbox has become takes its place, in one step. */
  async stored(item: OutboxItem, m: Message): Promise<void> {
    const { seq } = m;
    await this.write(async (db) => {
      const tx = db.transaction(['outbox', 'messages'], 'readwrite');
      const writes: Promise<unknown>[] = [tx.objectStore('outbox').delete(item.id), tx.done];
      if (seq !== undefined) writes.push(tx.objectStore('messages').put({ ...m, seq }));
      await Promise.all(writes);
    });
  }

  put<S extends 'people' | 'groups'>(store: S, value: Schema[S]['value']): Promise<void> {
    return this.write((db) => db.put(store, value));
  }

  putKeyed<S extends 'drafts' | 'lists'>(store: S, key: string, value: Schema[S]['value']): Promise<void> {
    return this.write((db) => db.put(store, value, key));
  }

  get<S extends Stores>(store: S, key: Schema[S]['key']): Promise<Schema[S]['value'] | undefined> {
    return this.attempt(undefined, (db) => db.get(store, key));
  }

  all<S extends Stores>(store: S): Promise<Schema[S]['value'][]> {
    return this.attempt([], (db) => db.getAll(store));
  }

  keys<S extends 'drafts'>(store: S): Promise<string[]> {
    return this.attempt([], (db) => db.getAllKeys(store));
  }

  delete<S extends Stores>(store: S, key: Schema[S]['key']): Promise<void> {
    return this.write((db) => db.delete(store, key));
  }

  close(): void {
    this.closed = true;
    this.db?.close();
    this.db = undefined;
  }

  /** Deletes everything of this user, though it may not have been possible to open it. */
  async wipe(): Promise<void> {
    this.close();
    if (this.memory || !globalThis.indexedDB) return;
    // Another tab lets go when it is asked to; should it not, the deletion waits for it, and we do not.
    const deleted = Promise.resolve()
      .then(() => deleteDB(this.name))
      .catch(() => {});
    await within(deleted, openTimeout);
  }

  /** Deletes the copies, and keeps what waits to be sent and what is half written. False: there was nothing of that, and all is deleted. */
  async strip(): Promise<boolean> {
    const { db } = this;
    this.closed = true;
    this.db = undefined; // what is still on its way is not written
    const left = db && (await within(this.leave(db), openTimeout).catch(() => false));
    db?.close();
    if (!left) await this.wipe();
    return left === true;
  }

  private async leave(db: IDBPDatabase<Schema>): Promise<boolean> {
    const originals = ['outbox', 'edits', 'drafts'] as const;
    const copies = ['messages', 'lines', 'conversations', 'people', 'groups', 'lists'] as const;
    const tx = db.transaction([...copies, ...originals], 'readwrite');
    const left = Promise.all(originals.map((name) => tx.objectStore(name).count()));
    await Promise.all([...copies.map((name) => tx.objectStore(name).clear()), tx.done]);
    return (await left).some((n) => n > 0);
  }

  private gather(key: string, one: Gathered): Promise<void> {
    this.waiting.set(key, one);
    this.gathering ??= this.writing.then(() => this.flush());
    return this.gathering;
  }

  private flush(): Promise<void> {
    const list = [...this.waiting.values()];
    this.waiting.clear();
    this.gathering = undefined;
    this.writing = this.write(async (db) => {
      const tx = db.transaction(['messages', 'conversations'], 'readwrite');
      for (const { store, value } of list)
        void tx
          .objectStore(store)
          .put(value)
          .catch(() => {}); // tx.done says it
      await tx.done;
    });
    return this.writing;
  }

  private async connect(): Promise<void> {
    const db = await openWithin(this.name, {
      // A newer page wants to upgrade it, or a sign-out to delete it.
      blocking: () => {
        this.db?.close();
        this.db = undefined;
        this.current.value = 'off';
      },
      // The browser has closed it: its data were cleared, or its disk is broken.
      terminated: () => {
        this.db = undefined;
        void this.connect().then(() => this.db && this.onWiped());
      },
    });
    if (this.closed) db?.close();
    else this.db = db;
    this.current.value = db ? 'ok' : 'off';
  }

  /** What can't be written is lost. A full disk takes what is no mere copy once the copies of messages are gone. */
  private async write(f: (db: IDBPDatabase<Schema>) => Promise<unknown>): Promise<void> {
    const once = async () => {
      if (!this.db) return;
      await within(f(this.db), writeTimeout);
      if (this.db && this.current.peek() === 'full') this.current.value = 'ok';
    };
    try {
      await once();
    } catch (e) {
      if (!isFull(e)) return; // closed or broken
      try {
        await this.db?.clear('messages');
        await once();
      } catch {
        if (this.db) this.current.value = 'full';
      }
    }
  }

  private async attempt<T>(otherwise: T, f: (db: IDBPDatabase<Schema>) => Promise<T>): Promise<T> {
    if (!this.db) return otherwise;
    try {
      return await f(this.db);
    } catch {
      return otherwise; // closed or broken: what is not here comes from the server
    }
  }
}

function nameOf(eid: string, uid: string): string {
  return `magpie/${eid}/${uid}`;
}

/** Opens it, unless that takes too long. undefined: there is none. */
async function openWithin(
  name: string,
  o: { blocking: () => void; terminated: () => void },
): Promise<IDBPDatabase<Schema> | undefined> {
  let late = false;
  // Where storage is switched off, even to ask for it may throw at once.
  const opening = Promise.resolve()
    .then(() =>
      openDB<Schema>(name, version, {
        upgrade(db, from) {
          if (from < 2) db.createObjectStore('lines', { keyPath: ['conv', 'id'] });
          if (from < 3) db.createObjectStore('edits', { keyPath: 'id' });
          if (from > 0) return;
          db.createObjectStore('messages', { keyPath: ['conv', 'seq'] });
          db.createObjectStore('outbox', { keyPath: 'id' });
          db.createObjectStore('drafts');
          db.createObjectStore('conversations', { keyPath: 'conv' });
          db.createObjectStore('people', { keyPath: 'uid' });
          db.createObjectStore('groups', { keyPath: 'gid' });
          db.createObjectStore('lists');
        },
        blocking(_current, _blocked, event) {
          (event.target as IDBDatabase).close();
          o.blocking();
        },
        terminated: o.terminated,
      }),
    )
    .then(
      (db) => {
        if (!late) return db;
        db.close();
        return undefined;
      },
      () => undefined,
    );
  const db = await within(opening, openTimeout);
  late = true;
  return db;
}

/** Resolves as p does, or with undefined after so many ms. */
function within<T>(p: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  return Promise.race([p, late]).finally(() => clearTimeout(timer));
}

function isFull(e: unknown): boolean {
  return e instanceof Error && e.name === 'QuotaExceededError';
}

function ofConversation(conv: string): IDBKeyRange {
  return IDBKeyRange.bound([conv, ''], [conv, '\uffff']);
}

/** A range that would hold nothing is one of its first key alone: IDBKeyRange refuses to be empty. */
function bound(from: [string, number], to: [string, number]): IDBKeyRange {
  return IDBKeyRange.bound(from, to[1] < from[1] ? from : to);
}
