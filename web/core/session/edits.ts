// Changes of one's own messages that the server has not taken yet. Like what is written anew they are on the device before they are sent, wait for a
// connection, and are shown at once; the message as the server has it is what stays (docs/http-api.md, PATCH of a message).

import { batch, signal } from '@preact/signals-core';
import type { WireMessage } from '../api/shapes';
import type { EditItem } from '../db/database';
import { contentText } from '../payload/im';
import { Problem } from '../problem';
import type { EditsCore, Medium, Message } from '../types';
import { type Context, later } from './context';
import { fromWire, type StoredMessage, textOf } from './messages';

const firstDelay = 1000;
const maxDelay = 30_000;

export interface EditsPort {
  /** The server has taken it: the message as it is now. */
  onEdited(m: StoredMessage): void;
}

export class Edits {
  private readonly items = signal<ReadonlyMap<string, EditItem>>(new Map());
  private readonly overlaid = new WeakMap<StoredMessage, { item: EditItem; shown: StoredMessage }>();
  private readonly busy = new Set<string>();
  private readonly delays = new Map<string, number>();
  private running = false;

  constructor(
    private readonly c: Context,
    private readonly port: EditsPort,
  ) {}

  /** Reads what an earlier page has left. */
  async restore(): Promise<void> {
    const kept = await this.c.db.all('edits');
    const here = this.items.peek();
    this.items.value = new Map([...kept.map((item): [string, EditItem] => [item.id, item]), ...here]);
    this.pump();
  }

  /** Writes all of it anew. */
  keep(): void {
    for (const item of this.items.peek().values()) void this.c.db.putEdit(item);
  }

  start(): void {
    this.running = true;
    this.pump();
  }

  stop(): void {
    this.running = false;
  }

  /** Puts another text into the place of a message's. One that waits already is replaced. */
  put(m: StoredMessage, text: string, mentions: string[]): void {
    const item: EditItem = {
      id: keyOf(m.conv, m.seq),
      conv: m.conv,
      seq: m.seq,
      ts: this.c.api.serverNow(),
      media: withText(m.media, text, mentions),
      state: 'waiting',
    };
    this.set(item);
    void this.c.db.putEdit(item).then(() => {
      this.c.tell({ about: 'editing', item });
      this.pump();
    });
  }

  retry(conv: string, seq: number): void {
    const item = this.items.peek().get(keyOf(conv, seq));
    if (item?.state !== 'failed') return;
    const { problem: _, ...rest } = item;
    this.change({ ...rest, state: 'waiting' });
    this.pump();
  }

  /** The message stays as it was. */
  discard(conv: string, seq: number): void {
    this.end(keyOf(conv, seq));
  }

  /** Another tab has made or changed one. */
  take(item: EditItem): void {
    this.set(item);
    this.pump();
  }

  /** Another tab says that one is no more. */
  forget(id: string): void {
    const next = new Map(this.items.peek());
    if (next.delete(id)) this.items.value = next;
  }

  /** A message as its author has changed it. The same each time: its row need not be drawn anew. Follows changes. */
  shown(m: StoredMessage): StoredMessage {
    if (!m.mine || this.items.value.size === 0) return m;
    const item = this.items.value.get(keyOf(m.conv, m.seq));
    if (!item || m.recalledBy) return m;
    const known = this.overlaid.get(m);
    if (known?.item === item) return known.shown;
    const { media, problem } = item;
    const shown = { ...m, media, text: textOf(media), editing: item.state, ...(problem && { problem }) };
    this.overlaid.set(m, { item, shown });
    return shown;
  }

  private pump(): void {
    if (!this.running || this.c.signal.aborted) return;
    for (const item of this.items.peek().values()) {
      if (item.state !== 'waiting' || this.busy.has(item.id)) continue;
      this.busy.add(item.id);
      void this.send(item);
    }
  }

