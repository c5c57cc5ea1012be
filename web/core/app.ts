// The Core that views see: signed in or out, it stays the same object; what belongs to a user comes and goes with the session.

import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals-core';
import { Api } from './api/http';
import type { KeptAccount, SignIn } from './api/shapes';
import { Attempts } from './attempts';
import { alone, forgetAccount, noteKicked, oweGoodbye, readDevice, rememberAccount, renewal } from './db/device';
import { emptyView } from './empty';
import { Hosted } from './hosted';
import { lately } from './lately';
import { forget, type Keep, wipeOthers } from './leaving';
import { mediaOf } from './media/following';
import { Problem, signedOut } from './problem';
import { editsCore } from './session/edits';
import { joiningCore } from './session/joining';
import { nobody } from './session/people';
import { Session } from './session/session';
import type * as t from './types';

/** ms that views have to keep what is half written when a login ends unasked. */
const partingTime = 100;
/** ms after which a login by a host is renewed, for each second of its access token: it lasts only as long as the host says who is there. */
const renewAfter = 750;

export class App implements t.Core {
  private readonly session = signal<Session | undefined>(undefined);
  private readonly aboutServer = signal<t.About | undefined>(undefined);
  private readonly newer = signal(false);
  private readonly who = signal<t.Account>({ status: 'unknown' });
  private readonly attempts = new Attempts(() => this.clock());
  private readonly listeners = new Set<(m: t.Message, c: t.Conversation) => void>();
  private readonly api: Api;
  private readonly clock: () => number;
  private readonly locks: LockManager | null;
  private readonly channel: ((name: string) => BroadcastChannel) | null;
  /** Who is signed in, as the server last said. */
  private kept: KeptAccount | undefined;
  private closing: Promise<void> = Promise.resolve();
  /** One that has ended unasked, while views close that may hold something half written. */
  private parting: Session | undefined;
  private readonly hosted: Hosted;
  /** Nothing is kept on this device. */
  private readonly memory: boolean;

  constructor(private readonly o: t.CoreOptions) {
    this.memory = (o.storage ?? (o.token ? 'memory' : 'indexeddb')) === 'memory';
    this.clock = o.now ?? Date.now;
    // Missing where the page came over plain HTTP.
    this.locks = o.locks === undefined ? (globalThis.navigator?.locks ?? null) : o.locks;
    const channels = typeof BroadcastChannel === 'function' ? (name: string) => new BroadcastChannel(name) : null;
    this.channel = o.channel === undefined ? channels : o.channel;
    // The server that one comes back to may be another version.
    effect(() => {
      if (this.connection.value.state === 'online') void this.readAbout();
    });
    // A page that is reloaded does not take the connection back from another device by that.
    let kicked: boolean | undefined;
    effect(() => {
      const { state, by } = this.connection.value;
      if ((state !== 'kicked' && state !== 'online') || by) return;
      if (kicked === (state === 'kicked')) return;
      kicked = state === 'kicked';
      void this.onDevice(() => noteKicked(state === 'kicked'));
    });
    this.hosted = new Hosted({
      identify: () => this.api.identify(() => this.replaced()),
      enter: (a) => this.enter(a),
      known: () => this.who.peek().status === 'in',
      unknown: () => {
        this.who.value = { status: 'unknown' };
      },
      refused: (why) => this.refused(why),
      attempts: this.attempts,
    });
    const { token } = o;
    this.api = new Api({
      base: o.base,
      fetch: o.fetch ?? ((...a) => fetch(...a)),
      now: this.clock,
      locks: this.locks,
      alone: this.memory ? undefined : alone,
      renewal: this.memory ? undefined : renewal,
      mark: o.mark,
      host: token && { app: o.app ?? '', token: () => this.hosted.token(token) },
      onSignedIn: (s) => this.signedIn(s),
      onSignedOut: (reason, why) => this.ended(reason, false, why),
    });
  }

  get about() {
    return this.aboutServer;
  }

  get updated() {
    return this.newer;
  }

  get account() {
    return this.who;
  }

  readonly connection = computed(() => this.session.value?.state.value ?? this.attempts.state.value);
  readonly current = lately(this.connection, () => this.session.value?.synced.value ?? false);
  readonly conversations = this.of((s) => s.conversations.list, []);
  readonly unsent = this.of<ReadonlyMap<string, t.Message>>((s) => s.outbox.unsent, new Map());
  readonly unreadTotal = this.of((s) => s.conversations.unreadTotal, 0);
  readonly contacts = this.of((s) => s.people.contacts, []);
  readonly contactRequests = this.of((s) => s.people.requests, []);
  readonly announcements = this.of<t.OrgAnnouncement[]>((s) => s.announcements.unread, []);
  readonly storage = this.of<t.StorageState>((s) => s.storage, 'ok');
  readonly groups = this.of((s) => s.groups.list, []);

