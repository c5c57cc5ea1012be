import 'fake-indexeddb/auto';
import { signal } from '@preact/signals-core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Api } from '../api/http';
import { Database } from '../db/database';
import { PublishError, type Published } from '../mqtt/client';
import { decodeIM } from '../payload/im';
import { parseObject } from '../payload/json';
import { Outbox } from '../session/outbox';
import { FakeFiles, json } from '../testing/files';
import { keyOf } from './files';
import { Media } from './media';
import type { Attachment } from './types';
import type { Uploads } from './uploads';

const mebi = 1024 * 1024;
let server: FakeFiles;
/** What was published, in order: the texts of messages and the links of their files. */
let published: string[][];
/** The name of the problem for which the server refuses a message. */
let refuses: (links: string[]) => string | undefined;
let number = 0;
const pages: Page[] = [];

/** One page of a browser: the outbox, the files, and the uploads while it leads. A second one on the same name is the page after a reload. */
class Page {
  private readonly ending = new AbortController();

  private constructor(
    readonly db: Database,
    readonly outbox: Outbox,
    readonly media: Media,
    readonly api: Api,
  ) {}

  static async open(name: string): Promise<Page> {
    const db = await Database.open('demo', name, { memory: false });
    const api = new Api({
      base: 'http://test',
      fetch: async () =>
        Response.json({ access_token: 't', expires_in: 900, user: { uid: name }, org: { eid: 'demo' }, mqtt: {} }),
      now: Date.now,
      locks: null,
      onSignedIn: () => {},
      onSignedOut: () => {},
    });
    const ending = new AbortController();
    const c = { api, db, eid: 'demo', uid: name, signal: ending.signal, tell: () => {} };
    const outbox: Outbox = new Outbox(c, {
      publish: async (_conv, id, payload) => {
        const texts = decodeIM(payload).media.map((m) => parseObject(m.content).co as string);
        const why = refuses(texts);
        if (why) {
          outbox.refused(id, { status: 403, detail: why, type: `/problems/${why}` });
          throw new PublishError(0x99, why);
        }
        published.push(texts);
        return { properties: { user: [['seq', '1']] } } as unknown as Published;
      },
      onStored: (item, m) => db.stored(item, m),
      onGone: (item) => media.dropped(item),
    });
    const media: Media = new Media(c, {
      memory: false,
      transfer: server.transfer,
      items: outbox.all,
      change: (id, f) => outbox.change(id, f),
      fail: (id, p) => outbox.fail(id, p),
      queue: (conv, list, files, after) => outbox.queue(conv, list, files, after),
    });
    const page = new Page(db, outbox, media, api);
    await outbox.restore();
    outbox.start();
    pages.push(page);
    return page;
  }

  /** The page leads from now on. */
  begin(): void {
    this.media.leads();
  }

  /** The page is closed as by a reload. */
  leave(): void {
    this.media.follow();
    this.outbox.stop();
    this.ending.abort();
    this.db.close();
  }
}

function file(name: string, size: number, o: Partial<Attachment> = {}): Attachment {
  const bytes = new Uint8Array(size).map((_, i) => i % 251);
  return { file: new Blob([bytes]), name, type: name.endsWith('.png') ? 'image/png' : '', ...o };
}

function until(f: () => boolean): Promise<void> {
  return expect.poll(f, { timeout: 5000, interval: 5 }).toBe(true);
}

beforeEach(() => {
  server = new FakeFiles();
  published = [];
  refuses = () => undefined;
  number++;
});

afterEach(() => {
  for (const p of pages.splice(0)) p.leave();
});

const open = () => Page.open(`u${number}`);

