// Files in one session: kept until they are sent, sent by the tab that leads, told of to the others. The sending itself is loaded
// when there is something to send.

import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals-core';
import type { OutboxItem } from '../db/database';
import { type Context, later } from '../session/context';
import type { Page } from '../types';
import { parcels } from './content';
import { Files, keyOf } from './files';
import type { Transfer } from './transfer';
import type {
  Attachment,
  FileOptions,
  MediaCore,
  OrgStorageUse,
  PendingFile,
  Progress,
  SharedFile,
  StorageUse,
  StoredFile,
} from './types';
import { Unwanted } from './unwanted';
import type { Uploads, UploadsPort } from './uploads';

/** ms between two words to the other tabs on one file's progress. */
const tellEvery = 250;
/** A file that is older than this, in ms, and in no message was left by a page that died. */
const staleAfter = 24 * 60 * 60_000;

export interface MediaPort extends Pick<UploadsPort, 'items' | 'change' | 'fail'> {
  memory: boolean;
  /** How files are sent, if not by XMLHttpRequest. */
  transfer?: Transfer;
  /** Writes a message that waits for its files and goes after another. Resolves when it is kept, with its id. */
  queue(conv: string, media: OutboxItem['media'], files: PendingFile[], after?: string): Promise<string>;
}

export class Media implements MediaCore {
  readonly passing: ReadonlySignal<ReadonlySet<string>>;
  private readonly files: Files;
  private readonly figures = new Map<string, Signal<Progress>>();
  /** Files of which the other tabs are about to be told. */
  private readonly telling = new Set<string>();
  private readonly unwanted: Unwanted;
  private uploads: Uploads | undefined;
  /** Ends this tab's lead. */
  private lead: AbortController | undefined;

  constructor(
    private readonly c: Context,
    private readonly o: MediaPort,
  ) {
    this.unwanted = new Unwanted(c.db);
    this.files = new Files(nameOf(c.eid, c.uid), {
      memory: o.memory,
      onlyHere: (key, file) => c.tell({ about: 'file', key, file }),
    });
    // In a panel of another page nothing is kept ever, and what has failed must not hold that page up.
    const counts = (item: OutboxItem) => item.state === 'waiting' || !o.memory;
    this.passing = computed(() => {
      const keys = this.files.passing.value;
      if (keys.size === 0) return new Set();
      const items = o.items.value.filter((item) => counts(item) && keysOf(item).some((key) => keys.has(key)));
      return new Set(items.map((item) => item.id));
    });
    c.signal.addEventListener('abort', () => this.follow());
  }

  /** Deletes the files of somebody who is not signed in. */
  static wipe(eid: string, uid: string): Promise<void> {
    return new Files(nameOf(eid, uid), { memory: false, onlyHere: () => {} }).close({ wipe: true });
  }

  async send(conv: string, list: Attachment[], o: FileOptions = {}): Promise<void> {
    let before: string | undefined;
    for (const { media, files, first } of parcels(list, o)) {
      const pending = files.map((a, i) => this.pending(a, first + i));
      await Promise.all(
        files.flatMap((a, i) => {
          const { key = '', poster } = pending[i] ?? {};
          return [this.files.put(key, a.file), poster && a.poster && this.files.put(poster, a.poster)];
        }),
      );
      before = await this.o.queue(conv, media, pending, before);
    }
  }

  progress(key: string): Signal<Progress> {
    let s = this.figures.get(key);
    if (!s) {
      s = signal<Progress>({ sent: 0 });
      this.figures.set(key, s);
    }
    return s;
  }

  local(key: string): Promise<Blob | undefined> {
    return this.files.get(key);
  }

  load(path: string): Promise<Blob> {
    return this.c.api.bytes(path);
  }

  nudge(): void {
    this.uploads?.nudge();
    if (!this.lead) this.c.tell({ about: 'uploads' });
  }

  async avatar(picture: Blob, signal?: AbortSignal): Promise<string> {
    const { authorized, xhr } = await import('./transfer');
    const body = new FormData();
    body.append('purpose', 'avatar');
    body.append('file', picture, 'avatar');
    const r = { method: 'POST', headers: { Accept: 'application/json' }, body, signal };
    return (JSON.parse((await authorized(this.c.api, xhr, '/api/v1/media', r)).text) as StoredFile).url;
  }