  async start(): Promise<void> {
    void this.readAbout();
    const { turn } = this.hosted;
    const { account, goodbye, kicked = false } = (await this.onDevice(readDevice)) ?? {};
    if (goodbye) {
      this.who.value = { status: 'out' };
      await this.sayGoodbye();
      return;
    }
    if (account) {
      // What is kept shows at once. Should the server refuse the login, ended() hears of it.
      this.api.assume(account);
      await this.begin(account, kicked);
      return;
    }
    for (let failures = 0; ; failures++) {
      this.attempts.connecting();
      try {
        const a = await this.api.refresh();
        if (turn === this.hosted.turn) await this.hosted.after(this.begin(a, kicked));
        return;
      } catch (e) {
        if (turn !== this.hosted.turn || this.who.peek().status !== 'unknown') return; // one has signed in meanwhile, or does
        if (e instanceof Problem && e.status > 0 && e.status < 500 && e.status !== 429) {
          this.refused(e);
          return;
        }
        await this.attempts.pause(failures, e as Error);
        if (turn !== this.hosted.turn || this.who.peek().status !== 'unknown') return;
      }
    }
  }

  async login(org: string, username: string, password: string): Promise<void> {
    await this.closing;
    const { goodbye } = (await this.onDevice(readDevice)) ?? {};
    if (goodbye) await this.sayGoodbye(); // while the cookie is still that of the login which is to end
    const a = await this.api.login(org.trim(), username.trim(), password);
    await this.onDevice(() => Promise.all([oweGoodbye(false), noteKicked(false)]));
    await this.begin(a);
  }

  async identify(): Promise<void> {
    if (!this.o.token) throw new Error('There is no host to ask.');
    await this.hosted.identify();
    if (!this.session.peek()) throw signedOut();
  }

  async logout(): Promise<void> {
    const s = this.session.peek();
    // Where the host is still being asked, its answer is not waited for: whom it names is not signed in.
    if (!s && !(this.o.token && this.who.peek().status === 'unknown')) return;
    this.hosted.next();
    this.leave();
    s?.close({ tell: true });
    if (s) this.closing = this.forget(s, 'nothing');
    await Promise.all([this.closing, this.sayGoodbye()]);
  }

  reconnect(): void {
    this.attempts.wake?.();
    this.session.peek()?.reconnect();
  }

  nudge(): void {
    this.attempts.wake?.();
    this.session.peek()?.nudge();
  }

  flush(): void {
    this.session.peek()?.conversations.flush();
  }

  now(): number {
    return this.api.serverNow();
  }

  foundUpdate(): void {
    this.newer.value = true;
  }

  useHere(): void {
    this.session.peek()?.reconnect();
  }

  person(uid: string): ReadonlySignal<t.Person> {
    return this.session.peek()?.people.person(uid) ?? signal(nobody(uid));
  }

  async addContact(uid: string, message?: string) {
    return this.need().people.add(uid, message);
  }

  async removeContact(uid: string) {
    await this.need().people.remove(uid);
  }

  async directory(q: string, cursor?: string, department?: string) {
    return this.need().people.directory(q, cursor, department);
  }

  async announced(cursor?: string) {
    return this.need().announcements.list(cursor);
  }

  async readAnnouncement(id: string) {
    await this.need().announcements.read(id);
  }

  async report(conv: string, seq: number, reason: string) {
    await this.api.request('POST', `/conversations/${encodeURIComponent(conv)}/messages/${seq}/report`, {
      body: { reason },
    });
  }

  async departments() {
    return this.need().people.departments();
  }

  group(gid: string): ReadonlySignal<t.Group | undefined> {
    return this.session.peek()?.groups.group(gid) ?? signal(undefined);
  }

  members(gid: string): ReadonlySignal<t.Member[]> {
    return this.session.peek()?.groups.members(gid) ?? signal([]);
  }

  async createGroup(name: string, uids: string[]) {
    const s = this.need();
    const g = await s.groups.create(name, uids);
    await s.conversations.fetch(`g:${g.gid}`);
    return g;
  }

  async updateGroup(gid: string, change: t.GroupChange) {
    const s = this.need();
    await s.groups.update(gid, change);
    s.conversations.rename(`g:${gid}`, change);
  }

  async addMembers(gid: string, uids: string[]) {
    await this.need().groups.addMembers(gid, uids);
  }

  async removeMember(gid: string, uid: string) {
    await this.need().groups.removeMember(gid, uid);
  }

