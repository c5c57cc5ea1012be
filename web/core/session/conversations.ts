// The list of conversations: what is unread, how far one has read, drafts.

import { batch, computed, type ReadonlySignal, signal } from '@preact/signals-core';
import type { WireConversation } from '../api/shapes';
import { Problem } from '../problem';
import type { Conversation, Medium, Message } from '../types';
import { type Context, later } from './context';
import { edited, fromWire, mentions, newer, recalled, type StoredMessage } from './messages';

/** ms between reading and telling the server: all of a conversation, or a part of it, as one does while one scrolls. */
const readDelay = 400;
const partDelay = 1000;
/** ms until a server that could not take it is told again, unless it names a time itself. */
const readRetry = 30_000;

export class Conversations {
  private readonly map = new Map<string, Conversation>();
  /** Goes up with every change of the map. */
  private readonly version = signal(0);
  /** Unread messages that came over MQTT and are not yet in the server's figures that are here. */
  private readonly counted = new Map<string, { seq: number; mention: boolean }[]>();
  private readonly unsentRead = new Map<string, number>();
  /** Called when messages are cleared, with the last seq that is. */
  onCleared: (conv: string, seq: number) => void = () => {};
  private readonly sending = new WeakMap<Conversation, Conversation>();
  private readTimer: (() => void) | undefined;
  /** ms that it was given. */
  private readWait = 0;

  readonly list: ReadonlySignal<Conversation[]> = computed(() => {
    this.version.value;
    const outgoing = this.outgoing();
    const begun = [...outgoing.keys()].filter((conv) => !this.map.has(conv)).map((conv) => this.blank(conv));
    const all = [...this.map.values(), ...begun].map((c) => this.shown(c, outgoing.get(c.conv)));
    // What has no message yet stands where its group began.
    const at = new Map<string, number>();
    for (const c of all) at.set(c.conv, Math.max(c.outgoing?.ts ?? 0, c.last?.ts ?? this.describe(c.conv).since));
    const when = (c: Conversation) => at.get(c.conv) ?? 0;
    return all.sort((a, b) => Number(b.pinned) - Number(a.pinned) || when(b) - when(a) || a.name.localeCompare(b.name));
  });
  readonly unreadTotal: ReadonlySignal<number> = computed(() =>
    this.list.value.reduce((n, c) => (c.muted && !c.mentioned ? n : n + c.unread), 0),
  );

  constructor(
    private readonly c: Context,
    /** Name and avatar for a conversation that the server has not described yet; when its group was made, in ms since 1970. */
    private readonly describe: (conv: string) => { name: string; avatar: string; since: number },
    /** What one has written and the server has not stored. Follows changes. */
    private readonly outgoing: () => ReadonlyMap<string, Message>,
    /** A message as its author has changed it. Follows changes. */
    private readonly asEdited: (m: StoredMessage) => StoredMessage,
  ) {}

  get(conv: string): Conversation | undefined {
    return this.map.get(conv);
  }

  /** Follows changes of the list: for signals that are computed from one conversation. */
  watch(conv: string): Conversation | undefined {
    this.version.value;
    return this.map.get(conv);
  }

  async restore(): Promise<void> {
    // Copies that an older version has kept know less.
    for (const c of await this.c.db.all('conversations'))
      if (!this.map.has(c.conv)) this.map.set(c.conv, { ...this.blank(c.conv), ...c });
    for (const conv of await this.c.db.keys('drafts')) {
      this.change(conv, { draft: (await this.c.db.get('drafts', conv)) ?? '' });
    }
    this.version.value = this.version.peek() + 1;
  }

  /** Writes all of it anew. */
  keep(): void {
    for (const c of this.map.values()) {
      void this.c.db.putConversation(c);
      if (c.draft) void this.c.db.putKeyed('drafts', c.conv, c.draft);
    }
  }

