// Resumable uploads that nobody wants any more. The server must be told, or they take room until it gives them up, a day later; and it may be
// away when they are thrown away. The tab that leads keeps the list.

import { type ReadonlySignal, signal } from '@preact/signals-core';
import type { Database } from '../db/database';

const key = 'uploads';

export class Unwanted {
  private readonly list = signal<readonly string[]>([]);

  constructor(private readonly db: Database) {}

  /** Where they are: paths of the server. */
  get paths(): ReadonlySignal<readonly string[]> {
    return this.list;
  }

  /** Reads what an earlier page could not tell. */
  async restore(): Promise<void> {
    const kept = (await this.db.get('lists', key)) ?? [];
    this.list.value = [...new Set([...kept, ...this.list.peek()])];
  }

  add(paths: string[]): void {
    if (paths.length > 0) this.write([...new Set([...this.list.peek(), ...paths])]);
  }

  /** The server knows. */
  drop(path: string): void {
    this.write(this.list.peek().filter((one) => one !== path));
  }

  private write(list: readonly string[]): void {
    this.list.value = list;
    void this.db.putKeyed('lists', key, [...list]);
  }
}
