// What one has written and the server has not stored. It is in the database before it is sent, and stays until PUBACK; it is sent again,
// after a reload too, with the same Correlation Data, by which the server stores it once (docs/protocol.md §5).

import { computed, type ReadonlySignal, signal } from '@preact/signals-core';
import type { OutboxItem } from '../db/database';
import type { KeptProblem, PendingFile } from '../media/types';
import { PublishError, type Published, userProperty } from '../mqtt/client';
import { contentText } from '../payload/im';
import type { Medium, Message, SendOptions } from '../types';
import { type Context, later } from './context';
import { fromOutbox, hex, toPayload } from './messages';

/** Reason code Quota exceeded: the server asks to go slower. */
const quotaExceeded = 0x97;
/** A message links to a file that its sender may not read, or that was in no message for too long. */
const fileNotFound = '/problems/media-not-found';
const firstDelay = 1000;
const maxDelay = 30_000;
/** A message that waits longer than this, in ms, shows that the server can't store now. */
const stalledAfter = 5000;

export interface OutboxPort {
  /** Resolves when the server has stored the message. Rejects with PublishError. Never settles once the session is over. */
  publish(conv: string, id: string, payload: Uint8Array): Promise<Published>;
  /** An item is no more: its message is stored, or was thrown away. */
  onGone: (item: OutboxItem) => void;
  /** A message is stored: item is no more, m stands for it. */
  onStored(item: OutboxItem, m: Message): Promise<void>;
}

export class Outbox {
  private readonly items = signal<OutboxItem[]>([]);
  /** Of each conversation, the newest message that is not stored yet. */
  readonly unsent: ReadonlySignal<ReadonlyMap<string, Message>> = computed(
    () => new Map(this.items.value.map((item) => [item.conv, fromOutbox(item, this.c.uid)])),
  );
  /** Conversations with a message under way: one at a time keeps their order. */
  private readonly busy = new Set<string>();
  /** ids that the database does not have yet. */
  private readonly unwritten = new Set<string>();
  private readonly delays = new Map<string, number>();
  private readonly reasons = new Map<string, KeptProblem>();
  private readonly late = signal<ReadonlySet<string>>(new Set());
  /** ids of what is stored or thrown away: what was on its way from the database or another tab brings none of it back. */
  private readonly gone = new Set<string>();
  private readonly messages = new WeakMap<OutboxItem, Message>();
  private running = false;
  private lastN = 0;

  constructor(
    private readonly c: Context,
    private readonly port: OutboxPort,
  ) {}

  /** Messages wait for longer than they should. */
  get stalled(): ReadonlySignal<ReadonlySet<string>> {
    return this.late;
  }

  /** All that waits or has failed, in order. */
  get all(): ReadonlySignal<OutboxItem[]> {
    return this.items;
  }

  /** For each conversation with something that waits or has failed: the newest that failed, or else the newest. */
  readonly outgoing: ReadonlySignal<ReadonlyMap<string, Message>> = computed(() => {
    const found = new Map<string, OutboxItem>();
    for (const item of this.items.value)
      if (item.state === 'failed' || found.get(item.conv)?.state !== 'failed') found.set(item.conv, item);
    return new Map([...found].map(([conv, item]) => [conv, this.message(item)]));
  });

  /** What was written into a conversation, in order. Follows changes. */
  of(conv: string): Message[] {
    return this.items.value.filter((x) => x.conv === conv).map((x) => this.message(x));
  }

  /** Reads what an earlier page has left. */
  async restore(): Promise<void> {
    const kept = (await this.c.db.all('outbox')).filter((x) => !this.gone.has(x.id)).sort((a, b) => a.n - b.n);
    const here = this.items.peek();
    this.lastN = Math.max(this.lastN, kept.at(-1)?.n ?? 0);
    this.items.value = [...kept.filter((x) => !here.some((y) => y.id === x.id)), ...here];
    this.pump();
  }

  /** Writes all of it anew. */
  keep(): void {
    for (const item of this.items.peek()) void this.c.db.putOutbox(item);
  }

  /** Begins to send. Messages go through the MQTT client, which sends again what was under way when a connection broke. */
  start(): void {
    this.running = true;
    this.pump();
  }

  stop(): void {
    this.running = false;
  }

  send(conv: string, text: string, o: SendOptions = {}): void {
    const content: Record<string, unknown> = { co: text };
    if (o.reply !== undefined) content.re = o.reply;
    if (o.mentions?.length) content.at = o.mentions;
    void this.add(conv, [{ type: contentText, content }]);
  }

  /** A message that is sent when its files are with the server, after another. Resolves when it is written, with its id. */
  queue(conv: string, media: Medium[], files: PendingFile[], after?: string): Promise<string> {
    return this.add(conv, media, { files, ...(after !== undefined && { after }) });
  }

  /** Writes what has become of a message's files. */
  change(id: string, f: (item: OutboxItem) => OutboxItem): void {
    const item = this.find(id);
    if (!item) return;
    this.replace(f(item));
    this.pump();
  }

  /** A file of it was not taken. */
  fail(id: string, problem: KeptProblem): void {
    const item = this.find(id);
    if (item) this.replace({ ...item, state: 'failed', error: problem.detail, problem });
  }

  retry(id: string): void {
    const item = this.find(id);
    if (item?.state !== 'failed') return;
    const { error: _, problem: __, renewed: ___, ...rest } = item;
    this.replace({ ...rest, state: 'waiting' });
    this.pump();
  }

