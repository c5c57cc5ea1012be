// The iframe with the panel, what covers it until it draws, and the port between the two pages.

import { draw, icon, sheet } from './draw';
import frameRules from './frame.css?inline';
import { type FromPanel, greeting, type Request, type ToPanel } from './wire';
import type { Words } from './words';

/** ms in which a panel has come, or is said not to. */
const patience = 20_000;

/** The rules of what Frame draws. */
export const frameStyle = () => sheet(frameRules);

export interface FrameOptions {
  /** Address of the panel's page. */
  url: URL;
  words: () => Words;
  start: () => Extract<ToPanel, { type: 'start' }>;
  /** Nobody is to be signed in. */
  left: () => boolean;
  told: (m: FromPanel) => void;
  /** What was last said of who is to be signed in is done, or failed. */
  signed: (e?: Error) => void;
  /** A token for the panel; undefined: none could be had. */
  token: () => Promise<string | null | undefined>;
  /** The panel has not come. */
  failed: () => void;
  /** There is a way to close what the frame lies in. */
  close?: () => void;
}

export class Frame {
  readonly element: HTMLElement;
  readonly iframe: HTMLIFrameElement;
  private readonly cover = draw('div', { class: 'cover' });
  /** Undefined: nothing was loaded yet. 'here': it draws. One that is away may come after all. */
  private state: 'coming' | 'here' | 'away' | undefined;
  private port: MessagePort | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Requests that are not answered. */
  private readonly pending = new Map<number, { asked: ToPanel; settle: (e?: Error) => void }>();
  private last = 0;
  /** The request that says who is to be signed in, until the page that was told is another. */
  private signing = 0;
  /** What the panel last said is unread. */
  unread = 0;

  constructor(private readonly o: FrameOptions) {
    this.iframe = draw('iframe', { allow: 'microphone; camera; clipboard-write; fullscreen; autoplay' });
    this.iframe.onload = () => this.greet();
    this.element = draw('div', { class: 'frame' }, this.iframe, this.cover);
    this.redraw();
  }

  /** Loads the panel, unless it is here or on its way; with first, unless it was tried before. What a page itself needs goes before, unless somebody uses it already. */
  load(first?: boolean): void {
    if (document.readyState !== 'complete' && !navigator.userActivation?.hasBeenActive) return;
    if (this.state && (first || this.state !== 'away')) return;
    this.turn('coming');
    this.iframe.src = this.o.url.href;
  }

  /** Says that the panel can't come. */
  fail(): void {
    if (this.state !== 'coming') return;
    this.turn('away');
    this.release();
    this.o.failed();
  }

  /** A word to the panel. Before there is one it is not needed: 'start' will tell it. */
  send(m: ToPanel): void {
    this.port?.postMessage(m);
  }

  /** Asks the panel, or the next one that comes, for something. Resolves when it is done; rejects with what the panel says is wrong. */
  request(m: Request): Promise<void> {
    const asked = { ...m, id: ++this.last };
    return new Promise((resolve, reject) => {
      this.pending.set(asked.id, { asked, settle: (e) => (e ? reject(e) : resolve()) });
      this.send(asked);
    });
  }

  /** Says who is to be signed in: whoever is there at the host, or nobody. A panel that comes is told by itself. Resolves when it has done so. */
  async sign(): Promise<void> {
    if (!this.port) return;
    const done = this.request({ type: this.o.left() ? 'logout' : 'identify' });
    this.signing = this.last;
    await done.catch(() => {});
  }

  end(): void {
    clearTimeout(this.timer);
    this.unplug();
    for (const { settle } of this.pending.values()) settle(new Error('destroyed'));
    this.element.remove();
  }

  /** Each load has a port of its own: the page may have been loaded anew. The newest counts, here and in the panel. */
  private greet(): void {
    if (!this.state) return; // the empty page that an iframe begins with
    this.unplug();
    if (this.state === 'here') this.turn('coming');
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = (e) => this.told(e.data as FromPanel, port1);
    this.send(this.o.start());
    for (const { asked } of this.pending.values()) this.send(asked);
    void this.sign();
    this.iframe.contentWindow?.postMessage(greeting, this.o.url.origin, [port2]);
  }

  private unplug(): void {
    this.port?.close();
    this.port = undefined;
    this.release();
  }

  /** In a page that is gone, or does not come, nobody is signed in; the next one is told anew who is to be. */
  private release(): void {
    this.signing = 0;
    for (const [id, { asked, settle }] of this.pending) {
      if (asked.type === 'open') continue;
      this.pending.delete(id);
      settle();
    }
  }

  private told(m: FromPanel, port: MessagePort): void {
    if (port !== this.port) return;
    if (m.type === 'here') this.turn('here');
    else if (this.state === 'away') this.turn('coming');
    if (m.type === 'token') {
      const answer = (token?: string | null) => port.postMessage({ type: 'token', id: m.id, token } satisfies ToPanel);
      void this.o.token().then(answer);
    } else if (m.type === 'done') {
      const e = m.error === undefined ? undefined : new Error(m.error);
      if (m.id === this.signing) this.o.signed(e);
      this.pending.get(m.id)?.settle(e);
      this.pending.delete(m.id);
    } else {
      if (m.type === 'unread') this.unread = m.unread;
      this.o.told(m);
    }
  }

  private turn(state: 'coming' | 'here' | 'away'): void {
    this.state = state;
    clearTimeout(this.timer);
    if (state === 'coming') this.timer = setTimeout(() => this.fail(), patience);
    this.redraw();
  }

  /** The words or the state have changed. */
  redraw(): void {
    const words = this.o.words();
    this.iframe.title = words.chat;
    this.cover.hidden = this.state === 'here';
    const away = this.state === 'away';
    this.cover.replaceChildren(draw('span', { role: 'status' }, away ? words.away : words.coming));
    if (away) {
      const again = draw('button', { type: 'button' }, words.again);
      again.onclick = () => this.load();
      this.cover.append(again);
    }
    if (!this.o.close) return;
    const close = draw(
      'button',
      { type: 'button', class: 'away', 'aria-label': words.close },
      icon('M6 6l12 12M18 6 6 18'),
    );
    close.onclick = this.o.close;
    this.cover.append(close);
  }
}
