// The HTTP API: the access token in memory alone, renewed before it runs out and once when it is refused.

import { signal } from '@preact/signals-core';
import { Problem, type ProblemBody, signedOut } from '../problem';
import type { LoginMark } from '../types';
import type { KeptAccount, List, SignIn } from './shapes';

const prefix = '/api/v1';
/** A token is renewed when it has less than this left, in ms. */
const margin = 30_000;
/** ms by which answers may disagree about the server's clock before the newest is believed: they count whole seconds, and travel. */
const tolerance = 2000;
/** ms until an answer must have begun, and until it must have ended then. */
const patience = { begin: 30_000, end: 120_000 };

export interface ApiOptions {
  base: string;
  fetch: typeof fetch;
  now: () => number;
  locks: LockManager | null;
  /** Runs f while no other tab runs another, where there are no locks. */
  alone?: (<T>(f: () => Promise<T>) => Promise<T>) | undefined;
  /** Runs a renewal, after one that a page began which was left meanwhile. */
  renewal?: (<T>(f: () => Promise<T>) => Promise<T>) | undefined;
  /** What this browser says of a login that is in a cookie. Without, the server is always asked. */
  mark?: LoginMark | undefined;
  /** Sign-in by a host: the app, and where its tokens come from (CoreOptions.token). Without, logins renew themselves by the refresh token. */
  host?: { app: string; token: () => Promise<string | null | undefined> } | undefined;
  /** ms until an answer must have begun; default 30,000. */
  patience?: number;
  /** Signed in, or the login renewed. */
  onSignedIn: (s: SignIn) => void;
  /** The login is over: refused by the server, or replaced by another account in another tab. */
  onSignedOut: (reason: string, why?: Problem) => void;
}

export interface RequestOptions {
  body?: unknown;
  /** A repeat with the same key is done once. */
  idempotencyKey?: string;
  /** The version that the change is of. Problem 412 when there is a newer one, which is in `current`. */
  version?: number;
  /** It goes on although the page is closed. */
  keepalive?: boolean;
}

export class Api {
  private signedIn: SignIn | undefined;
  private expires = 0;
  private renewing: Promise<SignIn> | undefined;
  private identifying: Promise<SignIn> | undefined;
  /** Counts the signings out: what was under way before one signs nobody in after it. */
  private leavings = 0;
  /** Somebody was signed in, and is not any more. */
  private over = false;
  /** How far the server's clock is ahead of this device's, in ms, once an answer has told. */
  private readonly skew = signal<number | undefined>(undefined);

  constructor(private readonly o: ApiOptions) {}

  /** The server's clock, as far as known: ms since 1970. Followed by signals: when more is known of it, they are computed anew. */
  serverNow(): number {
    return this.o.now() + (this.skew.value ?? 0);
  }

  /** Takes an account for signed in that was so when the last page was closed. The first call renews the login, or finds that it is over. */
  assume(a: KeptAccount): void {
    this.over = false;
    this.signedIn = { ...a, access_token: '', expires_in: 0 };
  }

  /** Throws Problem. */
  async login(org: string, username: string, password: string): Promise<SignIn> {
    // A renewal or a sign-out that is under way would take or end the cookie that this one is given.
    return this.exclusive(async () => {
      const body = { org, username, password, terminal: 'web' };
      const s = await this.call<SignIn>('POST', '/auth/login', { body });
      this.signedIn = undefined; // whoever it was before
      return this.accept(s);
    });
  }

  /** Renews the tokens by the refresh cookie, or by a token of the host. Throws Problem; 401 when nobody is signed in. */
  refresh(): Promise<SignIn> {
    // A refresh token's second use ends the login: one renewal at a time, in all tabs.
    const { leavings: at, signedIn: who } = this;
    // What the host says now renews the login too, unless it is somebody else's.
    const said = this.identifying?.then((s) => {
      this.demand(who);
      return s;
    });
    if (said) return said;
    this.renewing ??= this.exclusive(async () => {
      if (this.o.host) return this.accept(await this.exchange(), at);
      const token = this.signedIn?.refresh_token;
      const body = token ? { refresh_token: token } : {};
      const renewal = this.o.renewal ?? run;
      const { mark } = this.o;
      if (mark && !this.signedIn && !mark.there()) throw signedOut();
      try {
        return this.accept(await renewal(() => this.call<SignIn>('POST', '/auth/refresh', { body })), at);
      } catch (e) {
        if (e instanceof Problem && e.status === 401) mark?.gone();
        throw e;
      }
    }).finally(() => {
      this.renewing = undefined;
    });
    return this.renewing;
  }

