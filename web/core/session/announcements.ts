// What the organisation has announced to the user and the user has not read yet.

import { signal } from '@preact/signals-core';
import type { List } from '../api/shapes';
import type { OrgAnnouncement } from '../types';
import type { Context } from './context';

type Announced = OrgAnnouncement & { read?: string | null };

/** How many of the newest are looked through. */
const looked = 50;

export class Announcements {
  /** The newest first. */
  readonly unread = signal<OrgAnnouncement[]>([]);

  constructor(private readonly c: Context) {}

  /** Throws Problem. */
  async load(): Promise<void> {
    this.unread.value = (await this.list()).items.filter((x) => !x.read);
  }

  /** A page of all, read or not, the newest first. Throws Problem. */
  list(cursor = ''): Promise<List<Announced>> {
    return this.c.api.get(`/announcements?limit=${looked}&cursor=${encodeURIComponent(cursor)}`);
  }

  /** Throws Problem. */
  async read(id: string): Promise<void> {
    await this.c.api.request('PUT', `/announcements/${encodeURIComponent(id)}/read`);
    this.unread.value = this.unread.peek().filter((x) => x.id !== id);
  }
}
