// <magpie-chat chat="group:42">: a panel in the flow of the host's page. Without `chat` it shows all conversations.

import { draw, sheet } from './draw';
import elementRules from './element.css?inline';
import { Frame, type FrameOptions, frameStyle } from './frame';
import { lookOf } from './look';
import type { Theme } from './types';

const name = 'magpie-chat';

/** What runs the elements of the page, while there is something that does. */
export interface Owner {
  came(one: Inline): void;
  went(one: Inline): void;
  changed(one: Inline): void;
}

/** An element of the page. */
export interface Inline {
  /** The attribute. */
  readonly chat: string | null;
  frame: Frame | undefined;
  begin(o: FrameOptions): Frame;
  say(words: string): void;
  setTheme(theme: Theme): void;
  clear(): void;
}

interface Elements {
  readonly here: Set<Inline>;
  owner: Owner | undefined;
}

/** Makes the element known, once for each page: a browser forgets none, so that a second script finds what the first has made. */
export function elements(): Elements {
  const known = customElements.get(name) as unknown as Elements | undefined;
  if (known?.here instanceof Set) return known;
  if (known) throw new Error(`The page has a <${name}> of its own.`);
  customElements.define(name, MagpieChat);
  return MagpieChat;
}

class MagpieChat extends HTMLElement implements Inline {
  static readonly observedAttributes = ['chat'];
  static readonly here = new Set<Inline>();
  static owner: Owner | undefined;

  frame: Frame | undefined;
  readonly #look = sheet('');
  readonly #root = this.attachShadow({ mode: 'closed' });

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [this.#look, frameStyle(), sheet(elementRules)];
  }

  get chat(): string | null {
    return this.getAttribute('chat');
  }

  connectedCallback(): void {
    MagpieChat.here.add(this);
    MagpieChat.owner?.came(this);
  }

  disconnectedCallback(): void {
    MagpieChat.here.delete(this);
    MagpieChat.owner?.went(this);
  }

  attributeChangedCallback(_name: string, before: string | null, now: string | null): void {
    if (before !== now && this.isConnected) MagpieChat.owner?.changed(this);
  }

  begin(o: FrameOptions): Frame {
    this.clear();
    this.frame = new Frame(o);
    this.#root.append(this.frame.element);
    return this.frame;
  }

  say(words: string): void {
    this.clear();
    this.#root.append(draw('p', { role: 'alert' }, words));
  }

  setTheme(theme: Theme): void {
    this.#look.replaceSync(lookOf(theme));
  }

  clear(): void {
    this.frame?.end();
    this.frame = undefined;
    this.#root.replaceChildren();
  }
}