  /** Signs in whoever the host says is there now. replaced: that is somebody else than before. Throws Problem. */
  async identify(replaced: () => void): Promise<SignIn> {
    await this.renewing?.catch(() => {});
    const at = this.leavings;
    const said = this.exchange().then((s) => {
      if (at === this.leavings && this.signedIn && !isSame(this.signedIn, s)) {
        this.signedIn = undefined;
        replaced();
      }
      return this.accept(s, at);
    });
    this.identifying = said;
    try {
      return await said;
    } finally {
      if (this.identifying === said) this.identifying = undefined;
    }
  }

  /** Ends the login session. Throws Problem when the server can't be told. */
  async logout(): Promise<void> {
    const s = this.signedIn;
    this.signedIn = undefined;
    this.leavings++;
    this.over = true;
    if (this.o.host && !s) return; // what is under way ends its own login
    const body = s?.refresh_token ? { refresh_token: s.refresh_token } : {};
    await this.exclusive(() => this.call('POST', '/auth/logout', { body }, s?.access_token));
  }

  /** An access token that is good for a while. Throws Problem. */
  async token(): Promise<string> {
    const who = this.signedIn;
    if (who && this.o.now() < this.expires - margin) return who.access_token;
    const { access_token } = await this.renew();
    this.demand(who);
    return access_token;
  }

  /** path begins after /api/v1. Throws Problem. */
  async request<T>(method: string, path: string, o: RequestOptions = {}): Promise<T> {
    return this.authorized((token) => this.call<T>(method, path, o, token));
  }

  /** Calls with an access token, and once more with a new one of the same user where the first is refused (Problem 401). Throws Problem. */
  async authorized<T>(call: (token: string) => Promise<T>): Promise<T> {
    let who = this.signedIn;
    const token = await this.token();
    who ??= this.signedIn;
    try {
      return await call(token);
    } catch (e) {
      if (!(e instanceof Problem) || e.status !== 401) throw e;
    }
    this.demand(who);
    const fresh = this.signedIn && this.signedIn.access_token !== token ? this.signedIn : await this.renew();
    this.demand(who);
    return call(fresh.access_token);
  }

  /** The bytes at a path of the server below /media/. Throws Problem. */
  bytes(path: string): Promise<Blob> {
    return this.authorized(async (token) => {
      let answer: Response;
      try {
        answer = await this.o.fetch(this.address(path), { headers: { Authorization: `Bearer ${token}` } });
        if (answer.ok) return await answer.blob();
      } catch {
        throw noAnswer();
      }
      throw problem(answer, await answer.text().catch(() => ''));
    });
  }

  /** The whole address of a path that begins with a slash. */
  address(path: string): string {
    return new URL(path, this.o.base).href;
  }

  get<T>(path: string): Promise<T> {
    return this.request<T>('GET', path);
  }

