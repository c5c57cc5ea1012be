// The messages of one conversation that a view shows: an unbroken run, from the database first, then the network. Mostly it goes up to the
// newest; around an old message it begins anew, and grows at both ends until it meets the newest again.

import { batch, computed, type ReadonlySignal, signal } from '@preact/signals-core';
import type { History } from '../api/shapes';
import type { Item, Medium, Message, NoticeLine } from '../types';
import type { Context } from './context';
import { linesOfPage } from './lines';
import { edited, fromWire, newer, recalled, type StoredMessage } from './messages';

const pageSize = 50;
/** The longest page that the server gives. */
const maxPage = 500;
/** More than this many missed messages are not caught up with: they come as one scrolls. */
const maxMissed = 400;

export class Thread {
  private readonly messages = signal<StoredMessage[]>([]);
  /** Nothing before the first message may be read. */
  private readonly atStart = signal(false);
  /** The run ends before the newest message. */
  private readonly apart = signal(false);
  /** One's own messages that were stored before those in front of them have come. */
  private readonly ahead = signal<StoredMessage[]>([]);
  /** Goes up with each message that is written here, on this page. */
  readonly written = signal(0);
  readonly loading = signal(false);
  readonly error = signal<Error | undefined>(undefined);
  readonly items: ReadonlySignal<Item[]>;
  readonly hasOlder: ReadonlySignal<boolean> = computed(
    () => !this.atStart.value && (this.messages.value[0]?.seq ?? 0) > this.o.clearedSeq() + 1,
  );
  readonly hasNewer: ReadonlySignal<boolean> = this.apart;
  /** Goes up when another run takes the place of the one that was here: what was asked for that one is of no use then. */
  private run = 0;
  private catching: Promise<void> | undefined;
  private again = false;
  private started: Promise<void> | undefined;
  /** Own messages as the other side has read them. The same each time: their rows need not be drawn anew. */
  private readonly asRead = new WeakMap<StoredMessage, Message>();

  constructor(
    private readonly c: Context,
    readonly conv: string,
    private readonly o: {
      /** What one has written here and the server has not yet stored. Follows changes. */
      waiting: () => Message[];
      /** A message as its author has changed it. Follows changes. */
      shown: (m: StoredMessage) => StoredMessage;
      /** How far the other side has read. Follows changes. */
      peerReadSeq: () => number;
      /** Lines about the group, by time. Follows changes. */
      lines: () => readonly NoticeLine[];
      /** A page tells of more of them. */
      happened: (lines: NoticeLine[]) => void;
      /** One's own copy is cleared up to here. Follows changes. */
      clearedSeq: () => number;
      /** The newest seq that is known of. */
      lastSeq: () => number;
      /** Nothing newer than that can be there. */
      current: () => boolean;
      /** While what is kept may have been edited, recalled or deleted without a word of it, and the server can be asked: what is to be called once it was. */
      doubt: () => (() => void) | undefined;
    },
  ) {
    this.items = computed(() => {
      const peer = this.o.peerReadSeq();
      const stored = this.messages.value.map((m) => {
        const shown = this.o.shown(m);
        return m.mine && m.seq <= peer ? this.read(shown) : shown;
      });
      const lines = this.around(stored);
      if (this.apart.value) return merge(stored, lines);
      const known = new Set(stored.map((m) => m.id));
      const own = [...this.ahead.value, ...this.o.waiting()].filter((m) => !known.has(m.id));
      return merge([...stored, ...own], lines);
    });
  }

  /** Loads the newest page; around: or the one around that seq, where it lies further back. */
  open(around?: number): Promise<void> {
    this.started ??= this.start(around);
    return this.started;
  }

  async loadOlder(): Promise<void> {
    if (this.loading.peek() || this.messages.peek().length === 0 || !this.hasOlder.peek()) return;
    await this.load(async () => {
      await this.makeSure();
      const { run } = this;
      const first = this.messages.peek()[0]?.seq;
      if (first === undefined || !this.hasOlder.peek()) return;
      const kept = await this.c.db.messagesBefore(this.conv, first, pageSize);
      const page = kept.length > 0 ? kept : await this.page(`before=${first}`);
      if (run !== this.run) return;
      if (page.length === 0) this.atStart.value = true;
      this.append(page);
    });
  }

  async loadNewer(): Promise<void> {
    if (this.loading.peek() || this.messages.peek().length === 0 || !this.apart.peek()) return;
    await this.load(async () => {
      await this.makeSure();
      await this.grow(this.messages.peek().at(-1)?.seq ?? 0);
    });
  }

