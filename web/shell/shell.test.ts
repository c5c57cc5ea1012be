import { beforeEach, expect, test, vi } from 'vitest';
import { type Shell, ShellCache } from './shell';

const origin = 'https://chat.test';

/** CacheStorage as far as it is used, with paths of one origin. */
class Caches {
  private readonly all = new Map<string, Map<string, Response>>();

  async open(name: string) {
    const cache = this.all.get(name) ?? new Map<string, Response>();
    this.all.set(name, cache);
    return {
      put: async (path: string, r: Response) => void cache.set(new URL(path, origin).pathname, r),
      match: async (path: string) => cache.get(new URL(path, origin).pathname)?.clone(),
    };
  }

  async match(url: string) {
    for (const cache of this.all.values()) {
      const r = cache.get(new URL(url, origin).pathname);
      if (r) return r.clone();
    }
    return undefined;
  }

  async keys() {
    return [...this.all.keys()];
  }

  async delete(name: string) {
    return this.all.delete(name);
  }
}

let caches: Caches;
/** What the server has. */
let site: Record<string, () => Response | Promise<Response>>;
let asked: string[];

const version = (n: number): Shell => ({ version: String(n), assets: [`/assets/app-${n}.js`, '/assets/icon.svg'] });

function deploy(n: number): ShellCache {
  const html = `<script src="/assets/app-${n}.js"></script><link href="/assets/icon.svg">page ${n}`;
  site = {
    '/': () => new Response(html),
    [`/assets/app-${n}.js`]: () => new Response(`app ${n}`),
    '/assets/icon.svg': () => new Response('icon'),
  };
  return new ShellCache(version(n), {
    origin,
    caches: caches as unknown as CacheStorage,
    fetch: (async (r: string | Request) => {
      const path = new URL(typeof r === 'string' ? r : r.url, origin).pathname;
      asked.push(path);
      return (await site[path.startsWith('/c/') ? '/' : path]?.()) ?? new Response('none', { status: 404 });
    }) as typeof fetch,
  });
}

const visit = (path: string) => ({ method: 'GET', mode: 'navigate' as const, url: origin + path });
const load = (path: string, method = 'GET') => ({ method, mode: 'cors' as const, url: origin + path });
const text = async (r: Promise<Response> | undefined) => (await r)?.text();

beforeEach(() => {
  caches = new Caches();
  asked = [];
});

test('without the server, the page and its files are here', async () => {
  const shell = deploy(1);
  await shell.install();
  site = {
    '/': () => Promise.reject(new TypeError('Failed to fetch')),
  };
  expect(await text(shell.answer(visit('/c/u%3Abob')))).toContain('page 1');
  expect(await text(shell.answer(load('/assets/app-1.js')))).toBe('app 1');
});

test('files whose names tell their contents are not asked for again', async () => {
  const shell = deploy(1);
  await shell.install();
  asked = [];
  await shell.answer(load('/assets/app-1.js'));
  expect(asked).toEqual([]);
  await deploy(2).install();
  expect(asked.sort()).toEqual(['/', '/assets/app-2.js']);
});

test('the page that is kept shows at once, and the newer one when its worker has come', async () => {
  const first = deploy(1);
  await first.install();
  const second = deploy(2);
  asked = [];
  expect(await text(first.answer(visit('/')))).toContain('page 1');
  expect(asked).toEqual([]);
  await second.install();
  expect(await text(second.answer(visit('/')))).toContain('page 2');
});

test('a worker whose cache was cleared asks the server', async () => {
  const shell = deploy(1);
  await shell.install();
  for (const name of await caches.keys()) await caches.delete(name);
  expect(await text(shell.answer(visit('/')))).toContain('page 1');
});

test.each([
  visit('/api/v1/docs'),
  visit('/metrics'),
  visit('/customers'),
  load('/api/v1/me'),
  load('/media/x'),
  load('/mqtt'),
  load('/assets/x.js', 'POST'),
  { ...load(''), url: 'https://other.test/assets/x.js' },
])('is left alone: $method $mode $url', (r) => {
  expect(deploy(1).answer(r)).toBeUndefined();
});

test('pictures of people show without the server, and as they are by now the time after', async () => {
  const shell = deploy(1);
  const bob = () => text(shell.answer(load('/avatars/bob.svg')));
  site['/avatars/bob.svg'] = () => new Response('bob');
  expect(await bob()).toBe('bob');
  site['/avatars/bob.svg'] = () => new Response('bob with a hat');
  expect(await bob()).toBe('bob');
  await vi.waitFor(async () => expect(await bob()).toBe('bob with a hat'));
  site['/avatars/bob.svg'] = () => Promise.reject(new TypeError('Failed to fetch'));
  expect(await bob()).toBe('bob with a hat');
  site['/avatars/bob.svg'] = () => new Response('gone', { status: 404 });
  expect(await bob()).toBe('bob with a hat');
  await shell.clean();
  expect(await bob()).toBe('bob with a hat');
  await expect(shell.answer(load('/avatars/none.svg'))).resolves.toMatchObject({ status: 404 });
});

test('a new version leaves the files of the one before to pages that are open', async () => {
  for (const n of [1, 2, 3]) {
    const shell = deploy(n);
    await shell.install();
    await shell.clean();
  }
  expect(await caches.keys()).toEqual(['magpie-shell-2', 'magpie-shell-3']);
  expect(await text(deploy(3).answer(load('/assets/app-2.js')))).toBe('app 2');
});

test('a version that is not whole is not taken', async () => {
  await deploy(1).install();
  const second = deploy(2);
  delete site['/assets/app-2.js'];
  await expect(second.install()).rejects.toThrow('404');
  const third = deploy(3);
  deploy(4); // meanwhile
  await expect(third.install()).rejects.toThrow();
  expect(await caches.keys()).toEqual(['magpie-shell-1']);
});
