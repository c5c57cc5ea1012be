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
  told: (m: FromPanel) => void;
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
  private readonly cover: HTMLElement;
  private port: MessagePort | undefined;
  private readonly ending = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Requests that are not answered: a panel that comes is told all of them. */
  private readonly pending = new Map<number, { m: ToPanel; resolve: () => void; reject: (e: Error) => void }>();
  private last = 0;
  /** The panel has come. */
  here = false;
  /** Signed out before the panel came: the token that it asks for first is none. */
  left = false;

  constructor(private readonly o: FrameOptions) {
    this.iframe = draw('iframe', { allow: 'microphone; camera; clipboard-write; fullscreen; autoplay' });
    this.iframe.addEventListener('load', () => this.greet(), { signal: this.ending.signal });
    this.cover = draw('div', { class: 'cover' });
    this.element = draw('div', { class: 'frame' }, this.iframe, this.cover);
    this.show('coming');
  }

  /** Loads the panel, unless it is here or on its way; with first, unless it was tried before. */
  load(first?: boolean): void {
    if (this.iframe.src && (first || this.cover.dataset.state === 'coming')) return;
    this.unplug();
    this.show('coming');
    this.timer = setTimeout(() => this.fail(), patience);
    this.iframe.src = this.o.url.href;
  }

  /** Says that the panel can't come. */
  fail(): void {
    clearTimeout(this.timer);
    if (this.cover.hidden) return;
    this.show('away');
    this.o.failed();
  }

  /** A word to the panel, unless it is not here: then 'start' will tell it. */
  send(m: ToPanel): void {
    this.port?.postMessage(m);
  }

  /** Asks the panel for something. Resolves when it is done; rejects with what the panel says is wrong. */
  request(m: Request): Promise<void> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      const asked = { ...m, id };
      this.pending.set(id, { m: asked, resolve, reject });
      if (this.here) this.send(asked);
    });
  }

  /** The words have changed. */
  redraw(): void {
    this.iframe.title = this.o.words().chat;
    if (!this.cover.hidden) this.show(this.cover.dataset.state as 'coming' | 'away');
  }

  end(): void {
    this.ending.abort();
    clearTimeout(this.timer);
    this.unplug();
    for (const { reject } of this.pending.values()) reject(new Error('destroyed'));
    this.pending.clear();
    this.element.remove();
  }

  /** Each load has a port of its own: the page may have been loaded anew. */
  private greet(): void {
    if (!this.iframe.src) return; // the empty page that an iframe begins with
    this.unplug();
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = (e) => this.told(e.data as FromPanel);
    port1.postMessage(this.o.start());
    this.iframe.contentWindow?.postMessage(greeting, this.o.url.origin, [port2]);
  }

  private unplug(): void {
    this.port?.close();
    this.port = undefined;
    this.here = false;
  }

  private async told(m: FromPanel): Promise<void> {
    this.cover.dataset.state = 'coming'; // it may have been given up
    if (m.type === 'here') {
      clearTimeout(this.timer);
      this.cover.hidden = true;
      this.here = true;
      for (const one of this.pending.values()) this.send(one.m);
    } else if (m.type === 'token') {
      const { port, left } = this;
      this.left = false;
      const token = left ? null : await this.o.token();
      port?.postMessage({ type: 'token', id: m.id, ...(token !== undefined && { token }) } satisfies ToPanel);
      return;
    } else if (m.type === 'done') {
      const one = this.pending.get(m.id);
      this.pending.delete(m.id);
      if (m.error === undefined) one?.resolve();
      else one?.reject(new Error(m.error));
      return;
    }
    this.o.told(m);
  }

  private show(state: 'coming' | 'away'): void {
    const words = this.o.words();
    this.iframe.title = words.chat;
    this.cover.hidden = false;
    this.cover.dataset.state = state;
    this.cover.replaceChildren(draw('span', { role: 'status' }, words[state]));
    if (state === 'away') {
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