  private async send(item: EditItem): Promise<void> {
    const { id } = item;
    try {
      const path = `/conversations/${encodeURIComponent(item.conv)}/messages/${item.seq}`;
      const wire = await this.c.api.request<WireMessage>('PATCH', path, { body: { media: item.media } });
      const message = fromWire(item.conv, wire, this.c.uid);
      batch(() => {
        this.port.onEdited(message);
        if (this.items.peek().get(id) === item) this.end(id, message);
      });
    } catch (e) {
      if (this.c.signal.aborted) return; // whoever signs in again sends it
      if (!(e instanceof Problem) || e.status === 0 || e.status >= 500 || e.status === 429) {
        const delay = this.delays.get(id) ?? firstDelay;
        this.delays.set(id, Math.min(maxDelay, delay * 2));
        this.busy.delete(id); // a new connection does not wait for it
        later(this.c, delay * (0.75 + Math.random() / 2), () => this.pump());
        return;
      }
      if (this.items.peek().get(id) === item) this.refused(item, e);
    }
    this.busy.delete(id);
    this.delays.delete(id);
    this.pump(); // it may have been changed once more meanwhile
  }

  private refused(item: EditItem, e: Problem): void {
    const { type, limit } = e.names;
    // Who has recalled a message wants no other text in it.
    if (type === '/problems/recalled' || e.status === 404) {
      this.end(item.id);
      return;
    }
    const problem = {
      status: e.status,
      detail: e.detail,
      ...(type && { type }),
      ...(limit !== undefined && { limit }),
    };
    this.change({ ...item, state: 'failed', problem });
  }

  private change(item: EditItem): void {
    this.set(item);
    void this.c.db.putEdit(item);
    this.c.tell({ about: 'editing', item });
  }

  private end(id: string, message?: StoredMessage): void {
    this.forget(id);
    void this.c.db.delete('edits', id);
    this.c.tell({ about: 'edited', id, ...(message && { message }) });
  }

  private set(item: EditItem): void {
    this.items.value = new Map(this.items.peek()).set(item.id, item);
  }
}

function keyOf(conv: string, seq: number): string {
  return `${conv} ${seq}`;
}

/** The media of a message with another text: one text where the first was, before all else where there was none; none where it is empty. */
export function withText(media: Medium[], text: string, mentions: string[]): Medium[] {
  const at = media.findIndex((m) => m.type === contentText);
  const before = media[at]?.content ?? {};
  const { re, fw } = media[0]?.content ?? {};
  const others = media.map((m) => {
    const { re: _r, fw: _f, at: _a, ed: _e, ...content } = m.content;
    return { type: m.type, content };
  });
  const { re: _r, fw: _f, at: _a, ed: _e, ...kept } = before;
  const one: Medium[] = text ? [{ type: contentText, content: { ...kept, co: text } }] : [];
  const place = Math.max(at, 0);
  const list = [
    ...others.slice(0, place).filter((m) => m.type !== contentText),
    ...one,
    ...others.slice(place).filter((m) => m.type !== contentText),
  ];
  const own = {
    ...(re !== undefined && { re }),
    ...(fw !== undefined && { fw }),
    ...(mentions.length > 0 && { at: mentions }),
  };
  return list.map((m, i) => (i === 0 ? { ...m, content: { ...m.content, ...own } } : m));
}

/** What views see of it, signed in or out. */
export function editsCore(peek: () => Edits | undefined, inTime: (m: Message) => boolean): EditsCore {
  return {
    can: (m) => canEdit(m) && inTime(m),
    // Who has begun in time is not held up here: the server decides.
    put(m, text, mentions = []) {
      if (canEdit(m)) peek()?.put(m as StoredMessage, text, mentions);
    },
    retry: (m) => peek()?.retry(m.conv, m.seq ?? 0),
    discard: (m) => peek()?.discard(m.conv, m.seq ?? 0),
  };
}

/** One's own, stored, and text or files that may have a caption. */
function canEdit(m: Message): boolean {
  if (!m.mine || m.seq === undefined || m.recalledBy) return false;
  return m.text !== '' || m.media.some((one) => one.type === 1 || (one.type >= 3 && one.type <= 15));
}
