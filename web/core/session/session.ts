// One signed-in user: its parts, and what happens between them.

import { batch, computed, type ReadonlySignal, signal } from '@preact/signals-core';
import type { Api } from '../api/http';
import type { KeptAccount, SignIn } from '../api/shapes';
import { Database, type OutboxItem } from '../db/database';
import { Media } from '../media/media';
import { type Received, type Socket, userProperty } from '../mqtt/client';
import { MalformedPayload } from '../payload/json';
import type {
  Connection as ConnectionState,
  Conversation,
  ConversationView,
  Medium,
  Message,
  NoticeLine,
  SendOptions,
  StorageState,
} from '../types';
import { Announcements } from './announcements';
import { Arrivals } from './arrivals';
import { type Context, later, type News } from './context';
import { Conversations } from './conversations';
import { Edits } from './edits';
import { Groups } from './groups';
import { Line } from './line';
import { Lines } from './lines';
import { edited, fromPacket, parseTopic, recalled, type StoredMessage, topicOf, unhex } from './messages';
import { takeNotice } from './notices';
import { Outbox } from './outbox';
import { People } from './people';
import { Thread } from './thread';
import { Typing } from './typing';

/** Messages older than this at the time of connecting, in ms, were missed: they make no sound. */
const missedAge = 60_000;
/** ms until what could not be read over HTTP is asked for again, should the connection stay. */
const syncRetry = 5000;
/** ms between a notice and the question that it leads to. */
const soonDelay = 50;
/** ms by which a packet's time may be behind that of what came before it: it counts seconds, and a message of one's own by this clock. */
const oneTime = 3000;
/** ms after which kept messages are compared with the server's again: what retention deletes is told by nothing. */
const doubtAge = 6 * 3600_000;
/** Conversations whose missed messages are fetched although no view shows them. */
const maxFetched = 30;

export interface SessionOptions {
  api: Api;
  account: KeptAccount;
  mqtt: () => SignIn['mqtt'];
  socket: (url: string) => Socket;
  now: () => number;
  locks: LockManager | null;
  channel: ((name: string) => BroadcastChannel) | null;
  memory: boolean;
  /** Another device had the connection when the last page was closed. */
  kicked: boolean;
  /** elsewhere: another tab has signed out, and wipes what is kept. */
  onEnded: (reason: string, elsewhere?: boolean) => void;
  onMessage: (m: Message, c: Conversation) => void;
}

/** One of the views that show a conversation. */
interface View {
  sees: () => boolean;
}

export class Session {
  readonly people: People;
  readonly announcements: Announcements;
  readonly groups: Groups;
  readonly conversations: Conversations;
  readonly outbox: Outbox;
  readonly edits: Edits;
  readonly typing: Typing;
  readonly media: Media;
  private readonly lines: Lines;
  private readonly arrivals: Arrivals;
  /** Times of the newest in each conversation. */
  private readonly latest = new Map<string, number>();
  private readonly line: Line;
  private readonly threads = new Map<string, { thread: Thread; views: Set<View> }>();
  private readonly asking = new Set<string>();
  /** Conversations whose kept messages have not been compared with the server's since a session was lost, or for long. */
  private doubtful = new Set<string>();
  private doubted = 0;
  private upSince = 0;
  /** What is shown is what the server told since this page began. */
  readonly synced = signal(false);
  readonly state: ReadonlySignal<ConnectionState>;

  static async open(o: SessionOptions): Promise<Session> {
    const { eid } = o.account.org;
    const { uid } = o.account.user;
    const db = await Database.open(eid, uid, { memory: o.memory });
    const ending = new AbortController();
    const tell = (news: News) => session.line.tell(news);
    const session: Session = new Session({ api: o.api, db, eid, uid, signal: ending.signal, tell }, o, ending);
    db.onWiped = () => {
      session.outbox.keep();
      session.edits.keep();
      session.conversations.keep();
    };
    await Promise.all([
      session.conversations.restore(),
      session.groups.restore(),
      session.people.restore(),
      session.outbox.restore(),
      session.edits.restore(),
    ]);
    session.media.sweep();
    session.line.start();
    return session;
  }

  /** Deletes what is kept of somebody who is not signed in. */
  static async wipe(eid: string, uid: string): Promise<void> {
    await Promise.all([Database.delete(eid, uid), Media.wipe(eid, uid)]);
  }

