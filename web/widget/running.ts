// The chat in a page between boot and destroy: its frames, its tokens, who is signed in.

import { type Emit, failure, type Running } from './calls';
import { elements, type Inline, type Owner } from './element';
import type { Frame, FrameOptions } from './frame';
import { Launcher } from './launcher';
import { mergeThemes, readTheme } from './theme';
import { fromUrl, type GetToken, NoToken, obtain } from './tokens';
import type { Options, Theme } from './types';
import { type Account, convOf, type FromPanel } from './wire';
import { wordsIn } from './words';

export class Chats implements Running, Owner {
  readonly app: string;
  ready!: Promise<void>;
  private settle: ((e?: Error) => void) | undefined;
  private readonly ending = new AbortController();
  private launcher: Launcher | undefined;
  private readonly known = elements();
  /** The frame whose events count: the launcher's, or the first in the page. */
  private primary: Frame | undefined;
  private getToken: GetToken;
  private theme: Theme;
  private locale: string;
  private count = 0;
  private user: string | undefined;
  /** Signed out, until somebody is to be signed in. */
  private left = false;
  /** Why nobody is signed in. */
  private trouble: Error | undefined;
  /** Told once, as long as it lasts. */
  private noToken = false;

  /** base: the address of the loader. Throws an Error that says what is wrong with the options. */
  constructor(
    private readonly base: string,
    o: Options,
    private readonly emit: Emit,
  ) {
    this.app = o.app;
    this.getToken = this.source(o);
    this.theme = readTheme(o.theme);
    this.locale = o.locale || document.documentElement.lang || navigator.language;
    this.expect();
    if (o.launcher !== false) {
      this.launcher = new Launcher({
        frame: this.options(() => this.launcher?.frame, false),
        words: () => wordsIn(this.locale),
        opened: (shown) => {
          this.launcher?.frame.send({ type: 'shown', shown });
          this.emit(shown ? 'open' : 'close', undefined);
        },
      });
      this.launcher.setTheme(this.theme);
      this.primary = this.launcher.frame;
    }
    const { signal } = this.ending;
    document.addEventListener('securitypolicyviolation', (e) => this.forbidden(e), { signal });
    this.known.owner = this;
    for (const one of this.known.here) this.came(one);
    // Sooner it would stand before the body, and be what the keyboard reaches first.
    const attach = () => this.launcher?.attach();
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', attach, { signal });
    else attach();
    if (o.open) this.launcher?.show();
    addEventListener('load', () => this.begin(true), { signal });
    this.begin(true);
  }

  async again(o: Options): Promise<void> {
    if (o.tokenUrl || o.getToken) this.getToken = this.source(o);
    if (o.theme !== undefined) this.setTheme(o.theme);
    if (o.locale) this.setLocale(o.locale);
    if (o.open) this.launcher?.show();
    if (this.left || (!this.settle && this.user === undefined)) return this.identify();
    // While it is still coming, the first boot's promise tells of it.
    if (this.settle) await this.ready;
  }

  identify(from?: Pick<Options, 'tokenUrl' | 'getToken'>): Promise<void> {
    if (from?.tokenUrl || from?.getToken) this.getToken = this.source(from);
    this.noToken = false;
    this.left = false;
    if (!this.settle) this.expect();
    const { ready } = this;
    this.sign();
    this.begin();
    return ready;
  }

  async openChat(chat: unknown): Promise<void> {
    const conv = convOf(chat);
    if (!this.launcher) throw new Error('the launcher is off');
    this.launcher.show();
    await this.launcher.frame.request({ type: 'open', conv });
  }

  show(): void {
    this.launcher?.show();
  }

  hide(): void {
    this.launcher?.hide();
  }

  toggle(): void {
    this.launcher?.toggle();
  }

  setTheme(given: unknown): void {
    this.theme = mergeThemes(this.theme, readTheme(given));
    this.launcher?.setTheme(this.theme);
    for (const one of this.known.here) one.setTheme(this.theme);
    for (const frame of this.frames()) frame.send({ type: 'theme', theme: this.theme });
  }

  setLocale(given: unknown): void {
    const locale = String(given);
    this.locale = locale;
    this.launcher?.redraw();
    for (const frame of this.frames()) {
      frame.redraw();
      frame.send({ type: 'locale', locale });
    }
  }

  unread(): number {
    return this.count;
  }

  logout(): Promise<unknown> {
    this.left = true;
    this.settled(failure('sign-in', 'signed out'));
    return this.sign();
  }

  end(): void {
    this.ending.abort();
    this.known.owner = undefined;
    for (const one of this.known.here) one.clear();
    this.launcher?.end();
    this.settled(new Error('destroyed'));
  }

  // Elements of the page