  /** Sees to it that the message with that seq is here. False: there is none that may be read, or it can't be read now. */
  async loadAround(seq: number): Promise<boolean> {
    const here = () => this.messages.peek().some((m) => m.seq === seq);
    if (here()) return true;
    if (seq <= this.o.clearedSeq()) return false;
    await this.load(async () => {
      await this.makeSure();
      const doubt = this.o.doubt();
      const kept = doubt ? [] : await this.kept(seq);
      const half = pageSize / 2;
      const run =
        kept.length > 0 ? kept : await this.page(seq > half ? `after=${seq - half}` : `before=${pageSize + 1}`);
      this.begin(seq, run);
      if (doubt && here()) this.sure(run, doubt);
    });
    return here();
  }

  /** Comes back to the newest message. */
  async loadNewest(): Promise<void> {
    if (!this.apart.peek()) return;
    await this.load(async () => {
      await this.makeSure();
      const kept = await this.c.db.messagesBefore(this.conv, this.o.lastSeq() + 1, pageSize);
      const page = kept.length > 0 ? kept : await this.page('');
      batch(() => {
        this.join(page);
        this.apart.value = false;
      });
    });
    if (!this.apart.peek()) await this.catchUp();
  }

  /** One has written something here, and wants to see it. */
  wrote(): void {
    this.written.value++;
    void this.loadNewest();
  }

