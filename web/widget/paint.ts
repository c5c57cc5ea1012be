// The host's tokens as those of our own styles (web/ui/styles/tokens.css). They were looked at by the loader; but whoever has a port could say anything.

import { theme as mode } from '../ui/prefs';
import { colourOf, onColour, readTheme } from './theme';
import type { Theme } from './types';

/** Throws an Error that names what is wrong. */
export function paint(given: Theme): void {
  const { mode: wanted = 'auto', colors = {}, radius, font } = readTheme(given);
  mode.value = wanted === 'auto' ? 'system' : wanted;
  const { accent, onAccent, ground, pane, ink, own } = colors;
  set('--accent', accent && colourOf(accent));
  set('--accent-hover', accent && 'color-mix(in oklab, var(--accent) 85%, var(--ink))');
  set('--accent-soft', accent && 'color-mix(in oklab, var(--accent) 14%, var(--pane))');
  // Words in the accent's colour must be readable, whatever it is.
  set('--accent-ink', accent && 'color-mix(in oklab, var(--accent) 55%, var(--ink))');
  set('--selected', accent && 'var(--accent-soft)');
  set('--ink-on-accent', onAccent ? colourOf(onAccent) : accent && onColour(accent));
  set('--ground', ground && colourOf(ground));
  set('--pane', pane && colourOf(pane));
  set('--raised', pane && 'var(--pane)');
  set('--ink', ink && colourOf(ink));
  set('--ink-2', ink && 'color-mix(in oklab, var(--ink) 72%, var(--pane))');
  set('--ink-3', ink && 'color-mix(in oklab, var(--ink) 62%, var(--pane))');
  set('--bubble-own', own ? colourOf(own) : accent && 'color-mix(in oklab, var(--accent) 20%, var(--pane))');
  set('--bubble-own-note', (own ?? accent) && 'color-mix(in oklab, var(--bubble-ink) 70%, var(--bubble-own))');
  set('--radius-s', px(radius, 0.6));
  set('--radius', px(radius, 1));
  set('--radius-l', px(radius, 1.5));
  set('--font', font && `${font}, system-ui, sans-serif`);
}

function px(radius: number | undefined, times: number): string | undefined {
  return radius === undefined ? undefined : `${Math.round(radius * times)}px`;
}

function set(name: string, value: string | undefined): void {
  const { style } = document.documentElement;
  if (value === undefined) style.removeProperty(name);
  else style.setProperty(name, value);
}