  private constructor(
    private readonly c: Context,
    private readonly o: SessionOptions,
    private readonly ending: AbortController,
  ) {
    this.arrivals = new Arrivals(c, () => this.readSeen());
    this.people = new People(c);
    this.announcements = new Announcements(c);
    this.groups = new Groups(c);
    this.conversations = new Conversations(
      c,
      (conv) => this.describe(conv),
      () => this.outbox.outgoing.value,
      (m) => this.edits.shown(m),
    );
    this.conversations.onCleared = (conv, seq) => {
      this.threads.get(conv)?.thread.clear(seq);
      this.lines.clear(conv);
      void c.db.deleteMessages(conv, seq);
    };
    this.lines = new Lines(c);
    this.outbox = new Outbox(c, {
      publish: (conv, id, payload) =>
        this.line.publish(topicOf(c.eid, 'im', conv), payload, { correlationData: unhex(id) }),
      onStored: (item, m) => this.stored(item, m),
      onGone: (item) => this.media.dropped(item),
    });
    this.edits = new Edits(c, {
      onEdited: (m) => this.edited(m),
    });
    this.media = new Media(c, {
      memory: o.memory,
      items: this.outbox.all,
      change: (id, f) => this.outbox.change(id, f),
      fail: (id, problem) => this.outbox.fail(id, problem),
      queue: (conv, media, files, after) => {
        this.threads.get(conv)?.thread.wrote();
        return this.outbox.queue(conv, media, files, after);
      },
    });
    this.line = new Line(c, {
      kicked: o.kicked,
      mqtt: o.mqtt,
      socket: o.socket,
      now: o.now,
      memory: o.memory,
      locks: o.locks,
      channel: o.channel,
      stalled: computed(() => this.outbox.stalled.value.size > 0),
      onMessage: (m) => this.receive(m),
      onUp: (sessionPresent) => this.up(sessionPresent),
      onDown: () => {
        this.outbox.stop();
        this.edits.stop();
      },
      onEnded: o.onEnded,
      onLead: () => {
        void this.outbox.restore(); // another tab may have left something that it could not tell
        void this.edits.restore();
        this.media.leads();
      },
      onFollow: () => this.media.follow(),
      onJoined: () => {
        this.outbox.tellAll();
        void this.outbox.restore();
      },
      onNews: (n) => batch(() => this.news(n)),
    });
    this.state = this.line.state;
    this.typing = new Typing(c, (conv) => this.line.drop(topicOf(c.eid, 'typing', conv), new Uint8Array(0)));
  }

  get storage(): ReadonlySignal<StorageState> {
    return this.c.db.state;
  }

  open(conv: string, around?: number): ConversationView {
    let entry = this.threads.get(conv);
    if (!entry) {
      entry = { thread: this.thread(conv), views: new Set() };
      this.threads.set(conv, entry);
      void entry.thread.open(around);
    } else if (around !== undefined) {
      void entry.thread.loadAround(around);
    }
    const self: View = { sees: () => false };
    const { thread, views } = entry;
    views.add(self);
    return {
      conv,
      items: thread.items,
      hasOlder: thread.hasOlder,
      loading: thread.loading,
      error: thread.error,
      typing: this.typing.of(conv),
      loadOlder: () => thread.loadOlder(),
      hasNewer: thread.hasNewer,
      loadNewer: () => thread.loadNewer(),
      loadAround: (seq) => thread.loadAround(seq),
      loadNewest: () => thread.loadNewest(),
      written: thread.written,
      markRead: (upTo) => this.conversations.markRead(conv, upTo),
      follow: (sees) => {
        self.sees = sees;
      },
      close: () => {
        if (views.delete(self) && views.size === 0) this.threads.delete(conv);
      },
    };
  }

  send(conv: string, text: string, o?: SendOptions): void {
    batch(() => {
      this.outbox.send(conv, text, o);
      this.conversations.setDraft(conv, '');
      this.typing.done(conv);
      this.threads.get(conv)?.thread.wrote();
    });
  }

  reconnect(): void {
    this.line.reconnect();
  }

  nudge(): void {
    this.line.nudge();
    this.media.nudge();
  }

  /** Ends everything that runs. ended: why, where nobody has asked for it. tell: the other tabs end too. */
  close(o: { tell: boolean; ended?: string }): void {
    if (o.tell) this.c.tell({ about: 'end', reason: o.ended ?? 'You signed out in another tab.' });
    this.line.stop(o.ended === undefined ? 'idle' : 'ended', o.ended);
    this.ending.abort();
  }

  /** After that: deletes what is kept on this device, but for what the server does not have. True: there is something of that. */
  async clean(keep: 'all' | 'unsent' | 'nothing'): Promise<boolean> {
    if (keep === 'all') this.c.db.close();
    const left = keep === 'unsent' ? await this.c.db.strip() : keep === 'all';
    await Promise.all([this.media.close({ wipe: !left }), keep === 'nothing' && this.c.db.wipe()]);
    return left;
  }

