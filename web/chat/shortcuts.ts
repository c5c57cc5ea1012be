// Keys that work everywhere in the app.

import type { Core } from '../core';
import { go, href, route } from './route';

const apple = /Mac|iPhone|iPad/.test(navigator.platform);

/** The keys of each shortcut as people see them on their keyboard. */
export const shortcuts = {
  search: [apple ? '⌘' : 'Ctrl', 'K'],
  next: [apple ? '⌥' : 'Alt', '↓'],
  previous: [apple ? '⌥' : 'Alt', '↑'],
  reply: [apple ? '⌘' : 'Ctrl', '↑'],
  edit: ['↑'],
  newline: ['Shift', 'Enter'],
  close: ['Esc'],
} as const;

/** Written on a touch screen, whose keyboard mostly has no Shift+Enter: there Enter breaks the line. */
export const touch = () => matchMedia('(pointer: coarse)').matches;

/** Whether a key pressed in a text means that it is to be sent. */
export function sends(e: KeyboardEvent): boolean {
  // While an input method composes, Enter chooses a candidate. Safari ends the composition first and says 229.
  if (e.key !== 'Enter' || e.shiftKey || e.isComposing || e.keyCode === 229) return false;
  return e.ctrlKey || e.metaKey || !touch();
}

/** Whether something lies over the page that has keys of its own. */
function covered(): boolean {
  return !!document.querySelector('dialog[open], [popover]:popover-open');
}

/** Handles a key that nothing in the page has taken. */
export function shortcut(core: Core, e: KeyboardEvent): void {
  if (e.defaultPrevented || e.isComposing || covered()) return;
  const command = apple ? e.metaKey : e.ctrlKey;
  if (command && !e.altKey && !e.shiftKey && e.key.toLowerCase() === 'k') {
    e.preventDefault();
    search();
  } else if (e.altKey && !e.ctrlKey && !e.metaKey && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
    e.preventDefault();
    step(core, e.key === 'ArrowDown' ? 1 : -1);
  } else if (e.key === 'Escape') {
    const now = route.value;
    if (now.view === 'chats' && now.conv && now.info) go(href.conv(now.conv), 'replace');
  }
}

/** To the search box of the list beside; from the settings to that of the conversations. */
function search(): void {
  if (select()) return; // at once, or what is typed next went where the cursor was
  go(href.chats);
  requestAnimationFrame(select);
}

function select(): boolean {
  const box = find();
  box?.focus();
  box?.select();
  return !!box;
}

function find(): HTMLInputElement | undefined {
  const box = document.querySelector<HTMLInputElement>('.list-pane [type=search]');
  if (box?.checkVisibility()) return box;
  return undefined;
}

/** To the conversation above or below; from none to the first. */
function step(core: Core, by: 1 | -1): void {
  const all = core.conversations.peek();
  const now = route.value;
  const at = now.view === 'chats' ? all.findIndex((c) => c.conv === now.conv) : -1;
  const next = all[at === -1 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))];
  if (!next) return;
  go(href.conv(next.conv));
  requestAnimationFrame(() =>
    document.querySelector(`[data-conv="${CSS.escape(next.conv)}"]`)?.scrollIntoView({ block: 'nearest' }),
  );
}