  /** Reads the list from the server. Returns those that have moved, with the last seq that was known. Throws Problem. */
  async load(): Promise<{ conv: string; known: number }[]> {
    const before = [...this.map.keys()]; // one that begins while the answer is on its way may not be in it
    const list = await this.c.api.list<WireConversation>('/conversations');
    const moved: { conv: string; known: number }[] = [];
    batch(() => {
      for (const w of list) {
        const known = this.map.get(w.conv)?.lastSeq ?? 0;
        if (w.last_seq > known) moved.push({ conv: w.conv, known });
        this.accept(w);
        // An earlier page may have been closed before it could tell.
        const { readSeq = 0 } = this.map.get(w.conv) ?? {};
        if (readSeq > w.read_seq) this.oweRead(w.conv, readSeq, readDelay);
      }
      for (const conv of before) if (!list.some((w) => w.conv === conv)) this.remove(conv);
    });
    return moved;
  }

  /** Reads one conversation from the server, because it is new or its figures are not known here. */
  async fetch(conv: string): Promise<void> {
    try {
      this.accept(await this.c.api.get<WireConversation>(`/conversations/${encodeURIComponent(conv)}`));
    } catch {
      // The next connection reads the list.
    }
  }

  /** Takes a stored message into account. False: it was known. */
  message(m: StoredMessage): boolean {
    const c = this.map.get(m.conv);
    if (c && m.seq <= c.lastSeq) return false;
    const now = c ?? this.blank(m.conv);
    const others = !m.mine && m.seq > now.readSeq;
    const mention = others && mentions(m, this.c.uid);
    if (others) {
      const list = this.counted.get(m.conv) ?? [];
      list.push({ seq: m.seq, mention });
      this.counted.set(m.conv, list);
    }
    this.change(m.conv, {
      last: m,
      lastSeq: m.seq,
      unread: now.unread + (others ? 1 : 0),
      mentioned: now.mentioned || mention,
    });
    if (!c) void this.fetch(m.conv);
    return true;
  }

  /** One has seen everything, or everything up to a seq. */
  markRead(conv: string, upTo = Number.POSITIVE_INFINITY): void {
    const c = this.map.get(conv);
    const seq = Math.min(upTo, c?.lastSeq ?? 0);
    if (!c || c.readSeq >= seq) return;
    const left = (this.counted.get(conv) ?? []).filter((m) => m.seq > seq);
    this.counted.set(conv, left);
    const part = seq < c.lastSeq;
    this.change(conv, part ? { readSeq: seq, unread: Math.min(c.unread, c.lastSeq - seq) } : read(seq));
    this.c.tell({ about: 'read', conv, seq });
    this.oweRead(conv, seq, part ? partDelay : readDelay);
  }

  /** Tells the server what could not be told while there was no connection. keepalive: whatever becomes of the page. */
  async sendRead(keepalive = false): Promise<void> {
    this.readTimer?.();
    this.readTimer = undefined;
    await Promise.all([...this.unsentRead].map(([conv, seq]) => this.putRead(conv, seq, keepalive)));
  }

  /** The page may be closed now. What does not arrive, the next list brings up again. */
  flush(): void {
    if (this.readTimer) void this.sendRead(true);
  }

  private async putRead(conv: string, seq: number, keepalive: boolean): Promise<void> {
    try {
      await this.c.api.request('PUT', `/conversations/${encodeURIComponent(conv)}/read`, { body: { seq }, keepalive });
      if (this.unsentRead.get(conv) === seq) this.unsentRead.delete(conv);
      // What is left unread of others, only the server knows.
      if (seq < (this.map.get(conv)?.lastSeq ?? 0)) await this.fetch(conv);
    } catch (e) {
      // What could not be told stays for the next connection; what the server refuses does not.
      if (!(e instanceof Problem) || e.status === 0) return;
      if ([403, 404, 422].includes(e.status)) this.unsentRead.delete(conv);
      else this.oweRead(conv, seq, e.retryAfter === undefined ? readRetry : e.retryAfter * 1000);
    }
  }

