// The files of the app, kept in the browser: the page opens although the server is away, and from then on works with what the core keeps.

/** What one build of the app consists of. The build writes it into the worker. */
export interface Shell {
  /** Changes with every file. */
  version: string;
  /** Paths of files whose names change with their contents: `/assets/chat-1a2b3c.js`. */
  assets: string[];
}

/** What is used of a Request. */
export type Asked = Pick<Request, 'method' | 'mode' | 'url'>;

const prefix = 'magpie-shell-';
/** Pictures of people that the app brings along; what they upload themselves is under /media and not for everybody. */
const pictures = 'magpie-avatars';
/** Addresses that the app routes itself: all are the same page. */
const pages = /^\/($|setup$|settings$|join$|people$|people\/|c\/)/;

export class ShellCache {
  constructor(
    private readonly shell: Shell,
    private readonly o: { origin: string; caches: CacheStorage; fetch: typeof fetch },
  ) {}

  /** Fetches what is not here yet. Rejects when not all of it can be had: the version that is here stays in charge. */
  async install(): Promise<void> {
    const [page, ...assets] = await Promise.all([
      this.page(),
      ...this.shell.assets.map(async (path) => (await this.o.caches.match(path)) ?? this.get(path)),
    ]);
    const cache = await this.o.caches.open(this.name);
    await Promise.all(assets.map((r, i) => cache.put(this.shell.assets[i] as string, r)));
    await cache.put('/', page as Response);
  }

  /** Removes old versions but the last, of which pages may be open that have not loaded all of their parts. */
  async clean(): Promise<void> {
    const old = (await this.o.caches.keys()).filter((name) => name.startsWith(prefix) && name !== this.name);
    await Promise.all(old.slice(0, -1).map((name) => this.o.caches.delete(name)));
  }

  /** The answer to a request; undefined for what is no business of the shell: the API, media, the connection. */
  answer(r: Asked): Promise<Response> | undefined {
    const url = new URL(r.url);
    if (r.method !== 'GET' || url.origin !== this.o.origin) return undefined;
    if (url.pathname.startsWith('/assets/')) return this.asset(r);
    if (url.pathname.startsWith('/avatars/')) return this.picture(r);
    if (r.mode === 'navigate' && pages.test(url.pathname)) return this.navigate(r);
    return undefined;
  }

  private get name(): string {
    return prefix + this.shell.version;
  }

  private async asset(r: Asked): Promise<Response> {
    return (await this.o.caches.match(r.url)) ?? this.o.fetch(r as Request);
  }

  /** The picture that is kept, at once; a newer one is fetched for the next time. */
  private async picture(r: Asked): Promise<Response> {
    const cache = await this.o.caches.open(pictures);
    const kept = await cache.match(r.url);
    const fetched = this.o.fetch(r as Request).then(async (answer) => {
      if (answer.ok) await cache.put(r.url, answer.clone());
      return answer;
    });
    if (!kept) return fetched;
    fetched.catch(() => {});
    return kept;
  }

  /** The page that is kept, at once: a newer one comes with the worker of its version, and pages are told. */
  private async navigate(r: Asked): Promise<Response> {
    return (await (await this.o.caches.open(this.name)).match('/')) ?? this.o.fetch(r as Request);
  }

  /** The page of this very version: the server may have a newer one by now, whose files are not here. */
  private async page(): Promise<Response> {
    const page = await this.get('/', { cache: 'reload' });
    const needed = (await page.clone().text()).match(/\/assets\/[^"' >]+/g) ?? [];
    const missing = needed.find((path) => !this.shell.assets.includes(path));
    if (missing) throw new Error(`The page is of another version: it wants ${missing}.`);
    return page;
  }

  private async get(path: string, init?: RequestInit): Promise<Response> {
    const r = await this.o.fetch(path, init);
    if (!r.ok) throw new Error(`${path}: ${r.status}`);
    return r;
  }
}
