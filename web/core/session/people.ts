// Persons, their presence and terminals, contacts and requests.

import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals-core';
import type { List, WirePerson } from '../api/shapes';
import { decodePresence, statusNames } from '../payload/presence';
import type { ContactRequest, Department, Page, Person } from '../types';
import { type Context, later } from './context';

/** Names of terminals by their code (docs/protocol.md §1). */
const terminalNames = ['pc', 'phone', 'web', 'widget', 'service'];
/** Most uids in one request. */
const batchSize = 100;

/** Somebody of whom only the uid is known. */
export function nobody(uid: string): Person {
  const presence = { status: 'offline' as const, text: '' };
  return { uid, name: uid, avatar: '', department: '', title: '', presence, terminals: [] };
}

export class People {
  private readonly known = new Map<string, Signal<Person>>();
  private asked = new Set<string>();
  private readonly contactUids = signal<string[]>([]);
  readonly requests = signal<ContactRequest[]>([]);
  readonly contacts: ReadonlySignal<Person[]> = computed(() =>
    this.contactUids.value.map((uid) => this.entry(uid).value),
  );

  constructor(private readonly c: Context) {}

  person(uid: string): ReadonlySignal<Person> {
    let s = this.known.get(uid);
    if (!s) {
      s = this.entry(uid);
      void this.c.db.get('people', uid).then((p) => {
        // What the network has said meanwhile is newer.
        if (p && s?.peek().name === uid) s.value = { ...p, presence: s.peek().presence, terminals: s.peek().terminals };
      });
      this.ask(uid);
    }
    return s;
  }

  /** Shows what is kept of the contacts. */
  async restore(): Promise<void> {
    const uids = await this.c.db.get('lists', 'contacts');
    if (uids && this.contactUids.peek().length === 0) this.contactUids.value = uids;
    for (const uid of uids ?? []) this.person(uid);
  }

  /** Throws Problem. */
  async load(): Promise<void> {
    const list = await this.c.api.list<WirePerson>('/contacts');
    batch(() => {
      for (const p of list) this.accept(p);
      this.contactUids.value = list.map((p) => p.uid);
    });
    void this.c.db.putKeyed('lists', 'contacts', this.contactUids.peek());
    this.requests.value = await this.c.api.list<ContactRequest>('/contacts/requests');
  }

  /** Presence and profiles of those who were looked at may have changed while nobody told us. */
  refresh(): void {
    for (const uid of this.known.keys()) this.ask(uid);
  }

  async add(uid: string, message?: string): Promise<'added' | 'asked'> {
    const path = `/contacts/${encodeURIComponent(uid)}`;
    const { pending } = await this.c.api.request<{ pending: boolean }>('PUT', path, {
      body: message ? { message } : {},
    });
    this.requests.value = this.requests.peek().filter((r) => r.uid !== uid);
    if (!pending) await this.load();
    return pending ? 'asked' : 'added';
  }

  async remove(uid: string): Promise<void> {
    await this.c.api.request('DELETE', `/contacts/${encodeURIComponent(uid)}`);
    this.requests.value = this.requests.peek().filter((r) => r.uid !== uid);
    this.contactUids.value = this.contactUids.peek().filter((x) => x !== uid);
    void this.c.db.putKeyed('lists', 'contacts', this.contactUids.peek());
  }

  async directory(q: string, cursor?: string, department?: string): Promise<Page<Person>> {
    const query = new URLSearchParams({ q, limit: '50', ...(cursor && { cursor }), ...(department && { department }) });
    const page = await this.c.api.get<List<WirePerson>>(`/users?${query}`);
    return { items: page.items.map((p) => this.accept(p)), next: page.next };
  }

  async departments(): Promise<Department[]> {
    return (await this.c.api.get<List<Department>>('/departments')).items;
  }

  /** A presence payload came. Malformed ones throw MalformedPayload. */
  presence(uid: string, payload: Uint8Array): void {
    const p = decodePresence(payload);
    const status = statusNames[p.status as keyof typeof statusNames];
    this.change(uid, { presence: { status, text: p.context } });
  }

  /** Notice 0x31. */
  terminal(uid: string, code: number, online: boolean): void {
    const name = terminalNames[code];
    if (!name) return;
    const others = this.entry(uid)
      .peek()
      .terminals.filter((t) => t !== name);
    this.change(uid, { terminals: online ? [...others, name] : others });
  }

  /** Notice 0x32. */
  profile(uid: string, change: { name?: string; avatar?: string }): void {
    this.change(uid, change);
    void this.c.db.put('people', this.entry(uid).peek());
  }

  private change(uid: string, change: Partial<Person>): void {
    const s = this.entry(uid);
    s.value = { ...s.peek(), ...change };
  }

  private entry(uid: string): Signal<Person> {
    let s = this.known.get(uid);
    if (!s) {
      s = signal<Person>(nobody(uid));
      this.known.set(uid, s);
    }
    return s;
  }

  private accept(p: WirePerson): Person {
    const person: Person = { ...p, presence: { status: p.presence.status, text: p.presence.text ?? '' } };
    this.entry(p.uid).value = person;
    void this.c.db.put('people', person);
    return person;
  }

  /** Those who are asked for in one go are fetched together. */
  private ask(uid: string): void {
    if (this.asked.size === 0) later(this.c, 10, () => void this.fetch());
    this.asked.add(uid);
  }

  private async fetch(): Promise<void> {
    const uids = [...this.asked];
    this.asked = new Set();
    for (let i = 0; i < uids.length; i += batchSize) {
      const part = uids
        .slice(i, i + batchSize)
        .map(encodeURIComponent)
        .join(',');
      try {
        const page = await this.c.api.get<List<WirePerson>>(`/users?limit=${batchSize}&uids=${part}`);
        batch(() => {
          for (const p of page.items) this.accept(p);
          const found = new Set(page.items.map((p) => p.uid));
          for (const uid of uids.slice(i, i + batchSize)) if (!found.has(uid)) this.change(uid, { missing: true });
        });
      } catch {
        return; // refresh() asks again with the next connection
      }
    }
  }
}