  /** The server is to be told in so many ms, or with what it is told before that. */
  private oweRead(conv: string, seq: number, delay: number): void {
    this.unsentRead.set(conv, Math.max(seq, this.unsentRead.get(conv) ?? 0));
    if (this.readTimer && this.readWait <= delay) return;
    this.readTimer?.();
    this.readWait = delay;
    this.readTimer = later(this.c, delay, () => void this.sendRead());
  }

  /** Notice 0x43: someone has read up to seq; on another device or in another tab, if it is oneself. */
  read(conv: string, seq: number, uid: string): void {
    const c = this.map.get(conv);
    if (!c) return;
    if (uid !== this.c.uid) {
      if (seq > c.peerReadSeq) this.change(conv, { peerReadSeq: seq });
      return;
    }
    if (seq <= c.readSeq) return;
    if (seq >= c.lastSeq) this.change(conv, read(seq));
    else void this.fetch(conv);
  }

  /** Notice 0x40: a message was taken back. */
  recalled(conv: string, seq: number, by: string): void {
    const last = this.map.get(conv)?.last;
    if (last?.seq === seq) this.change(conv, { last: recalled(last, by) });
  }

  /** Notice 0x41: its author has changed a message. Whether it mentions one that has not read it, the server knows. */
  edited(conv: string, seq: number, media: Medium[], at: number): void {
    const c = this.map.get(conv);
    if (!c) return;
    if (c.last?.seq === seq) this.change(conv, { last: edited(c.last, media, at) });
    if (conv.startsWith('g:') && seq > c.readSeq) void this.fetch(conv);
  }

  setDraft(conv: string, draft: string): void {
    if (!this.takeDraft(conv, draft)) return;
    this.c.tell({ about: 'draft', conv, draft });
    if (draft) void this.c.db.putKeyed('drafts', conv, draft);
    else void this.c.db.delete('drafts', conv);
  }

  /** Shows a draft. False: it is known. */
  takeDraft(conv: string, draft: string): boolean {
    if (draft === (this.map.get(conv)?.draft ?? '')) return false;
    this.change(conv, { draft });
    return true;
  }

  /** Throws Problem, and then nothing has changed. */
  async set(conv: string, change: { muted?: boolean; pinned?: boolean }): Promise<void> {
    const path = `/conversations/${encodeURIComponent(conv)}`;
    const wire = await this.c.api.request<WireConversation>('PATCH', path, { body: change });
    this.accept(wire);
    this.c.tell({ about: 'conversation', wire });
  }

  /** Throws Problem, and then nothing has changed. */
  async clear(conv: string): Promise<void> {
    const seq = this.map.get(conv)?.lastSeq ?? 0;
    if (seq === 0) return;
    await this.c.api.request('PUT', `/conversations/${encodeURIComponent(conv)}/cleared`, { body: { seq } });
    this.settings(conv, { clearedSeq: seq });
  }

  /** Notice 0x45: what one has set for oneself, here or on another device. */
  settings(conv: string, { clearedSeq = 0, ...o }: { muted?: boolean; pinned?: boolean; clearedSeq?: number }): void {
    const c = this.map.get(conv);
    if (!c) return;
    this.change(conv, o);
    if (clearedSeq > c.clearedSeq) this.cleared(conv, clearedSeq);
  }

  /** Sets name and avatar, where the conversation is known. */
  rename(conv: string, change: { name?: string | undefined; avatar?: string | undefined }): void {
    const c = this.map.get(conv);
    if (c) this.change(conv, { name: change.name ?? c.name, avatar: change.avatar ?? c.avatar });
  }

  remove(conv: string): void {
    const draft = this.map.get(conv)?.draft;
    if (conv.startsWith('u:') && draft) return; // one has begun to write to someone for the first time
    this.map.delete(conv);
    this.counted.delete(conv);
    this.version.value = this.version.peek() + 1;
    void this.c.db.deleteConversation(conv);
  }