  async joinGroup(gid: string, message?: string) {
    return this.need().groups.join(gid, message);
  }

  async leaveGroup(gid: string) {
    const s = this.need();
    await s.groups.removeMember(gid, this.who.peek().me?.uid ?? '');
    s.conversations.remove(`g:${gid}`);
  }

  async dissolveGroup(gid: string) {
    const s = this.need();
    await s.groups.dissolve(gid);
    s.conversations.remove(`g:${gid}`);
  }

  async setMember(gid: string, uid: string, change: t.MemberChange) {
    await this.need().groups.setMember(gid, uid, change);
  }

  readonly joining = joiningCore(
    () => this.session.peek()?.groups.joining,
    () => this.need().groups.joining,
    this.of<ReadonlyMap<string, number>>((s) => s.groups.waiting, new Map()),
  );

  open(conv: string, around?: number): t.ConversationView {
    return this.session.peek()?.open(conv, around) ?? emptyView(conv);
  }

  send(conv: string, text: string, o?: t.SendOptions): void {
    this.session.peek()?.send(conv, text, o);
  }

  retry(_conv: string, id: string): void {
    this.session.peek()?.outbox.retry(id);
  }

  discard(_conv: string, id: string): void {
    this.session.peek()?.outbox.discard(id);
  }

  readonly edits = editsCore(
    () => this.session.peek()?.edits,
    (m) => this.inTime(m, 'edit_seconds'),
  );

  setDraft(conv: string, text: string): void {
    (this.session.peek() ?? this.parting)?.conversations.setDraft(conv, text);
  }

  typing(conv: string): void {
    this.session.peek()?.typing.mine(conv);
  }

  async setPresence(p: { status: 'online' | 'busy' | 'away' | 'custom'; text?: string }) {
    await this.api.request('PUT', '/me/presence', { body: p });
  }

  async recall(conv: string, seq: number) {
    await this.api.request('DELETE', `/conversations/${encodeURIComponent(conv)}/messages/${seq}`);
  }

  canRecall(m: t.Message): boolean {
    return m.mine && m.seq !== undefined && !m.recalledBy && this.inTime(m, 'recall_seconds');
  }

  async clear(conv: string) {
    await this.need().conversations.clear(conv);
  }

  async setConversation(conv: string, change: { muted?: boolean; pinned?: boolean }) {
    await this.need().conversations.set(conv, change);
  }

  async updateMe(change: { name?: string; avatar?: string; password?: string; current_password?: string }) {
    const { uid, name, avatar, role, email } = await this.api.request<t.Me>('PATCH', '/me', { body: change });
    const now = this.who.peek();
    if (now.status === 'in') this.who.value = { ...now, me: { uid, name, avatar, role, ...(email && { email }) } };
    this.session.peek()?.people.profile(uid, { name, avatar });
  }

  devices(): Promise<t.Device[]> {
    return this.api.list<t.Device>('/me/sessions');
  }

  async signOut(id: string) {
    await this.api.request('DELETE', `/me/sessions/${encodeURIComponent(id)}`);
  }

  on(_event: 'message', f: (m: t.Message, c: t.Conversation) => void): () => void {
    this.listeners.add(f);
    return () => this.listeners.delete(f);
  }

  readonly media = mediaOf(
    () => this.session.peek()?.media,
    this.of<ReadonlySet<string>>((s) => s.media.passing, new Set()),
  );

  /** kicked: as the last page was, and it stays so until somebody asks for the connection. */
  private async begin(a: KeptAccount, kicked = false, { turn }: { turn: number } = this.hosted): Promise<void> {
    const { user, org, mqtt } = a;
    this.kept = { user, org, mqtt }; // and not its tokens
    await this.onDevice(() => wipeOthers(a));
    const session = await Session.open({
      api: this.api,
      account: a,
      mqtt: () => {
        const { mqtt } = this.kept ?? a;
        return { ...mqtt, url: this.secure(mqtt.url) };
      },
      socket: this.o.socket ?? ((url) => new WebSocket(url, 'mqtt')),
      now: this.clock,
      locks: this.locks,
      channel: this.channel,
      memory: this.memory,
      kicked,
      onEnded: (reason, elsewhere) => this.ended(reason, elsewhere),
      onMessage: (m, c) => {
        if (this.who.peek().status !== 'in') return;
        for (const f of this.listeners) f(m, c);
      },
    });
    if (turn !== this.hosted.turn) {
      session.close({ tell: false });
      await session.clean('nothing');
      throw signedOut();
    }
    this.session.value = session;
    this.show(this.kept ?? a);
  }

