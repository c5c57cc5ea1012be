// Groups and their members.

import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals-core';
import type { WireGroup } from '../api/shapes';
import { RepeatKey } from '../repeat';
import type { Group, GroupChange, Member, MemberChange } from '../types';
import type { Context } from './context';
import { Joining } from './joining';

export class Groups {
  private readonly entries = new Map<string, Signal<Group | undefined>>();
  private readonly memberLists = new Map<string, Signal<Member[]>>();
  /** Those that were asked for since the list was read: what one may not see is not asked for at every look. */
  private readonly asked = new Set<string>();
  private readonly making = new RepeatKey();
  private readonly gids = signal<string[]>([]);
  readonly list: ReadonlySignal<Group[]> = computed(() =>
    this.gids.value.map((gid) => this.entry(gid).value).filter((g) => g !== undefined),
  );

  readonly joining: Joining;

  /** How many ask to join, of those groups where somebody does. */
  readonly waiting: ReadonlySignal<ReadonlyMap<string, number>> = computed(
    () => new Map(this.list.value.filter((g) => g.requests > 0).map((g) => [g.gid, g.requests])),
  );

  constructor(private readonly c: Context) {
    this.joining = new Joining(c, { changed: (gid) => this.refresh(gid), entered: () => this.load() });
  }

  async restore(): Promise<void> {
    const kept = await this.c.db.all('groups');
    if (this.gids.peek().length > 0) return;
    for (const g of kept) this.entry(g.gid).value = g;
    this.gids.value = kept.map((g) => g.gid);
  }

  /** Throws Problem. */
  async load(): Promise<void> {
    const list = await this.c.api.list<WireGroup>('/groups');
    for (const g of list) this.accept(g);
    const gone = this.gids.peek().filter((gid) => !list.some((g) => g.gid === gid));
    this.gids.value = list.map((g) => g.gid);
    this.asked.clear();
    for (const gid of gone) this.gone(gid);
    // What views have looked at in full: roles and members may have changed.
    for (const g of list) if (this.entry(g.gid).peek()?.role !== undefined) void this.fetch(g.gid);
    for (const gid of this.memberLists.keys()) if (this.has(gid)) void this.fetchMembers(gid);
    for (const g of list) void this.joining.refresh(g.gid);
  }

  group(gid: string): ReadonlySignal<Group | undefined> {
    const s = this.entry(gid);
    if (s.peek()?.role === undefined && !this.asked.has(gid)) {
      this.asked.add(gid);
      void this.fetch(gid);
    }
    return s;
  }

  /** What is known of a group, without asking for it. */
  peek(gid: string): Group | undefined {
    return this.entry(gid).peek();
  }

  members(gid: string): ReadonlySignal<Member[]> {
    let s = this.memberLists.get(gid);
    if (!s) {
      s = signal<Member[]>([]);
      this.memberLists.set(gid, s);
      void this.fetchMembers(gid);
    }
    return s;
  }

  /** The members, if a view has asked for them. */
  known(gid: string): Member[] | undefined {
    return this.memberLists.get(gid)?.peek();
  }

  has(gid: string): boolean {
    return this.gids.peek().includes(gid);
  }

  async create(name: string, uids: string[]): Promise<Group> {
    const body = { name, members: uids };
    const idempotencyKey = this.making.of(body);
    const g = await this.c.api.request<WireGroup>('POST', '/groups', { body, idempotencyKey });
    this.making.done();
    this.enter({ ...g, role: 'owner' });
    return { ...g, role: 'owner' };
  }

  async update(gid: string, change: GroupChange): Promise<void> {
    this.accept(await this.c.api.request<WireGroup>('PATCH', path(gid), { body: change }));
  }

  async addMembers(gid: string, uids: string[]): Promise<void> {
    await this.c.api.request('POST', `${path(gid)}/members`, { body: { uids } });
    await this.refresh(gid);
  }

  async join(gid: string, message?: string): Promise<'joined' | 'asked'> {
    const body = message ? { message } : {};
    const { pending } = await this.c.api.request<{ pending: boolean }>('POST', `${path(gid)}/join`, { body });
    if (!pending) {
      await this.load();
      await this.refresh(gid);
    }
    return pending ? 'asked' : 'joined';
  }

  async removeMember(gid: string, uid: string): Promise<void> {
    await this.c.api.request('DELETE', `${path(gid)}/members/${encodeURIComponent(uid)}`);
    if (uid === this.c.uid) this.gone(gid);
    else await this.refresh(gid);
  }

  async setMember(gid: string, uid: string, change: MemberChange): Promise<void> {
    await this.c.api.request('PATCH', `${path(gid)}/members/${encodeURIComponent(uid)}`, { body: change });
    await this.refresh(gid);
  }

  async dissolve(gid: string): Promise<void> {
    await this.c.api.request('DELETE', path(gid));
    this.gone(gid);
  }

  /** Notice 0x36. */
  changed(gid: string, change: GroupChange): void {
    const g = this.entry(gid).peek();
    if (g) this.accept({ ...g, ...change });
  }

  /** One has become a member, by a notice or by making the group. */
  enter(g: WireGroup): void {
    this.accept(g);
    if (!this.has(g.gid)) this.gids.value = [...this.gids.peek(), g.gid];
  }

  /** One is not a member any more. */
  gone(gid: string): void {
    this.gids.value = this.gids.peek().filter((x) => x !== gid);
    this.entry(gid).value = undefined;
    void this.c.db.delete('groups', gid);
  }

  /** Reads again what views look at. Throws Problem. */
  async refresh(gid: string): Promise<void> {
    await Promise.all([
      this.fetch(gid),
      this.memberLists.has(gid) && this.fetchMembers(gid),
      this.joining.refresh(gid),
    ]);
  }

  private async fetch(gid: string): Promise<void> {
    try {
      this.accept(await this.c.api.get<WireGroup>(path(gid)));
    } catch {
      // Not to be seen any more, or no connection: the next one reads the list.
    }
  }

  private async fetchMembers(gid: string): Promise<void> {
    const s = this.memberLists.get(gid);
    try {
      const list = await this.c.api.list<Member>(`${path(gid)}/members`);
      if (s) s.value = list;
    } catch {
      // As above.
    }
  }

  /** The list of groups does not tell one's own role: what is known of it stays. */
  private accept(g: WireGroup): void {
    const s = this.entry(g.gid);
    s.value = { ...s.peek(), ...g };
    void this.c.db.put('groups', s.value);
  }

  private entry(gid: string): Signal<Group | undefined> {
    let s = this.entries.get(gid);
    if (!s) {
      s = signal<Group | undefined>(undefined);
      this.entries.set(gid, s);
    }
    return s;
  }
}

function path(gid: string): string {
  return `/groups/${encodeURIComponent(gid)}`;
}