  /** A message that is under way can't be called back; one that failed, or whose files are on their way, can be thrown away. */
  discard(id: string): void {
    const item = this.find(id);
    if (item?.state !== 'failed' && !item?.files) return;
    this.forget(id);
    void this.c.db.delete('outbox', id);
    this.c.tell({ about: 'discarded', id });
  }

  /** Another tab has written an item, or changed it. */
  take(item: OutboxItem): void {
    if (this.gone.has(item.id)) return;
    this.lastN = Math.max(this.lastN, item.n);
    this.items.value = [...this.items.peek().filter((x) => x.id !== item.id), item].sort((a, b) => a.n - b.n);
    this.pump();
  }

  /** Tells a tab that has joined, which may have no database to read it from. */
  tellAll(): void {
    for (const item of this.items.peek()) if (!this.unwritten.has(item.id)) this.c.tell({ about: 'waiting', item });
  }

  /** Notice 0x20: why the server refuses a message; its negative PUBACK comes too. */
  refused(id: string, problem: KeptProblem): void {
    if (this.find(id)) this.reasons.set(id, problem);
  }

  /** The message was seen as stored, from another session of one's own. */
  seen(id: string): void {
    const item = this.find(id);
    if (!item) return;
    this.forget(id);
    void this.c.db.delete('outbox', id);
  }

  /** An item is no more. */
  forget(id: string): void {
    const item = this.find(id);
    this.gone.add(id);
    this.items.value = this.items.peek().filter((x) => x.id !== id);
    this.delays.delete(id);
    this.reasons.delete(id);
    if (item) this.port.onGone(item);
  }

  private add(conv: string, media: Medium[], more: Pick<OutboxItem, 'files' | 'after'> = {}): Promise<string> {
    const id = hex(crypto.getRandomValues(new Uint8Array(16)));
    this.lastN = Math.max(this.lastN + 1, this.c.api.serverNow()); // after those of an earlier page, which may not be read yet
    const item: OutboxItem = {
      n: this.lastN,
      id,
      conv,
      ts: this.c.api.serverNow(),
      media,
      state: 'waiting',
      ...more,
    };
    this.items.value = [...this.items.peek(), item];
    this.unwritten.add(id);
    return this.c.db.putOutbox(item).then(() => {
      this.unwritten.delete(id);
      this.c.tell({ about: 'waiting', item: this.find(id) ?? item });
      this.pump();
      return id;
    });
  }

  private pump(): void {
    if (!this.running || this.c.signal.aborted) return;
    const held = new Set(this.busy);
    const waiting = new Set(this.items.peek().flatMap((item) => (item.state === 'waiting' ? [item.id] : [])));
    for (const item of this.items.peek()) {
      // One whose files are on their way does not hold up what was written after it, but for what was written with it.
      if (item.state !== 'waiting' || item.files || held.has(item.conv)) continue;
      if (item.after !== undefined && waiting.has(item.after)) continue;
      held.add(item.conv);
      if (this.unwritten.has(item.id)) continue;
      this.busy.add(item.conv);
      void this.publish(item);
    }
  }

  private async publish(item: OutboxItem): Promise<void> {
    try {
      const p = await this.answer(item);
      const seq = Number(userProperty(p.properties, 'seq'));
      // PUBACK does not tell the server's time: this is it as far as this clock knows, and the history tells it exactly.
      const m: Message = { ...fromOutbox({ ...item, ts: this.c.api.serverNow() }, this.c.uid), state: 'stored' };
      if (Number.isSafeInteger(seq) && seq > 0) m.seq = seq;
      await this.port.onStored(item, m);
      this.forget(item.id);
    } catch (e) {
      await this.failed(item, e);
    } finally {
      this.busy.delete(item.conv);
      this.pump();
    }
  }

  /** Publishes, and watches how long the server takes. */
  private async answer(item: OutboxItem): Promise<Published> {
    const stop = later(this.c, stalledAfter, () => this.mark(item.id, true));
    try {
      return await this.port.publish(item.conv, item.id, toPayload(item, this.c.uid));
    } finally {
      stop();
      this.mark(item.id, false);
    }
  }

  private async failed(item: OutboxItem, e: unknown): Promise<void> {
    if (e instanceof PublishError && e.code === quotaExceeded) {
      const delay = Math.min(maxDelay, this.delays.get(item.id) ?? firstDelay);
      this.delays.set(item.id, delay * 2);
      await new Promise<void>((resolve) => void later(this.c, delay * (0.75 + Math.random() / 2), resolve));
      return;
    }
    const problem = this.reasons.get(item.id);
    this.reasons.delete(item.id);
    const { kept, ...rest } = item;
    if (problem?.type === fileNotFound && kept && !item.renewed) {
      const files = kept.map(({ done: _, upload: __, still: ___, ...file }) => file);
      this.replace({ ...rest, files, renewed: true });
      return;
    }
    const error = problem?.detail ?? (e as Error).message;
    this.replace({ ...item, state: 'failed', error, ...(problem && { problem }) });
  }

  /** The same as long as the item is. */
  private message(item: OutboxItem): Message {
    const m = this.messages.get(item) ?? fromOutbox(item, this.c.uid);
    this.messages.set(item, m);
    return m;
  }

  private find(id: string): OutboxItem | undefined {
    return this.items.peek().find((x) => x.id === id);
  }

  private replace(item: OutboxItem): void {
    this.items.value = this.items.peek().map((x) => (x.id === item.id ? item : x));
    void this.c.db.putOutbox(item);
    this.c.tell({ about: 'waiting', item });
  }

  private mark(id: string, late: boolean): void {
    if (this.late.peek().has(id) === late) return;
    const next = new Set(this.late.peek());
    if (late) next.add(id);
    else next.delete(id);
    this.late.value = next;
  }
}