  came(one: Inline): void {
    one.setTheme(this.theme);
    let conv: string | undefined;
    try {
      if (one.chat !== null) conv = convOf(one.chat);
    } catch (e) {
      const { message } = e as Error;
      one.say(message);
      this.emit('error', failure('call', message));
      return;
    }
    const frame = one.begin(this.options(() => one.frame, true, conv));
    this.primary ??= frame;
    frame.load();
  }

  went(one: Inline): void {
    const { frame } = one;
    one.clear();
    if (frame && frame === this.primary) {
      [this.primary] = this.frames();
      this.setUnread(this.primary?.unread ?? 0);
      if (this.settle) void this.primary?.sign(); // it may have answered before
    }
  }

  changed(one: Inline): void {
    this.went(one);
    this.came(one);
  }

  private *frames(): Iterable<Frame> {
    if (this.launcher) yield this.launcher.frame;
    for (const { frame } of this.known.here) if (frame) yield frame;
  }

  private sign(): Promise<unknown> {
    return Promise.all([...this.frames()].map((frame) => frame.sign()));
  }

  private options(self: () => Frame | undefined, inline: boolean, conv?: string): FrameOptions {
    const counts = () => self() !== undefined && self() === this.primary;
    const url = new URL(`panel?app=${encodeURIComponent(this.app)}`, this.base);
    return {
      url,
      words: () => wordsIn(this.locale),
      token: () => this.token(),
      start: () => ({
        type: 'start',
        theme: this.theme,
        locale: this.locale,
        inline,
        shown: inline || !!this.launcher?.shown,
        conv,
      }),
      left: () => this.left,
      told: (m) => this.told(m, counts()),
      signed: (e) => {
        if (counts()) this.settled(e && (this.trouble ?? e));
      },
      failed: () => {
        const e = failure(
          'panel',
          `${url.origin} does not answer, or may not be framed here (frame-src, the app’s origins).`,
        );
        if (counts()) this.settled(e);
        this.emit('error', e);
      },
    };
  }

  private told(m: FromPanel, counts: boolean): void {
    if (m.type === 'close') this.launcher?.hide();
    if (m.type === 'identify') void this.identify();
    if (!counts) return;
    if (m.type === 'unread') this.setUnread(m.unread);
    else if (m.type === 'message') this.emit('message', m.message);
    else if (m.type === 'connection') this.emit('connection', m.connection);
    else if (m.type === 'account') this.account(m);
  }

  private account(a: Account): void {
    const before = this.user;
    this.user = 'user' in a ? a.user : undefined;
    this.trouble = undefined;
    if ('user' in a) {
      if (a.user !== before) this.emit('ready', { user: a.user });
      return;
    }
    this.setUnread(0);
    const e = failure(a.why === 'no-token' ? 'token-url' : 'sign-in', a.message);
    this.trouble = e;
    if (a.why === 'nobody' || a.why === 'ended') this.emit('auth-expired', undefined);
    else if (a.why === 'refused') this.emit('error', e);
  }

  private setUnread(n: number): void {
    if (n === this.count) return;
    this.count = n;
    this.launcher?.setUnread(n);
    this.emit('unread', n);
  }

  private expect(): void {
    this.ready = new Promise((resolve, reject) => {
      this.settle = (e) => (e ? reject(e) : resolve());
    });
    this.ready.catch(() => {});
  }

  private settled(e?: Error): void {
    this.settle?.(e);
    this.settle = undefined;
  }

  private source({ tokenUrl, getToken }: Pick<Options, 'tokenUrl' | 'getToken'>): GetToken {
    if (typeof getToken === 'function') return async () => getToken();
    if (typeof tokenUrl !== 'string' || !tokenUrl) throw new Error('there is no tokenUrl or getToken');
    const url = new URL(tokenUrl, document.baseURI);
    return fromUrl(url.href, { fetch: (...a) => fetch(...a), signal: this.ending.signal });
  }

  /** Undefined: none could be had, which is told once. */
  private async token(): Promise<string | null | undefined> {
    try {
      const token = await obtain(() => this.getToken(), {
        online: () => navigator.onLine,
        back: (signal) => new Promise((resolve) => addEventListener('online', () => resolve(), { once: true, signal })),
        signal: this.ending.signal,
      });
      this.noToken = false;
      return token;
    } catch (e) {
      if (e instanceof NoToken && !this.noToken) {
        this.noToken = true;
        this.emit('error', failure('token-url', e.message));
      }
      return undefined;
    }
  }

  /** The page's own policy says at once what would else be known after a while. */
  private forbidden({ blockedURI, disposition, effectiveDirective }: SecurityPolicyViolationEvent): void {
    if (disposition !== 'enforce' || !/^(frame|child|default)-src$/.test(effectiveDirective)) return;
    if (!blockedURI.startsWith(new URL(this.base).origin)) return;
    for (const frame of this.frames()) frame.fail();
  }

  /** Loads what is not here; with first, only what has not been tried yet. */
  private begin(first?: boolean): void {
    for (const frame of this.frames()) frame.load(first);
  }
}