  /** All pages of a list. */
  async list<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    let cursor = '';
    do {
      const query = `limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
      const page = await this.get<List<T>>(`${path}${path.includes('?') ? '&' : '?'}${query}`);
      items.push(...page.items);
      cursor = page.next ?? '';
    } while (cursor);
    return items;
  }

  /** A call without a login. Throws Problem. */
  open<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.call<T>(method, path, { body });
  }

  /** As refresh, unless somebody has signed out; where it is refused the login is over. */
  async renew(): Promise<SignIn> {
    if (this.over) throw signedOut();
    const who = this.signedIn;
    try {
      return await this.refresh();
    } catch (e) {
      this.demand(who); // somebody else's login does not end by it
      if (e instanceof Problem && isRefusal(e, this.o.host !== undefined)) this.end(e.detail, this.o.host && e);
      throw e;
    }
  }

  /** One token of the host for a login; a login that runs is prolonged by it. */
  private async exchange(): Promise<SignIn> {
    const { app, token: obtain } = this.o.host as NonNullable<ApiOptions['host']>;
    const body = async () => ({ app, token: await hostToken(obtain) });
    const before = this.signedIn?.access_token;
    try {
      return await this.call<SignIn>('POST', '/auth/exchange', { body: await body() }, before);
    } catch (e) {
      // The login before is over, as after a long sleep: a new one begins.
      const over = e instanceof Problem && e.status === 401 && !e.names.type?.startsWith('/problems/host-');
      if (!before || !over) throw e;
      return this.call<SignIn>('POST', '/auth/exchange', { body: await body() });
    }
  }

  /** at: how often one had signed out when this was asked for. */
  private accept(s: SignIn, at = this.leavings): SignIn {
    if (at !== this.leavings) {
      // Whoever has signed out meanwhile is not to be signed in again.
      void this.call('POST', '/auth/logout', { body: {} }, s.access_token).catch(() => {});
      throw signedOut();
    }
    const before = this.signedIn;
    if (before && !isSame(before, s)) {
      this.end('You have signed in with another account in another tab. Please reload the page.');
      throw signedOut();
    }
    this.expires = this.o.now() + s.expires_in * 1000;
    this.over = false;
    this.signedIn = s;
    this.o.onSignedIn(s);
    return s;
  }

  /** What was begun for one user is not to go on with the login of another. Throws Problem 401. */
  private demand(who: SignIn | undefined): void {
    if (who && !(this.signedIn && isSame(who, this.signedIn))) throw signedOut();
  }

  private end(reason: string, why?: Problem): void {
    if (!this.signedIn) return;
    this.signedIn = undefined;
    this.over = true;
    this.o.onSignedOut(reason, why);
  }

  private exclusive<T>(f: () => Promise<T>): Promise<T> {
    return this.o.locks ? (this.o.locks.request('magpie-refresh', f) as Promise<T>) : (this.o.alone ?? run)(f);
  }

  private readClock(answer: Response): void {
    // The header counts whole seconds: on average half of one is cut off.
    const skew = Date.parse(answer.headers.get('Date') ?? '') + 500 - this.o.now();
    const known = this.skew.peek();
    if (!Number.isNaN(skew) && (known === undefined || Math.abs(skew - known) > tolerance)) this.skew.value = skew;
  }

  private async call<T>(method: string, path: string, o: RequestOptions, token?: string): Promise<T> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (o.body !== undefined) headers['Content-Type'] = 'application/json';
    if (o.idempotencyKey) headers['Idempotency-Key'] = o.idempotencyKey;
    if (o.version !== undefined) headers['If-Match'] = `"${o.version}"`;
    let answer: Response;
    let text: string;
    // A network that swallows everything says nothing either: what waits for an answer, such as all tabs for a renewal, must go on.
    const silent = new AbortController();
    const limit = (ms: number) => setTimeout(() => silent.abort(), ms);
    let timer = limit(this.o.patience ?? patience.begin);
    try {
      const body = o.body === undefined ? null : JSON.stringify(o.body);
      // A page that is reloaded meanwhile must still be given its new cookie: the old one is used up.
      const keepalive = o.keepalive || path === '/auth/refresh';
      const init = { method, headers, body, signal: silent.signal, keepalive };
      answer = await this.o.fetch(this.o.base + prefix + path, init);
      clearTimeout(timer);
      timer = limit(patience.end);
      text = await answer.text();
    } catch {
      throw noAnswer();
    } finally {
      clearTimeout(timer);
    }
    this.readClock(answer);
    if (!answer.ok) throw problem(answer, text);
    return (text ? JSON.parse(text) : undefined) as T;
  }
}

function isSame(a: SignIn, b: SignIn): boolean {
  return a.user.uid === b.user.uid && a.org.eid === b.org.eid;
}

/** Whether an answer to a sign-in or a renewal means that there is no point in asking again. */
export function isRefusal({ status }: Problem, byHost: boolean): boolean {
  return byHost ? status >= 400 && status < 500 && status !== 429 : status === 401;
}

/** Throws what stands for an answer where the host has no token: nobody is signed in there, or it could not be asked. */
async function hostToken(obtain: () => Promise<string | null | undefined>): Promise<string> {
  const refusal = (type: string, detail: string) =>
    new Problem(401, 'Unauthorized', detail, undefined, undefined, { type: `/problems/host-${type}` });
  const token = await obtain().catch((e) => {
    if (e instanceof Problem) throw e; // the answer is not waited for any more
    throw refusal('no-token', `The site that shows this chat gave no token: ${e instanceof Error ? e.message : e}`);
  });
  if (!token) throw refusal('nobody', 'You are not signed in at the site that shows this chat.');
  return token;
}

function run<T>(f: () => Promise<T>): Promise<T> {
  return f();
}

function noAnswer(): Problem {
  return new Problem(0, 'No connection', "The server can't be reached. Please check your connection and try again.");
}

function problem(answer: Response, text: string): Problem {
  let p: ProblemBody = {};
  try {
    if (answer.headers.get('Content-Type')?.includes('json')) p = JSON.parse(text);
  } catch {
    // Not of our server: a proxy's page, say.
  }
  return Problem.of(
    answer.status,
    { title: answer.statusText, ...p },
    Number(answer.headers.get('Retry-After')) || undefined,
  );
}
