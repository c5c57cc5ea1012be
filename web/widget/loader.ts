// The one script in the host's page: makes `window.Magpie`, and boots where its tag says for which app.

import { Calls } from './calls';
import { Chats } from './running';
import type { Magpie, Options } from './types';

type Global = ((...args: unknown[]) => unknown) & { q?: Iterable<unknown>[]; loaded?: true };

const page = window as unknown as { Magpie?: Global };

function start(script: HTMLScriptElement): void {
  const before = page.Magpie;
  if (before !== undefined && typeof before !== 'function') {
    console.error('Magpie: the page has another thing of this name.', before);
    return;
  }
  const magpie: Global = before?.loaded ? before : make(script.src, before);
  const { app, tokenUrl, locale, theme, position, open, launcher } = script.dataset;
  if (!app) return;
  const given = {
    app,
    tokenUrl,
    locale,
    theme: { mode: theme, position },
    open: open !== undefined && open !== 'false',
    launcher: launcher !== 'off',
  };
  magpie('boot', given as Options);
}

function make(address: string, before: Global | undefined): Global {
  const calls = new Calls({
    begin: (o, emit) => new Chats(address, o, emit),
    install: () => {
      page.Magpie = magpie;
    },
    uninstall: () => {
      if (page.Magpie === magpie) delete page.Magpie;
    },
  });
  const magpie: Global = (method, ...args) => calls.call(method, args);
  magpie.loaded = true;
  page.Magpie = magpie;
  calls.drain(before?.q);
  return magpie;
}

/** What is given out has the types of types.ts. */
export type Exposed = Magpie;

const script = document.currentScript;
if (script instanceof HTMLScriptElement && script.src) start(script);
else console.error('Magpie: load this by a <script src> of its own.');