  private up(sessionPresent: boolean): void {
    this.arrivals.flush();
    this.upSince = this.c.api.serverNow();
    if (this.line.leads) {
      this.outbox.start();
      this.edits.start();
    }
    void this.conversations.sendRead();
    this.media.nudge();
    // A session that was kept brings what was missed by itself; what this page showed before is then still right.
    if (!sessionPresent) this.doubtAll();
    if (!sessionPresent || !this.synced.peek()) void this.sync();
    else for (const { thread } of this.threads.values()) if (thread.error.peek()) void thread.catchUp();
  }

  private doubtAll(): void {
    this.doubtful = new Set(this.conversations.list.peek().map((c) => c.conv));
    this.doubted = this.o.now();
  }

  /** Reads over HTTP what MQTT does not bring: the state of things, and messages after a session was lost. */
  private async sync(): Promise<void> {
    try {
      const announced = this.announcements.load().catch(() => {}); // nothing else waits for it to succeed
      const [moved] = await Promise.all([this.conversations.load(), this.groups.load(), this.people.load(), announced]);
      this.people.refresh();
      this.synced.value = true;
      for (const { thread } of this.threads.values()) void thread.catchUp();
      await this.fetchMissed(
        moved.filter(({ conv, known }) => known > 0 && !this.threads.has(conv)).slice(0, maxFetched),
      );
    } catch {
      this.synced.value = false;
      later(this.c, syncRetry, () => {
        if (this.line.online && !this.synced.peek()) void this.sync();
      });
    }
  }

  /** Brings the copies of conversations that no view shows up to date, so that they open at once. */
  private async fetchMissed(list: { conv: string }[]): Promise<void> {
    for (const { conv } of list) {
      if (this.c.signal.aborted) return;
      await this.thread(conv).open();
    }
  }

  private async receive(p: Received): Promise<void> {
    const topic = parseTopic(p.topic, this.c.eid);
    if (!topic) return;
    try {
      if (topic.area === 'im') return await this.receiveIM(p, topic as { kind: 'u' | 'g'; name: string });
      this.arrivals.flush();
      if (topic.area === 'pres') this.people.presence(topic.name, p.payload);
      else if (topic.area === 'typing') this.receiveTyping(p, topic);
      else if (topic.area === 'notice') this.receiveNotice(p, topic);
    } catch (e) {
      // A payload that is none would come again and again unless it is acknowledged.
      if (!(e instanceof MalformedPayload)) throw e;
    }
  }

  /** When it returns, the message is written, and PUBACK goes out. The tab that leads writes for all. */
  private async receiveIM(p: Received, topic: { kind: 'u' | 'g'; name: string }): Promise<void> {
    const m = fromPacket(p, topic, this.c.uid);
    if (m.seq === undefined) return; // no server of ours: without a place it can't be shown
    const stored = { ...m, ts: this.arrival(m.conv, m.ts) } as StoredMessage;
    const written = this.line.leads ? this.c.db.putMessage(stored) : undefined;
    this.arrivals.take(() => {
      const fresh = this.conversations.message(stored);
      this.threads.get(m.conv)?.thread.receive(stored);
      if (m.mine) this.outbox.seen(m.id);
      this.typing.stopped(m.conv, m.sender);
      const c = this.conversations.get(m.conv);
      if (fresh && c && !m.mine && m.ts > this.upSince - missedAge) queueMicrotask(() => this.o.onMessage(m, c));
    });
    await written;
  }

  /** What came where somebody looks is read. */
  private readSeen(): void {
    for (const [conv, { views }] of this.threads) {
      const unread = this.conversations.get(conv)?.unread ?? 0;
      if (unread > 0 && [...views].some((view) => view.sees())) this.conversations.markRead(conv);
    }
  }

  private receiveTyping(p: Received, topic: { kind: string; name: string }): void {
    const uid = userProperty(p.properties, 'sender') ?? new TextDecoder().decode(p.payload);
    if (!uid || uid === this.c.uid) return;
    this.typing.started(topic.kind === 'g' ? `g:${topic.name}` : `u:${uid}`, uid);
  }

  private receiveNotice(p: Received, topic: { kind: string; name: string }): void {
    const port = {
      uid: this.c.uid,
      people: this.people,
      announcements: this.announcements,
      groups: this.groups,
      conversations: this.conversations,
      outbox: this.outbox,
      // A repeat was meant for a connection that has ended: the server got no acknowledgement as it closed.
      kicked: (by?: ConnectionState['by']) => {
        if (!p.dup) this.line.kicked(by);
      },
      ended: (reason: string) => this.o.onEnded(reason),
      recalled: (conv: string, seq: number, by: string) => {
        this.threads.get(conv)?.thread.recalled(seq, by);
        this.conversations.recalled(conv, seq, by);
        void this.c.db.changeMessage(conv, seq, (m) => recalled(m, by));
      },
      edited: (conv: string, seq: number, media: Medium[], editedAt: number) =>
        this.edited({ conv, seq, media, editedAt }),
      lines: (conv: string, lines: NoticeLine[]) =>
        this.lines.came(
          conv,
          lines.map((l) => ({ ...l, ts: this.arrival(conv, l.ts) })),
        ),
      background: (key: string, f: () => Promise<unknown>) => this.soon(key, f),
    };
    batch(() => takeNotice(port, p.payload, topic, userProperty(p.properties, 'seq') ?? ''));
  }

