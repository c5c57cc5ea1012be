// Files that wait to be uploaded, kept in a database of their own: they are large, and come and go apart from everything else. Where the browser
// keeps nothing, they stand in memory, and other tabs are told of them.

import { type ReadonlySignal, signal } from '@preact/signals-core';
import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from 'idb';

interface Schema extends DBSchema {
  files: { key: string; value: Blob };
}

/** Another tab may hold the database, or the disk be slow. ms. */
const patience = 5000;

export class Files {
  private readonly memory = new Map<string, Blob>();
  private readonly unkept = signal<ReadonlySet<string>>(new Set());
  private db: Promise<IDBPDatabase<Schema> | undefined> | undefined;
  private closed = false;

  constructor(
    private readonly name: string,
    private readonly o: {
      memory: boolean;
      /** A file is kept nowhere but here: other tabs must be told of it. */
      onlyHere: (key: string, file: Blob) => void;
    },
  ) {}

  /** Resolves when the file is kept as well as can be. Not every browser keeps a Blob: Safari in a private window does not. */
  async put(key: string, file: Blob): Promise<void> {
    this.memory.set(key, file);
    try {
      const db = await this.open();
      if (!db) throw new Error('There is no database.');
      const tx = db.transaction('files', 'readwrite', { durability: 'strict' });
      await Promise.all([tx.store.put(file, key), tx.done]);
      this.memory.delete(key);
    } catch {
      if (this.closed) return;
      this.take(key, file);
      this.o.onlyHere(key, file);
    }
  }

  /** Keys of files that stand in memory alone and go with the page. */
  get passing(): ReadonlySignal<ReadonlySet<string>> {
    return this.unkept;
  }

  /** Another tab has a file that is kept nowhere. */
  take(key: string, file: Blob): void {
    this.memory.set(key, file);
    this.unkept.value = new Set([...this.unkept.peek(), key]);
  }

  async get(key: string): Promise<Blob | undefined> {
    const here = this.memory.get(key);
    if (here) return here;
    try {
      return await (await this.open())?.get('files', key);
    } catch {
      return undefined;
    }
  }

  async delete(keys: string[]): Promise<void> {
    for (const key of keys) this.memory.delete(key);
    if (keys.some((key) => this.unkept.peek().has(key)))
      this.unkept.value = new Set([...this.unkept.peek()].filter((key) => !keys.includes(key)));
    try {
      const db = await this.open();
      const tx = db?.transaction('files', 'readwrite');
      await Promise.all([...keys.map((key) => tx?.store.delete(key)), tx?.done]);
    } catch {
      // Swept by a later page.
    }
  }

  /** Removes files that no message carries. A key begins with the time at which it was made (keyOf): younger ones may yet get a message. */
  async sweep(wanted: ReadonlySet<string>, before: number): Promise<void> {
    try {
      const db = await this.open();
      const keys = (await db?.getAllKeys('files')) ?? [];
      await this.delete(keys.filter((key) => !wanted.has(key) && Number.parseInt(key, 36) < before));
    } catch {
      // Another page may.
    }
  }

  async close(o: { wipe: boolean }): Promise<void> {
    this.closed = true;
    this.memory.clear();
    (await this.db)?.close();
    this.db = undefined;
    if (o.wipe && !this.o.memory) await within(asked(() => deleteDB(this.name))).catch(() => {});
  }

  private open(): Promise<IDBPDatabase<Schema> | undefined> {
    if (this.closed || this.o.memory) return Promise.resolve(undefined);
    this.db ??= within(
      asked(() =>
        openDB<Schema>(this.name, 1, {
          upgrade: (db) => void db.createObjectStore('files'),
          // Another tab signs out, or brings a newer version.
          blocking: (_current, _blocked, event) => {
            (event.target as IDBDatabase).close();
            this.db = undefined;
          },
          terminated: () => {
            this.db = undefined;
          },
        }),
      ),
    ).catch(() => undefined);
    return this.db;
  }
}

/** A key that no other file has. now: ms since 1970. */
export function keyOf(now: number): string {
  const random = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, '0'));
  return `${Math.floor(now).toString(36)}-${random.join('')}`;
}

/** Where storage is switched off, even to ask for it may throw at once. */
function asked<T>(f: () => Promise<T>): Promise<T> {
  return Promise.resolve().then(f);
}

function within<T>(p: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  return Promise.race([p, late]).finally(() => clearTimeout(timer));
}
