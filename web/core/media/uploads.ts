// Sends the files of waiting messages to the server, several at once, oldest first. Only the tab that leads runs it. What it has done is
// in the outbox, so that another tab, or a later page, goes on from there.

import { effect, type ReadonlySignal } from '@preact/signals-core';
import type { Api } from '../api/http';
import type { OutboxItem } from '../db/database';
import { Problem } from '../problem';
import { storedContent } from './content';
import type { Files } from './files';
import { authorized, type Transfer } from './transfer';
import { terminate, upload } from './tus';
import type { KeptProblem, PendingFile, Progress, StoredFile } from './types';
import type { Unwanted } from './unwanted';

/** Files on their way at a time. */
const parallel = 3;
/** Files of up to so many bytes go in one request. */
export const oneRequest = 4 * 1024 * 1024;
const firstDelay = 1000;
const maxDelay = 60_000;

export interface UploadsPort {
  api: Api;
  files: Files;
  transfer: Transfer;
  /** The end of the session, or of this tab's lead. */
  signal: AbortSignal;
  items: ReadonlySignal<OutboxItem[]>;
  unwanted: Unwanted;
  /** Writes what has become of an item, unless it is no more. */
  change(id: string, f: (item: OutboxItem) => OutboxItem): void;
  fail(id: string, problem: KeptProblem): void;
  progress(key: string, p: Progress): void;
  now(): number;
}

interface Job {
  item: OutboxItem;
  file: PendingFile;
}

export class Uploads {
  private readonly running = new Map<string, AbortController>();
  private readonly sleepers = new Set<() => void>();

  /** The server is being told what is not wanted any more. */
  private ending = false;

  constructor(private readonly o: UploadsPort) {
    const stop = effect(() => this.pump(o.items.value));
    const stopEnding = effect(() => void (o.unwanted.paths.value.length > 0 && this.end()));
    o.signal.addEventListener('abort', () => {
      stop();
      stopEnding();
      for (const abort of this.running.values()) abort.abort();
      this.nudge();
    });
  }

  /** Ends all pauses. */
  nudge(): void {
    for (const wake of [...this.sleepers]) wake();
    void this.end();
  }

  /** Tells the server what is not wanted any more. What it can't be told now it is told later. */
  private async end(): Promise<void> {
    if (this.ending) return;
    this.ending = true;
    const { paths } = this.o.unwanted;
    const tried = new Set<string>();
    for (;;) {
      const path = paths.peek().find((one) => !tried.has(one));
      if (!path || this.o.signal.aborted) break;
      tried.add(path);
      try {
        await terminate(path, this.o);
      } catch (e) {
        if (!isFinal(e) || (e as Problem).status === 401) continue;
      }
      this.o.unwanted.drop(path);
    }
    this.ending = false;
  }

  private pump(items: OutboxItem[]): void {
    if (this.o.signal.aborted) return;
    const wanted: Job[] = items
      .filter((item) => item.state === 'waiting')
      .flatMap((item) => (item.files ?? []).filter((f) => !f.done).map((file) => ({ item, file })));
    const keys = new Set(wanted.map(({ file }) => file.key));
    for (const [key, abort] of this.running) if (!keys.has(key)) abort.abort();
    for (const job of wanted) {
      if (this.running.size >= parallel) return;
      if (!this.running.has(job.file.key)) void this.run(job);
    }
  }

  /** Tries until the file is with the server, the server refuses it, or nobody wants it any more. */
  private async run({ item, file }: Job): Promise<void> {
    const abort = new AbortController();
    this.running.set(file.key, abort);
    try {
      for (let failures = 0; !abort.signal.aborted; failures++) {
        try {
          return await this.send(item.id, file.key, abort.signal);
        } catch (e) {
          if (abort.signal.aborted) return;
          const problem = keep(e);
          if (isFinal(e)) {
            this.leave(item.id, file.key, problem);
            return this.o.fail(item.id, problem);
          }
          this.o.progress(file.key, { sent: 0, problem });
          const wait = e instanceof Problem && e.retryAfter ? e.retryAfter * 1000 : firstDelay * 2 ** failures;
          await this.wait(Math.min(maxDelay, wait) * (0.75 + Math.random() / 2), abort.signal);
        }
      }
    } finally {
      this.running.delete(file.key);
      this.pump(this.o.items.peek());
    }
  }

