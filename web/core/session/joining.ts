// Ways into groups, for those who manage them: who asks to join, and links.

import { type ReadonlySignal, type Signal, signal } from '@preact/signals-core';
import type { WireGroup } from '../api/shapes';
import type { GroupLink, JoiningCore, JoinRequest } from '../types';
import type { Context } from './context';

export class Joining implements Omit<JoiningCore, 'waiting'> {
  private readonly lists = new Map<string, Signal<JoinRequest[]>>();
  /** Addresses of links that were made on this page, by the links' ids: the server keeps no copy. */
  private readonly urls = new Map<string, string>();

  constructor(
    private readonly c: Context,
    private readonly port: { changed(gid: string): Promise<void>; entered(): Promise<void> },
  ) {}

  requests(gid: string): ReadonlySignal<JoinRequest[]> {
    let s = this.lists.get(gid);
    if (!s) {
      s = signal<JoinRequest[]>([]);
      this.lists.set(gid, s);
      void this.refresh(gid);
    }
    return s;
  }

  async answer(gid: string, uid: string, accept: boolean): Promise<void> {
    await this.c.api.request(accept ? 'PUT' : 'DELETE', `${path(gid)}/requests/${encodeURIComponent(uid)}`);
    await this.port.changed(gid);
  }

  async links(gid: string): Promise<GroupLink[]> {
    const list = await this.c.api.list<GroupLink>(`${path(gid)}/links`);
    return list.map((l) => ({ ...l, url: this.urls.get(l.id) }));
  }

  async makeLink(gid: string, days: number): Promise<GroupLink> {
    const l = await this.c.api.request<GroupLink>('POST', `${path(gid)}/links`, { body: { days } });
    if (l.url) this.urls.set(l.id, l.url);
    return l;
  }

  async withdraw(gid: string, id: string): Promise<void> {
    await this.c.api.request('DELETE', `${path(gid)}/links/${encodeURIComponent(id)}`);
    this.urls.delete(id);
  }

  async look(token: string): Promise<WireGroup> {
    return this.c.api.request<WireGroup>('POST', '/join/look', { body: { token } });
  }

  async enter(token: string): Promise<string> {
    const { gid } = await this.c.api.request<WireGroup>('POST', '/join', { body: { token } });
    await this.port.entered();
    return gid;
  }

  /** Reads again what a view looks at. */
  async refresh(gid: string): Promise<void> {
    const s = this.lists.get(gid);
    if (!s) return;
    try {
      s.value = await this.c.api.list<JoinRequest>(`${path(gid)}/requests`);
    } catch {
      // One does not decide it any more, or there is no connection: the next one reads it again.
    }
  }
}

/** What views see of it, signed in or out. */
export function joiningCore(
  peek: () => Joining | undefined,
  need: () => Joining,
  waiting: JoiningCore['waiting'],
): JoiningCore {
  return {
    waiting,
    requests: (gid) => peek()?.requests(gid) ?? signal([]),
    answer: async (gid, uid, accept) => need().answer(gid, uid, accept),
    links: async (gid) => need().links(gid),
    makeLink: async (gid, days) => need().makeLink(gid, days),
    withdraw: async (gid, id) => need().withdraw(gid, id),
    look: async (token) => need().look(token),
    enter: async (token) => need().enter(token),
  };
}

function path(gid: string): string {
  return `/groups/${encodeURIComponent(gid)}`;
}