  /** What the server says of a conversation. */
  accept(w: WireConversation): void {
    const c = this.map.get(w.conv) ?? this.blank(w.conv);
    const { cleared_seq: clearedSeq = 0 } = w;
    const readSeq = Math.max(c.readSeq, w.read_seq, clearedSeq);
    const readHere = readSeq > w.read_seq && readSeq >= w.last_seq;
    // Messages may have come over MQTT while the answer was on its way.
    const since = (this.counted.get(w.conv) ?? []).filter((m) => m.seq > w.last_seq && m.seq > readSeq);
    this.counted.set(w.conv, since);
    this.change(w.conv, {
      name: w.name || c.name,
      avatar: w.avatar,
      muted: w.muted,
      pinned: w.pinned,
      readSeq,
      peerReadSeq: Math.max(c.peerReadSeq, w.peer_read_seq),
      unread: (readHere ? 0 : Math.min(w.unread, w.last_seq - readSeq)) + since.length,
      mentioned: (!readHere && w.mentioned) || since.some((m) => m.mention),
      ...(c.lastSeq <= w.last_seq && {
        lastSeq: w.last_seq,
        ...(w.last && { last: this.lastOf(c, fromWire(w.conv, w.last, this.c.uid)) }),
      }),
    });
    if (clearedSeq > c.clearedSeq) this.cleared(w.conv, clearedSeq);
  }

  /** The list may have been read before a change of its last message, and come after it. */
  private lastOf(c: Conversation, m: StoredMessage): Message {
    return c.last?.seq === m.seq ? newer(c.last, m) : m;
  }

  private cleared(conv: string, seq: number): void {
    const c = this.map.get(conv);
    if (!c) return;
    this.counted.set(
      conv,
      (this.counted.get(conv) ?? []).filter((m) => m.seq > seq),
    );
    const { last, ...rest } = c;
    if (last?.seq === undefined || last.seq <= seq) this.map.set(conv, rest);
    this.change(conv, {
      clearedSeq: seq,
      ...(seq >= c.lastSeq ? read(Math.max(c.readSeq, c.lastSeq)) : { readSeq: Math.max(c.readSeq, seq) }),
      unread: Math.min(c.unread, Math.max(0, c.lastSeq - seq)),
    });
    this.onCleared(conv, seq);
  }

  private change(conv: string, change: Partial<Conversation>): void {
    const c = { ...(this.map.get(conv) ?? this.blank(conv)), ...change };
    this.map.set(conv, c);
    this.version.value = this.version.peek() + 1;
    void this.c.db.putConversation(c);
  }

  /** A conversation with what is going out, be it a message or another text for its last. The same as long as neither changes: its row in the list need not be drawn anew. */
  private shown(c: Conversation, outgoing: Message | undefined): Conversation {
    const last = c.last?.seq === undefined ? c.last : this.asEdited(c.last as StoredMessage);
    if (!outgoing && last === c.last) return c;
    const before = this.sending.get(c);
    if (before && before.outgoing === outgoing && before.last === last) return before;
    const now = { ...c, ...(outgoing && { outgoing }), ...(last && { last }) };
    this.sending.set(c, now);
    return now;
  }

  private blank(conv: string): Conversation {
    const { name, avatar } = this.describe(conv);
    return {
      conv,
      kind: conv.startsWith('g:') ? 'group' : 'user',
      name,
      avatar,
      lastSeq: 0,
      readSeq: 0,
      peerReadSeq: 0,
      unread: 0,
      mentioned: false,
      muted: false,
      pinned: false,
      draft: '',
      clearedSeq: 0,
    };
  }
}

/** Nothing is left unread. */
function read(seq: number) {
  return { readSeq: seq, unread: 0, mentioned: false };
}
