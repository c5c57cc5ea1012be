// A list of the server that is read page by page, as far as somebody looks.

import { signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { api, withQuery } from './client';
import type { Counted } from './types';

const pageSize = 100;

export class Pages<T> {
  readonly items = signal<readonly T[]>([]);
  readonly state = signal<'loading' | 'ready' | 'failed'>('loading');
  readonly error = signal<unknown>(undefined);
  /** How many there are, where the server says so. */
  readonly total = signal<{ count: number; exact: boolean } | undefined>(undefined);
  private cursor: string | null = '';
  private reading = false;
  private stopped = false;

  constructor(
    private readonly path: string,
    private readonly query: Record<string, string>,
    private readonly key: (item: T) => string,
    private readonly read: (path: string) => Promise<Counted<T>> = (p) => api.get(p),
  ) {}

  /** Reads the next page, unless one is under way or there is none. Never throws: `error` has what went wrong. */
  async more(): Promise<void> {
    if (this.reading || this.cursor === null || this.stopped) return;
    this.reading = true;
    this.state.value = 'loading';
    try {
      const page = await this.read(withQuery(this.path, { ...this.query, limit: pageSize, cursor: this.cursor }));
      if (this.stopped) return;
      // What was added or moved while one pages comes twice.
      const known = new Set(this.items.peek().map(this.key));
      this.items.value = [...this.items.peek(), ...page.items.filter((item) => !known.has(this.key(item)))];
      this.cursor = page.next;
      if (page.total !== undefined) this.total.value = { count: page.total, exact: page.total_exact ?? true };
      else if (page.next === null) this.total.value = { count: this.items.peek().length, exact: true };
      this.state.value = 'ready';
    } catch (e) {
      if (this.stopped) return;
      this.error.value = e;
      this.state.value = 'failed';
    } finally {
      this.reading = false;
    }
  }

  get ended(): boolean {
    return this.cursor === null;
  }

  find(key: string): T | undefined {
    return this.items.value.find((item) => this.key(item) === key);
  }

  /** Puts what has changed in its place. */
  put(item: T): void {
    this.items.value = this.items.peek().map((old) => (this.key(old) === this.key(item) ? item : old));
  }

  /** Puts what was made in front, where it is seen at once. */
  add(item: T): void {
    this.items.value = [item, ...this.items.peek().filter((old) => this.key(old) !== this.key(item))];
    const total = this.total.peek();
    if (total?.exact) this.total.value = { ...total, count: total.count + 1 };
  }

  remove(key: string): void {
    const left = this.items.peek().filter((item) => this.key(item) !== key);
    const total = this.total.peek();
    if (total?.exact && left.length < this.items.peek().length) this.total.value = { ...total, count: total.count - 1 };
    this.items.value = left;
  }

  stop(): void {
    this.stopped = true;
  }
}

/** The list at a path; another path, query or `again` begins anew. */
export function usePages<T>(
  path: string,
  query: Record<string, string>,
  key: (item: T) => string,
  again = 0,
): Pages<T> {
  const name = withQuery(path, query);
  const pages = useMemo(() => new Pages<T>(path, query, key), [name, again]);
  useEffect(() => {
    void pages.more();
    return () => pages.stop();
  }, [pages]);
  return pages;
}