describe('one page', () => {
  test('a message goes when all of its files are there, and says where they are; what was written later does not wait', async () => {
    const p = await open();
    await p.media.send('u:bob', [file('a.png', 10), file('b.txt', 20)], { caption: ' look ' });
    p.outbox.send('u:bob', 'meanwhile');
    await until(() => published.length === 1);
    expect(published).toEqual([['meanwhile']]);
    p.begin();
    await until(() => published.length === 2);
    expect(published[1]?.[0]).toBe('look');
    expect(published[1]?.slice(1)).toEqual([
      expect.stringMatching(/^\/media\/m/),
      expect.stringMatching(/^\/media\/m/),
    ]);
    expect(server.taken.map((f) => [f.name, f.bytes])).toEqual([
      ['a.png', 10],
      ['b.txt', 20],
    ]);
    await until(() => p.outbox.all.value.length === 0);
  });

  test('a large file goes in pieces, at most three files at a time', async () => {
    const p = await open();
    const free: (() => void)[] = [];
    server.before = (_r, path) => (path === '/media' ? new Promise((go) => free.push(() => go(undefined))) : undefined);
    const small = [1, 2, 3, 4, 5].map((n) => file(`${n}.txt`, n));
    await p.media.send('u:bob', [...small, file('deck.bin', 5 * mebi + 3)]);
    p.begin();
    await until(() => free.length === 3);
    expect(server.most).toBe(3);
    while (published.length === 0) {
      free.shift()?.();
      await new Promise((r) => setTimeout(r, 0));
    }
    expect(server.most).toBe(3);
    const [u] = server.uploads.values();
    expect(u?.parts.length).toBeGreaterThan(1);
    const whole = new Uint8Array(await new Blob(u?.parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    expect(whole.length).toBe(5 * mebi + 3);
    expect(whole.every((b, i) => b === i % 251)).toBe(true);
  });

  test('a broken connection and a lost answer: it goes on where it was, and no byte comes twice', async () => {
    const p = await open();
    let patches = 0;
    server.before = (r) => (r.method === 'PATCH' && ++patches === 2 ? 'none' : undefined);
    server.losesAnswer = (r) => r.method === 'PATCH' && patches === 4;
    await p.media.send('u:bob', [file('deck.bin', 9 * mebi)]);
    p.begin();
    const wake = setInterval(() => p.media.nudge(), 5);
    await until(() => published.length === 1);
    clearInterval(wake);
    const [u, ...more] = server.uploads.values();
    expect(more).toEqual([]);
    expect(u?.parts.reduce((n, part) => n + part.length, 0)).toBe(9 * mebi);
  });

  test('what the server refuses is kept with the reason; a retry sends it', async () => {
    const p = await open();
    server.before = (_r, path) =>
      path === '/media'
        ? json(413, { type: '/problems/file-too-large', limit: 5, detail: 'The file is too large.' })
        : undefined;
    await p.media.send('u:bob', [file('a.png', 10)], { caption: 'look' });
    p.begin();
    await until(() => p.outbox.all.value[0]?.state === 'failed');
    expect(p.outbox.all.value[0]).toMatchObject({
      error: 'The file is too large.',
      problem: { status: 413, type: '/problems/file-too-large', limit: 5 },
    });
    expect(published).toEqual([]);
    server.before = () => undefined;
    p.outbox.retry(p.outbox.all.value[0]?.id ?? '');
    await until(() => published.length === 1);
  });

  test('files stay on the device until the message is stored; those that the server has lost are sent once more', async () => {
    const first = await open();
    refuses = () => 'muted';
    const poster = new Blob(['jpeg']);
    await first.media.send('u:bob', [file('a.png', 10), file('b.mp4', 5 * mebi, { type: 'video/mp4', poster })]);
    const keys = first.outbox.all.value[0]?.files?.flatMap((f) => [f.key, ...(f.poster ? [f.poster] : [])]) ?? [];
    expect(keys).toHaveLength(3);
    const here = async (p: Page) => (await Promise.all(keys.map((key) => p.media.local(key)))).filter(Boolean).length;
    first.begin();
    await until(() => first.outbox.all.value[0]?.state === 'failed');
    expect(await here(first)).toBe(3);
    first.leave();

    // Two days later: the server has swept what no message carried.
    const second = await open();
    const lost = new Set(server.stored);
    server.uploads.clear();
    refuses = (links) => (links.some((link) => lost.has(link)) ? 'media-not-found' : undefined);
    second.begin();
    second.outbox.retry(second.outbox.all.value[0]?.id ?? '');
    await until(() => second.outbox.all.value.length === 0);
    expect(published).toHaveLength(1);
    await expect.poll(() => here(second)).toBe(0);
  });

  test('a link that the server refuses every time is not tried for ever', async () => {
    const p = await open();
    refuses = () => 'media-not-found';
    await p.media.send('u:bob', [file('a.png', 10)]);
    p.begin();
    await until(() => p.outbox.all.value[0]?.state === 'failed');
    expect(server.taken).toHaveLength(2);
    refuses = () => undefined;
    p.outbox.retry(p.outbox.all.value[0]?.id ?? '');
    await until(() => p.outbox.all.value.length === 0);
  });

  test('what this device can not keep is known, until it is sent or thrown away', async () => {
    const p = await open();
    const kept = await open();
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    await p.media.send('u:bob', [file('a.png', 10)]);
    vi.restoreAllMocks();
    await kept.media.send('u:bob', [file('b.png', 10)]);
    expect(kept.media.passing.value).toEqual(new Set());
    const id = p.outbox.all.value[0]?.id ?? '';
    expect(p.media.passing.value).toEqual(new Set([id]));
    p.begin();
    await until(() => p.outbox.all.value.length === 0);
    expect(p.media.passing.value).toEqual(new Set());
  });

  test('nothing is swept where the list of what waits could not be read', async () => {
    const p = await open();
    const files = (p.media as unknown as { files: Uploads['o']['files'] }).files;
    const key = keyOf(1000);
    await files.put(key, new Blob(['old']));
    const state = vi.spyOn(p.db, 'state', 'get').mockReturnValue(signal('off'));
    const swept = vi.spyOn(files, 'sweep');
    p.media.sweep();
    expect(swept).not.toHaveBeenCalled();
    state.mockRestore();
    p.media.sweep();
    await swept.mock.results[0]?.value;
    expect(await p.media.local(key)).toBeUndefined();
  });

  test('a file that was refused at its end is sent anew by a retry, and the upload that came to nothing is given up', async () => {
    const p = await open();
    server.spoils = () => ({ status: 413, type: '/problems/quota-full', detail: 'No room.' });
    await p.media.send('u:bob', [file('deck.bin', 5 * mebi)]);
    p.begin();
    await until(() => p.outbox.all.value[0]?.state === 'failed');
    expect(p.outbox.all.value[0]?.problem?.type).toBe('/problems/quota-full');
    await until(() => server.uploads.size === 0);
    server.spoils = () => undefined;
    p.outbox.retry(p.outbox.all.value[0]?.id ?? '');
    await until(() => published.length === 1);
  });

  test('thrown away without a network: a later page tells the server', async () => {
    const first = await open();
    let patches = 0;
    server.before = (r) => (r.method === 'PATCH' && ++patches === 1 ? undefined : patches > 0 ? 'none' : undefined);
    await first.media.send('u:bob', [file('deck.bin', 9 * mebi)]);
    first.begin();
    await until(() => patches > 1);
    first.outbox.discard(first.outbox.all.value[0]?.id ?? '');
    await until(() => server.calls.some((c) => c.startsWith('DELETE')));
    expect(server.uploads.size).toBe(1);
    first.leave();
    server.before = () => undefined;

    const second = await open();
    second.begin();
    await until(() => server.uploads.size === 0);
    second.leave();
    server.calls.length = 0;
    const third = await open();
    third.begin();
    await third.media.send('u:bob', [file('a.png', 10)]);
    await until(() => published.length === 1);
    expect(server.calls.filter((c) => c.startsWith('DELETE'))).toEqual([]); // once is enough
  });

  test('a store that is down is waited for, and the reason shows meanwhile', async () => {
    const p = await open();
    server.before = () => json(503, { detail: 'The media store is away.' });
    await p.media.send('u:bob', [file('a.png', 10)]);
    p.begin();
    const [key = ''] = p.outbox.all.value[0]?.files?.map((f) => f.key) ?? [];
    await until(() => p.media.progress(key).value.problem?.status === 503);
    expect(p.outbox.all.value[0]?.state).toBe('waiting');
    server.before = () => undefined;
    p.media.nudge();
    await until(() => published.length === 1);
  });

  test('thrown away: nothing is sent, and the server hears of it', async () => {
    const p = await open();
    let patches = 0;
    let held: AbortSignal | undefined;
    server.before = (r) => {
      if (r.method !== 'PATCH' || ++patches === 1) return undefined;
      held = r.signal;
      return new Promise(() => {});
    };
    await p.media.send('u:bob', [file('deck.bin', 9 * mebi)]);
    p.begin();
    await until(() => patches === 2);
    const item = p.outbox.all.value[0];
    p.outbox.discard(item?.id ?? '');
    await until(() => server.uploads.size === 0);
    expect(held?.aborted).toBe(true);
    expect(p.outbox.all.value).toEqual([]);
    expect(published).toEqual([]);
    await expect.poll(() => p.media.local(item?.files?.[0]?.key ?? '')).toBeUndefined();
  });

  test('a still picture of a video goes first and is named in the message', async () => {
    const p = await open();
    const poster = new Blob(['jpeg']);
    await p.media.send('u:bob', [
      file('a.mp4', 10, { type: 'video/mp4', poster, width: 64, height: 48, duration: 1.54 }),
    ]);
    expect(p.outbox.all.value[0]?.media[0]).toEqual({
      type: 3,
      content: { fn: 'a.mp4', ml: '10', w: 64, h: 48, si: 1.5 },
    });
    p.begin();
    await until(() => p.outbox.all.value.length === 0);
    expect(server.taken.map((f) => f.name)).toEqual(['poster.jpg', 'a.mp4']);
  });
});

describe('after a reload', () => {
  test('an upload that was under way goes on, on the same upload, and the message is sent once', async () => {
    const first = await open();
    let patches = 0;
    server.before = (r) => (r.method === 'PATCH' && ++patches > 2 ? new Promise(() => {}) : undefined);
    await first.media.send('u:bob', [file('deck.bin', 9 * mebi), file('b.txt', 5)], { caption: 'deck' });
    first.begin();
    await until(() => patches === 3 && server.taken.length === 1);
    first.leave();
    server.before = () => undefined;
    server.calls.length = 0;

    const second = await open();
    second.begin();
    await until(() => published.length === 1);
    expect(published[0]).toHaveLength(3);
    expect(server.calls.filter((c) => c === 'POST /uploads' || c === 'POST /media')).toEqual([]);
    expect(server.uploads.size).toBe(1);
    await until(() => second.outbox.all.value.length === 0);
  });

  test('an upload that the server no longer knows begins anew', async () => {
    const first = await open();
    let patches = 0;
    server.before = (r) => (r.method === 'PATCH' && ++patches > 1 ? new Promise(() => {}) : undefined);
    await first.media.send('u:bob', [file('deck.bin', 5 * mebi)]);
    first.begin();
    await until(() => patches === 2);
    first.leave();
    server.before = () => undefined;
    server.uploads.clear();
    const second = await open();
    second.begin();
    await until(() => published.length === 1);
  });
});

test('more files than a message can carry are several messages; the caption counts', async () => {
  const p = await open();
  const list = Array.from({ length: 9 }, (_, i) => file(`${i}.txt`, i + 1));
  await p.media.send('g:team', list, { caption: 'nine', reply: 4, mentions: ['bob'] });
  const items = p.outbox.all.value;
  expect(items.map((item) => item.media.length)).toEqual([7, 3]);
  expect(items[0]?.media[0]).toEqual({ type: 0, content: { co: 'nine', re: 4, at: ['bob'] } });
  expect(items[0]?.files?.map((f) => f.at)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(items[1]?.files?.map((f) => f.at)).toEqual([0, 1, 2]);
});

test('of several messages made of one choice the first goes first, however long its files take; a refusal holds up nothing', async () => {
  const p = await open();
  let free = () => {};
  server.before = (r, path) => {
    const slow = path === '/media' && ((r.body as FormData).get('file') as File).name === '4.mp4';
    return slow ? new Promise((go) => (free = () => go(undefined))) : undefined;
  };
  const list = Array.from({ length: 15 }, (_, i) => file(i === 4 ? '4.mp4' : `${i}.txt`, i + 1));
  await p.media.send('u:bob', list, { caption: 'fifteen' });
  p.begin();
  await until(() => server.taken.length === 14);
  p.outbox.send('u:bob', 'meanwhile');
  await until(() => published.length === 1);
  expect(published[0]).toEqual(['meanwhile']);
  free();
  await until(() => published.length === 4);
  expect(published.map((texts) => texts.length)).toEqual([1, 7, 7, 2]);
  expect(published[1]?.[0]).toBe('fifteen');

  refuses = (links) => (links.length === 7 ? 'muted' : undefined);
  await p.media.send('u:bob', list.slice(0, 4).concat(list.slice(5, 9)));
  await until(() => published.length === 5);
  expect(published[4]).toHaveLength(1);
  await until(() => p.outbox.all.value[0]?.state === 'failed');
});