  /** A message was stored by the server. */
  receive(m: StoredMessage): void {
    const list = this.messages.peek();
    const last = list.at(-1)?.seq ?? 0;
    if (m.seq === last + 1) this.messages.value = [...list, m];
    else if (m.seq <= last) this.messages.value = list.map((x) => (x.seq === m.seq ? newer(x, m) : x));
    else if (!this.apart.peek()) {
      if (m.mine) this.ahead.value = [...this.ahead.peek().filter((x) => x.seq !== m.seq), m];
      void this.catchUp();
    }
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

  private async start(around?: number): Promise<void> {
    if (around !== undefined && this.o.lastSeq() - around >= pageSize / 2) {
      this.begin(around, await this.kept(around)); // at once, though it may be in doubt
      if (await this.loadAround(around)) return this.catchUp();
    }
    const newest = (await this.c.db.lastSeq(this.conv)) + 1;
    const kept = await this.c.db.messagesBefore(this.conv, newest, pageSize);
    if (this.messages.peek().length === 0) this.append(kept);
    await this.catchUp();
    // What is kept may be the newest few alone, with a gap before them.
    if (this.messages.peek().length < pageSize / 2 && this.hasOlder.peek()) await this.loadOlder();
  }

  private async missing(): Promise<void> {
    if (await this.makeSure()) return;
    const last = this.messages.peek().at(-1)?.seq ?? 0;
    const { run } = this;
    if (this.apart.peek() || (last > 0 && last >= this.o.lastSeq() && this.o.current())) return;
    if (last > 0 && this.o.lastSeq() - last > maxMissed) {
      this.apart.value = true;
      return this.grow(last);
    }
    if (last > 0) {
      let from = last;
      for (;;) {
        const page = await this.page(`after=${from}`);
        if (run !== this.run) return;
        this.append(page);
        if (page.length < pageSize) return;
        from = page.at(-1)?.seq ?? from;
      }
    }
    const doubt = this.o.doubt();
    const page = await this.page('');
    if (run !== this.run) return;
    batch(() => {
      this.atStart.value = page.length < pageSize;
      this.append(page);
    });
    if (doubt) this.sure(page, doubt);
  }

  /** Reads what is here from the server anew where it is in doubt, before one reads on in what is kept. True: and so up to the newest message. */
  private async makeSure(): Promise<boolean> {
    const doubt = this.o.doubt();
    const { run } = this;
    const [first, last] = [this.messages.peek()[0]?.seq, this.messages.peek().at(-1)?.seq ?? 0];
    if (!doubt || first === undefined) return false;
    const newest = this.apart.peek() || this.o.lastSeq() - last >= pageSize ? [] : await this.page('');
    const fresh = (newest[0]?.seq ?? last + 2) <= last + 1 ? newest : [];
    for (let before = fresh[0]?.seq ?? last + 1; before > first; ) {
      const page = await this.page(`before=${before}`, Math.min(maxPage, Math.max(pageSize, before - first)));
      fresh.unshift(...page);
      before = page[0]?.seq ?? 0;
    }
    if (run !== this.run) return false;
    const there = new Set(fresh.map((m) => m.seq));
    batch(() => {
      this.messages.value = this.messages.peek().filter((m) => m.seq > last || there.has(m.seq));
      this.append(fresh);
    });
    this.sure(fresh, doubt);
    return newest.length > 0 && fresh.at(-1) === newest.at(-1);
  }

  /** What is here was just read from the server. What else is kept goes: nothing tells whether it is still as it was. */
  private sure(run: StoredMessage[], settled: () => void): void {
    void this.c.db.keepMessages(this.conv, run[0]?.seq, this.apart.peek() ? run.at(-1)?.seq : undefined);
    settled();
  }

  /** Brings the page after the last message. Where that is the last, the run goes up to the newest again. */
  private async grow(last: number): Promise<void> {
    const { run } = this;
    const kept = await this.c.db.messagesAfter(this.conv, last, pageSize);
    const page = kept.length > 0 ? kept : await this.page(`after=${last}`);
    if (run !== this.run) return;
    batch(() => {
      this.append(page);
      if (page.length === 0 || (page.at(-1) as StoredMessage).seq >= this.o.lastSeq()) this.apart.value = false;
    });
    if (!this.apart.peek() && !this.catching) await this.catchUp();
  }

  /** What is kept around a message. */
  private async kept(seq: number): Promise<StoredMessage[]> {
    const after = await this.c.db.messagesAfter(this.conv, seq - 1, pageSize / 2);
    return after.length > 0 ? [...(await this.c.db.messagesBefore(this.conv, seq, pageSize / 2)), ...after] : [];
  }

  /** Begins around a message, where that is in the run. */
  private begin(seq: number, run: StoredMessage[]): void {
    if (!run.some((m) => m.seq === seq)) return;
    batch(() => {
      this.join(run);
      this.apart.value = (this.messages.peek().at(-1)?.seq ?? 0) < this.o.lastSeq();
    });
  }

  /** Another run takes the place of the one that is here, unless they meet. */
  private join(run: StoredMessage[]): void {
    const here = this.messages.peek();
    const [first, last] = [run[0]?.seq ?? 0, run.at(-1)?.seq ?? 0];
    if ((here.at(-1)?.seq ?? 0) < first - 1 || (here[0]?.seq ?? 0) > last + 1) {
      this.run++;
      this.messages.value = [];
      this.atStart.value = false;
    }
    this.append(run);
  }

  /** A message was taken back. */
  recalled(seq: number, by: string): void {
    this.messages.value = this.messages.peek().map((m) => (m.seq === seq ? recalled(m, by) : m));
  }

  /** Its author has changed a message. */
  edited(seq: number, media: Medium[], at: number): void {
    this.messages.value = this.messages.peek().map((m) => (m.seq === seq ? edited(m, media, at) : m));
  }

  /** One has cleared one's own copy up to there. */
  clear(seq: number): void {
    this.messages.value = this.messages.peek().filter((m) => m.seq > seq);
    this.ahead.value = this.ahead.peek().filter((m) => m.seq > seq);
    if (this.messages.peek().length === 0 && this.apart.peek()) void this.loadNewest();
  }

  private read(m: StoredMessage): Message {
    const known = this.asRead.get(m) ?? { ...m, read: true };
    this.asRead.set(m, known);
    return known;
  }

  /** The lines that stand among these messages: those before and after are on pages that are not here. */
  private around(messages: Message[]): readonly NoticeLine[] {
    const lines = this.o.lines();
    const from = this.hasOlder.value ? (messages[0]?.ts ?? 0) : 0;
    const to = this.apart.value ? (messages.at(-1)?.ts ?? 0) : Number.POSITIVE_INFINITY;
    return lines.filter((l) => l.ts >= from && l.ts <= to);
  }

  private append(page: StoredMessage[]): void {
    const cleared = this.o.clearedSeq();
    const bySeq = new Map(this.messages.peek().map((m) => [m.seq, m]));
    for (const m of page) if (m.seq > cleared) bySeq.set(m.seq, newer(bySeq.get(m.seq), m));
    batch(() => {
      this.messages.value = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
      if (this.ahead.peek().length > 0) this.ahead.value = this.ahead.peek().filter((m) => !bySeq.has(m.seq));
    });
  }

  private async page(query: string, limit = pageSize): Promise<StoredMessage[]> {
    const path = `/conversations/${encodeURIComponent(this.conv)}/messages?limit=${limit}${query && `&${query}`}`;
    const { items, notices = [] } = await this.c.api.get<History>(path);
    this.o.happened(linesOfPage(this.conv, notices));
    const list = items.map((m) => fromWire(this.conv, m, this.c.uid));
    // One may have cleared one's copy while the answer was on its way.
    const left = list.filter((m) => m.seq > this.o.clearedSeq());
    void this.c.db.putMessages(left);
    return left;
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
function merge(messages: Message[], lines: readonly NoticeLine[]): Item[] {
  if (lines.length === 0) return messages;
  const out: Item[] = [];
  let i = 0;
  for (const m of messages) {
    while (i < lines.length && (lines[i] as NoticeLine).ts <= m.ts) out.push(lines[i++] as NoticeLine);
    out.push(m);
  }
  return [...out, ...lines.slice(i)];
}
