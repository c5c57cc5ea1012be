// The messages of one conversation that a view shows: an unbroken run up to the newest, from the database first, then the network.

import { batch, computed, type ReadonlySignal, signal } from '@preact/signals-core';
import type { List, WireMessage } from '../api/shapes';
import type { Item, Message, NoticeLine } from '../types';
import type { Context } from './context';
import { fromWire, type StoredMessage } from './messages';

const pageSize = 50;
/** More than this many missed messages are not caught up with: the view begins anew at the newest. */
const maxMissed = 400;

export class Thread {
  private readonly messages = signal<StoredMessage[]>([]);
  /** Nothing before the first message may be read. */
  private readonly atStart = signal(false);
  readonly loading = signal(false);
  readonly error = signal<Error | undefined>(undefined);
  readonly items: ReadonlySignal<Item[]>;
  readonly hasOlder: ReadonlySignal<boolean> = computed(
    () => !this.atStart.value && (this.messages.value[0]?.seq ?? 1) > 1,
  );
  private catching: Promise<void> | undefined;
  private again = false;
  private started: Promise<void> | undefined;

  constructor(
    private readonly c: Context,
    readonly conv: string,
    private readonly o: {
      /** What one has written here and the server has not yet stored. Follows changes. */
      waiting: () => Message[];
      /** How far the other side has read. Follows changes. */
      peerReadSeq: () => number;
      /** Lines about the group. Follows changes. */
      lines: () => NoticeLine[];
      /** The newest seq that is known of. */
      lastSeq: () => number;
      /** Nothing newer than that can be there. */
      current: () => boolean;
    },
  ) {
    this.items = computed(() => {
      const peer = this.o.peerReadSeq();
      const stored = this.messages.value.map((m) => (m.mine && m.seq <= peer ? { ...m, read: true } : m));
      const known = new Set(stored.map((m) => m.id));
      const waiting = this.o.waiting().filter((m) => !known.has(m.id));
      return merge([...stored, ...waiting], this.o.lines());
    });
  }

  /** Loads the newest page. Later calls catch up. */
  open(): Promise<void> {
    this.started ??= this.start();
    return this.started;
  }

  async loadOlder(): Promise<void> {
    const first = this.messages.peek()[0]?.seq;
    if (this.loading.peek() || first === undefined || first <= 1) return;
    await this.load(async () => {
      const kept = await this.c.db.messagesBefore(this.conv, first, pageSize);
      const page = kept.length > 0 ? kept : await this.page(`before=${first}`);
      if (page.length === 0) this.atStart.value = true;
      this.append(page);
    });
  }

  /** A message was stored by the server. */
  receive(m: StoredMessage): void {
    const list = this.messages.peek();
    const last = list.at(-1)?.seq ?? 0;
    if (m.seq === last + 1) this.messages.value = [...list, m];
    else if (m.seq <= last) this.messages.value = list.map((x) => (x.seq === m.seq ? m : x));
    else void this.catchUp();
  }

  /** Reads what is missing after the newest message that is here, up to the newest that there is. */
  catchUp(): Promise<void> {
    if (this.catching) {
      this.again = true;
      return this.catching;
    }
    this.catching = this.load(async () => {
      do {
        this.again = false;
        await this.missing();
      } while (this.again);
    }).finally(() => {
      this.catching = undefined;
    });
    return this.catching;
  }

  private async start(): Promise<void> {
    const newest = (await this.c.db.lastSeq(this.conv)) + 1;
    const kept = await this.c.db.messagesBefore(this.conv, newest, pageSize);
    if (this.messages.peek().length === 0) this.messages.value = kept;
    await this.catchUp();
    // What is kept may be the newest few alone, with a gap before them.
    if (this.messages.peek().length < pageSize / 2 && this.hasOlder.peek()) await this.loadOlder();
  }

  private async missing(): Promise<void> {
    const last = this.messages.peek().at(-1)?.seq ?? 0;
    if (last > 0 && last >= this.o.lastSeq() && this.o.current()) return;
    if (last > 0 && this.o.lastSeq() - last <= maxMissed) {
      let from = last;
      for (;;) {
        const page = await this.page(`after=${from}`);
        this.append(page);
        if (page.length < pageSize) return;
        from = page.at(-1)?.seq ?? from;
      }
    }
    const page = await this.page('');
    batch(() => {
      this.atStart.value = page.length < pageSize;
      const known = this.messages.peek();
      const first = page[0]?.seq ?? 0;
      // What is here goes on only if it meets the page.
      if (known.length > 0 && (known.at(-1) as StoredMessage).seq < first - 1) this.messages.value = [];
      this.append(page);
    });
  }

  private append(page: StoredMessage[]): void {
    const bySeq = new Map(this.messages.peek().map((m) => [m.seq, m]));
    for (const m of page) bySeq.set(m.seq, m);
    this.messages.value = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  private async page(query: string): Promise<StoredMessage[]> {
    const path = `/conversations/${encodeURIComponent(this.conv)}/messages?limit=${pageSize}${query && `&${query}`}`;
    const { items } = await this.c.api.get<List<WireMessage>>(path);
    const list = items.map((m) => fromWire(this.conv, m, this.c.uid));
    void this.c.db.putMessages(list);
    return list;
  }

  private async load(f: () => Promise<void>): Promise<void> {
    this.loading.value = true;
    try {
      await f();
      this.error.value = undefined;
    } catch (e) {
      this.error.value = e as Error;
    } finally {
      this.loading.value = false;
    }
  }
}

/** Lines go where their time puts them; messages keep their order. */
function merge(messages: Message[], lines: NoticeLine[]): Item[] {
  if (lines.length === 0) return messages;
  const out: Item[] = [];
  let i = 0;
  for (const m of messages) {
    while (i < lines.length && (lines[i] as NoticeLine).ts <= m.ts) out.push(lines[i++] as NoticeLine);
    out.push(m);
  }
  return [...out, ...lines.slice(i)];
}