  /** The server has said who is signed in. */
  private signedIn({ user, org, mqtt, expires_in }: SignIn): void {
    if (this.o.token) this.hosted.renewIn(expires_in * renewAfter);
    this.kept = { user, org, mqtt };
    if (this.session.peek() && this.who.peek().status === 'in') this.show(this.kept);
  }

  /** The host has said who is there. */
  private async enter(a: KeptAccount): Promise<void> {
    const { turn } = this.hosted;
    const { state } = this.session.peek()?.state.peek() ?? {};
    if (state && state !== 'ended') {
      this.show(this.kept ?? a);
      return;
    }
    if (state) this.replaced();
    await this.closing;
    await this.begin(a, false, { turn });
  }

  /** The host says that somebody else is there. */
  private replaced(): void {
    const s = this.session.peek();
    batch(() => {
      this.leave();
      this.who.value = { status: 'unknown' };
    });
    s?.close({ tell: false });
    this.closing = s?.clean('nothing').then(() => {}) ?? Promise.resolve();
  }

  /** A login by a host is over, or does not begin. */
  private refused(why: Problem): void {
    if (this.session.peek()) {
      this.ended(why.detail, false, why);
      return;
    }
    this.attempts.state.value = { state: 'idle', stalled: false };
    this.who.value = { status: 'out', ...(this.o.token && { reason: why.detail, problem: why }) };
  }

  private show(a: KeptAccount): void {
    const { uid, name, avatar, role } = a.user;
    this.who.value = { status: 'in', me: { ...this.who.peek().me, uid, name, avatar, role }, org: a.org };
    void this.onDevice(() => rememberAccount(a));
  }

  /** The device remembers the account no longer. */
  private async forget(s: Session, keep: Keep): Promise<void> {
    const a = this.kept;
    this.kept = undefined;
    if (!a) return;
    if (this.memory) await s.clean(keep);
    else await forget(s, a, keep);
  }

  /** Signed out by somebody else, by the server, or in another tab. */
  private ended(reason: string, elsewhere = false, why?: Problem): void {
    const s = this.session.peek();
    // The server ends the login of whoever was here before it answers who is here now.
    if (!s || this.hosted.asks) return;
    this.leave(reason || 'You were signed out. Please sign in again.', why);
    s.close({ tell: !elsewhere, ended: reason });
    this.parting = s;
    const { kept } = this;
    if (kept) void this.onDevice(() => forgetAccount(kept)); // a page that is opened now asks who it is
    this.closing = new Promise((resolve) => void setTimeout(resolve, partingTime)).then(() => {
      this.parting = undefined;
      return this.forget(s, elsewhere ? 'all' : 'unsent');
    });
  }

  /** A server behind a proxy may not know that the page came over TLS; from such a page a browser opens nothing else. */
  private secure(url: string): string {
    return this.o.base.startsWith('https:') ? url.replace(/^ws:/, 'wss:') : url;
  }

  /** Ends the login at the server; when it can't be reached, a later page does. */
  private async sayGoodbye(): Promise<void> {
    await this.onDevice(() => oweGoodbye(true));
    try {
      await this.api.logout();
      await this.onDevice(() => oweGoodbye(false));
    } catch {
      // Still owed.
    }
  }

  private async onDevice<T>(f: () => Promise<T>): Promise<T | undefined> {
    return this.memory ? undefined : f();
  }

  private leave(reason?: string, problem?: Problem): void {
    this.hosted.rest();
    this.session.value = undefined;
    this.attempts.state.value = { state: reason ? 'ended' : 'idle', stalled: false, ...(reason && { reason }) };
    this.who.value = { status: 'out', ...(reason && { reason }), ...(problem && { problem }) };
  }

  /** For what answers a promise. What only shows or notes something does nothing when signed out: a view may live a moment longer. */
  private need(): Session {
    const s = this.session.peek();
    if (!s) throw signedOut();
    return s;
  }

  private of<T>(get: (s: Session) => ReadonlySignal<T>, otherwise: T): ReadonlySignal<T> {
    return computed(() => {
      const s = this.session.value;
      return s && this.who.value.status === 'in' ? get(s).value : otherwise;
    });
  }

  private inTime(m: t.Message, policy: 'recall_seconds' | 'edit_seconds'): boolean {
    const most = this.who.peek().org?.[policy] ?? Number.POSITIVE_INFINITY;
    return most > 0 && this.now() - m.ts <= most * 1000;
  }

  private async readAbout(): Promise<void> {
    try {
      const about = await this.api.open<t.About>('GET', '/about');
      const before = this.aboutServer.peek();
      if (before && about.version !== before.version) this.foundUpdate();
      this.aboutServer.value = about;
    } catch {
      // The sign-in page does without.
    }
  }
}