  /** The author of a message has changed it. */
  private edited({ conv, seq, media, editedAt: at = 0 }: Pick<StoredMessage, 'conv' | 'seq' | 'media' | 'editedAt'>) {
    this.threads.get(conv)?.thread.edited(seq, media, at);
    this.conversations.edited(conv, seq, media, at);
    void this.c.db.changeMessage(conv, seq, (m) => edited(m, media, at));
  }

  /** Many notices about one thing lead to one question. A failure is made good by the next connection. */
  private soon(key: string, f: () => Promise<unknown>): void {
    if (this.asking.has(key)) return;
    this.asking.add(key);
    later(this.c, soonDelay, () => {
      this.asking.delete(key);
      f().catch(() => {});
    });
  }

  /** The server has stored a message of one's own. */
  private async stored(item: OutboxItem, m: Message): Promise<void> {
    await this.c.db.stored(item, m);
    if (m.seq === undefined) {
      void this.threads.get(m.conv)?.thread.catchUp();
      return;
    }
    this.c.tell({ about: 'stored', item, message: m });
    this.arrivals.flush();
    batch(() => this.showStored(m as StoredMessage));
  }

  /** The time that something which came just now is given: packets tell seconds, within which things keep the order in which they came. */
  private arrival(conv: string, ts: number): number {
    const before = this.latest.get(conv) ?? this.conversations.get(conv)?.last?.ts ?? 0;
    const at = before >= ts && before - ts < oneTime ? before + 1 : ts;
    this.latest.set(conv, Math.max(before, at));
    return at;
  }

  private showStored(m: StoredMessage): void {
    this.latest.set(m.conv, Math.max(m.ts, this.latest.get(m.conv) ?? 0));
    this.conversations.message(m);
    this.threads.get(m.conv)?.thread.receive(m);
  }

  /** What another tab has done. */
  private news(n: News): void {
    this.arrivals.flush();
    switch (n.about) {
      case 'waiting':
        this.outbox.take(n.item);
        break;
      case 'discarded':
        this.outbox.forget(n.id);
        break;
      case 'editing':
        this.edits.take(n.item);
        break;
      case 'edited':
        if (n.message) this.edited(n.message as StoredMessage);
        this.edits.forget(n.id);
        break;
      case 'stored':
        this.showStored(n.message as StoredMessage);
        this.outbox.forget(n.item.id);
        break;
      case 'file':
        this.media.take(n.key, n.file);
        break;
      case 'progress':
        this.media.heard(n.key, n.progress);
        break;
      case 'uploads':
        if (this.line.leads) this.media.nudge();
        break;
      case 'read':
        this.conversations.read(n.conv, n.seq, this.c.uid);
        break;
      case 'draft':
        this.conversations.takeDraft(n.conv, n.draft);
        break;
      case 'conversation':
        this.conversations.accept(n.wire);
        break;
      case 'end':
        this.o.onEnded(n.reason, true);
        break;
    }
  }

  private thread(conv: string): Thread {
    const lines = this.lines.of(conv);
    return new Thread(this.c, conv, {
      waiting: () => this.outbox.of(conv),
      shown: (m) => this.edits.shown(m),
      peerReadSeq: () => this.conversations.watch(conv)?.peerReadSeq ?? 0,
      lines: () => lines.value,
      happened: (lines) => this.lines.told(conv, lines),
      clearedSeq: () => this.conversations.watch(conv)?.clearedSeq ?? 0,
      lastSeq: () => this.conversations.get(conv)?.lastSeq ?? 0,
      current: () => this.synced.peek() && this.line.online,
      doubt: () => {
        if (this.o.now() - this.doubted > doubtAge) this.doubtAll();
        const { doubtful } = this;
        return this.line.online && doubtful.has(conv) ? () => doubtful.delete(conv) : undefined;
      },
    });
  }

  private describe(conv: string): { name: string; avatar: string; since: number } {
    const id = conv.slice(2);
    const group = conv.startsWith('g:') ? this.groups.peek(id) : undefined;
    const known = conv.startsWith('g:') ? group : this.people.person(id).peek();
    return { name: known?.name ?? id, avatar: known?.avatar ?? '', since: Date.parse(group?.created ?? '') || 0 };
  }
}