  private async send(id: string, key: string, signal: AbortSignal) {
    const file = this.find(id, key);
    const blob = file && (await this.o.files.get(key));
    if (!file || signal.aborted) return;
    if (!blob) throw Problem.of(410, { type: '/problems/file-gone', detail: goneDetail });
    let { still } = file;
    const poster = !still && file.poster ? await this.o.files.get(file.poster) : undefined;
    if (poster) {
      const made = await this.post(poster, 'poster.jpg', {}, signal);
      still = { url: made.url, placeholder: made.placeholder };
      this.mark(id, key, { still });
    }
    const stored =
      blob.size <= oneRequest
        ? await this.post(blob, file.name, fields(file), signal, (sent) => this.o.progress(key, { sent }))
        : await upload(blob, {
            ...this.o,
            signal,
            upload: file.upload,
            metadata: { filename: file.name, ...fields(file) },
            onCreated: (path) => this.mark(id, key, { upload: path }),
            onProgress: (sent) => this.o.progress(key, { sent }),
            wait: (ms) => this.wait(ms, signal),
          });
    this.running.delete(key); // or it would look like one that nobody wants any more
    this.done(id, { ...file, ...(still && { still }) }, stored);
  }

  private async post(
    file: Blob,
    name: string,
    fields: Record<string, string>,
    signal: AbortSignal,
    onProgress?: (sent: number) => void,
  ): Promise<StoredFile> {
    const body = new FormData();
    for (const [field, value] of Object.entries(fields)) body.append(field, value);
    body.append('file', file, name);
    const headers = { Accept: 'application/json' };
    const r = { method: 'POST', headers, body, signal, onProgress };
    return JSON.parse((await authorized(this.o.api, this.o.transfer, '/api/v1/media', r)).text);
  }

  /** The message says where the file is; when all of its files are there, it may go. */
  private done(id: string, file: PendingFile, stored: StoredFile): void {
    this.o.change(id, (item) => {
      const media = item.media.map((m, i) => (i === file.at ? storedContent(stored, file, m) : m));
      const files = item.files?.map((f) => (f.key === file.key ? { ...f, done: true } : f)) ?? [];
      if (files.some((f) => !f.done)) return { ...item, media, files };
      const { files: _, ...rest } = item;
      return { ...rest, media, kept: files };
    });
  }

  private mark(id: string, key: string, change: Partial<PendingFile>): void {
    this.o.change(id, (item) => ({
      ...item,
      ...(item.files && { files: item.files.map((f) => (f.key === key ? { ...f, ...change } : f)) }),
    }));
  }

  /** An upload that came to nothing would say the same for a day: should the file be sent again, it begins anew. */
  private leave(id: string, key: string, { status }: KeptProblem): void {
    const { upload } = this.find(id, key) ?? {};
    if (!upload || status === 401) return;
    this.o.change(id, (item) => ({
      ...item,
      ...(item.files && {
        files: item.files.map(({ upload, ...f }) => (f.key === key || !upload ? f : { ...f, upload })),
      }),
    }));
    this.o.unwanted.add([upload]);
  }

  private find(id: string, key: string): PendingFile | undefined {
    return this.o.items
      .peek()
      .find((item) => item.id === id)
      ?.files?.find((f) => f.key === key);
  }

  private wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal.addEventListener('abort', wake);
      this.sleepers.add(wake);
    });
  }
}

/** Shown where no answer of the server says it better. */
const goneDetail = 'This browser no longer has the file. Please choose it again.';

function fields(f: PendingFile): Record<string, string> {
  return {
    ...(f.original && { original: '1' }),
    ...(f.duration !== undefined && { duration: String(f.duration) }),
    ...(f.width && f.height && { width: String(f.width), height: String(f.height) }),
  };
}

/** Whether a repeat would have the same answer. */
function isFinal(e: unknown): boolean {
  if (!(e instanceof Problem)) return false;
  return e.status >= 400 && e.status < 500 && ![408, 409, 423, 425, 429].includes(e.status);
}

function keep(e: unknown): KeptProblem {
  if (!(e instanceof Problem)) return { status: 0, detail: (e as Error).message };
  const { type, limit } = e.names;
  return { status: e.status, detail: e.detail, ...(type && { type }), ...(limit !== undefined && { limit }) };
}
