// The bubble in a corner of the host's page, and the panel that it opens.

import { draw, icon, sheet } from './draw';
import { Frame, type FrameOptions, frameStyle } from './frame';
import launcherRules from './launcher.css?inline';
import { lookOf } from './look';
import type { Theme } from './types';
import type { Words } from './words';

const bubbleIcon = 'M20 11.5a7.5 7.5 0 0 1-11 6.6L4 19.5l1.4-4.6A7.5 7.5 0 1 1 20 11.5z';
const closeIcon = 'M6 9.5l6 6 6-6';

export interface LauncherOptions {
  frame: Omit<FrameOptions, 'close'>;
  words: () => Words;
  opened: (shown: boolean) => void;
}

export class Launcher {
  readonly frame: Frame;
  private readonly element = document.createElement('magpie-launcher');
  private readonly look = sheet('');
  private readonly corner = draw('div');
  private readonly panel = draw('div', { class: 'panel', role: 'dialog' });
  private readonly bubble = draw('button', { type: 'button', class: 'bubble' });
  private readonly count = draw('span', { class: 'count', 'aria-hidden': 'true', hidden: '' });
  private readonly said = draw('span', { class: 'said', role: 'status' });
  private unread = 0;
  private theme: Theme = {};
  shown = false;

  constructor(private readonly o: LauncherOptions) {
    const root = this.element.attachShadow({ mode: 'closed' });
    root.adoptedStyleSheets = [this.look, frameStyle(), sheet(launcherRules)];
    this.frame = new Frame({ ...o.frame, close: () => this.hide() });
    this.panel.append(this.frame.element);
    this.corner.append(this.panel, this.bubble, this.said);
    root.append(this.corner);
    this.bubble.onclick = () => this.toggle();
    this.corner.onkeydown = (e) => {
      if (e.key === 'Escape' && this.shown) this.hide();
    };
    this.redraw();
  }

  /** After the body, where no transform of the page's takes hold of what is fixed, and a body that is replaced does not take it along. */
  attach(): void {
    this.place();
    document.documentElement.append(this.element);
  }

  show(): void {
    this.frame.load();
    if (this.shown) return;
    this.place();
    this.set(true);
    this.frame.iframe.focus();
  }

  hide(): void {
    if (!this.shown) return;
    const inside = document.activeElement === this.element;
    this.set(false);
    if (inside) this.bubble.focus();
  }

  toggle(): void {
    if (this.shown) this.hide();
    else this.show();
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.look.replaceSync(`${lookOf(theme)} :host { --mp-z: ${theme.zIndex ?? 2147483000}; }`);
    this.place();
  }

  setUnread(n: number): void {
    if (n > this.unread) this.said.textContent = this.o.words().unread(n);
    else if (n === 0) this.said.textContent = '';
    this.unread = n;
    this.redraw();
  }

  /** The words, the count or the state have changed. */
  redraw(): void {
    const words = this.o.words();
    const name = this.shown ? words.close : words.open;
    this.panel.setAttribute('aria-label', words.chat);
    this.bubble.setAttribute('aria-label', this.unread > 0 ? `${name}, ${words.unread(this.unread)}` : name);
    this.bubble.setAttribute('aria-expanded', String(this.shown));
    this.count.hidden = this.unread === 0 || this.shown;
    this.count.textContent = this.unread > 99 ? '99+' : String(this.unread);
    this.bubble.replaceChildren(icon(this.shown ? closeIcon : bubbleIcon), this.count);
    this.frame.redraw();
  }

  end(): void {
    this.frame.end();
    this.element.remove();
  }

  private set(shown: boolean): void {
    this.shown = shown;
    this.panel.classList.toggle('shown', shown);
    this.redraw();
    this.o.opened(shown);
  }

  /** On which side: pages may change their direction, or say it at their body alone. */
  private place(): void {
    const rtl = getComputedStyle(document.body ?? document.documentElement).direction === 'rtl';
    const { position = 'end' } = this.theme;
    this.corner.className = position === 'left' || position === (rtl ? 'end' : 'start') ? 'left' : '';
    this.corner.dir = rtl ? 'rtl' : 'ltr';
  }
}