  shared(conv: string, kind: 'image' | 'file', cursor = ''): Promise<Page<SharedFile>> {
    const query = `kind=${kind}&limit=60${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    return this.c.api.get(`/conversations/${encodeURIComponent(conv)}/media?${query}`);
  }

  storage(): Promise<StorageUse> {
    return this.c.api.get('/me/storage');
  }

  orgStorage(): Promise<OrgStorageUse> {
    return this.c.api.get('/org/storage');
  }

  /** This tab leads: it sends the files of all tabs. */
  leads(): void {
    if (this.lead || this.c.signal.aborted) return;
    const lead = new AbortController();
    this.lead = lead;
    void this.unwanted.restore();
    let begun = false;
    const stop = effect(() => {
      const some = this.o.items.value.some((item) => item.files) || this.unwanted.paths.value.length > 0;
      if (begun || !some) return;
      begun = true;
      queueMicrotask(() => stop());
      void this.begin(lead.signal);
    });
    lead.signal.addEventListener('abort', stop);
  }

  /** Another tab leads from now on, or the session is over. */
  follow(): void {
    this.lead?.abort();
    this.lead = undefined;
    this.uploads = undefined;
  }

  /** Removes what no message wants: the outbox has been read. Where it could not be, nothing is known of what is wanted. */
  sweep(): void {
    if (this.c.db.state.peek() !== 'ok') return;
    const wanted = this.o.items.peek().flatMap(keysOf);
    void this.files.sweep(new Set(wanted), this.c.api.serverNow() - staleAfter);
  }

  /** A message is stored, or was thrown away. */
  dropped(item: OutboxItem): void {
    const keys = keysOf(item);
    if (keys.length > 0) void this.files.delete(keys);
    if (this.lead) this.unwanted.add((item.files ?? []).flatMap((f) => (f.upload && !f.done ? [f.upload] : [])));
  }

  /** Another tab has a file that is kept nowhere else. */
  take(key: string, file: Blob): void {
    this.files.take(key, file);
  }

  /** The tab that leads tells how far a file has come. */
  heard(key: string, p: Progress): void {
    this.progress(key).value = p;
  }

  close(o: { wipe: boolean }): Promise<void> {
    return this.files.close(o);
  }

  private async begin(until: AbortSignal): Promise<void> {
    try {
      const [{ Uploads }, { xhr }] = await Promise.all([import('./uploads'), import('./transfer')]);
      if (until.aborted) return;
      this.uploads = new Uploads({
        ...this.o,
        api: this.c.api,
        files: this.files,
        transfer: this.o.transfer ?? xhr,
        unwanted: this.unwanted,
        signal: until,
        progress: (key, p) => this.tell(key, p),
        now: Date.now,
      });
    } catch {
      // The part of the app is not here and the server is away: the next lead, or the next file, tries again.
      if (this.lead?.signal === until) {
        this.lead = undefined;
        setTimeout(() => !until.aborted && this.leads(), 5000);
      }
    }
  }

  private tell(key: string, p: Progress): void {
    this.progress(key).value = p;
    if (this.telling.has(key)) return;
    this.telling.add(key);
    later(this.c, tellEvery, () => {
      this.telling.delete(key);
      this.c.tell({ about: 'progress', key, progress: this.progress(key).peek() });
    });
  }

  private pending(a: Attachment, at: number): PendingFile {
    const { name, type, original, width, height, duration } = a;
    const now = this.c.api.serverNow();
    return {
      key: keyOf(now),
      at,
      name,
      type,
      size: a.file.size,
      ...(a.poster && { poster: keyOf(now) }),
      ...(original && { original }),
      ...(width && height && { width, height }),
      ...(duration !== undefined && { duration }),
    };
  }
}

/** What is kept for a message. */
function keysOf(item: OutboxItem): string[] {
  return (item.files ?? item.kept ?? []).flatMap((f) => (f.poster ? [f.key, f.poster] : [f.key]));
}

function nameOf(eid: string, uid: string): string {
  return `magpie-files/${eid}/${uid}`;
}
