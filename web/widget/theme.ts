// The tokens by which a host changes the look: looked at here, in the loader and again in the panel, before any of them becomes a style.

import type { Colour, Theme } from './types';

const hex = /^#([0-9a-f]{3}){1,2}$/i;
const known: Record<string, (value: unknown) => unknown> = {
  mode: (v) => /^(light|dark|auto)$/.test(String(v)),
  position: (v) => /^(end|start|left|right)$/.test(String(v)),
  radius: (v) => within(v, 0, 24),
  zIndex: (v) => within(v, 1, 2147483647),
  // Names, quoted or not: no function, no url, no end of a declaration.
  font: (v) => typeof v === 'string' && v.length < 400 && /^[\w .-]+$/.test(v.replace(/(["'])([\w .-]+)\1|,/g, '$2')),
  colors: () => true,
};
const colours = ['accent', 'onAccent', 'ground', 'pane', 'ink', 'own'];

/** What a host gave, with nothing unknown in it. Throws an Error that names what is wrong. */
export function readTheme(given: unknown): Theme {
  const theme: Record<string, unknown> = typeof given === 'string' ? { mode: given } : given ? { ...given } : {};
  for (const [key, value] of Object.entries(theme)) {
    if (value == null) delete theme[key];
    else if (!known[key]?.(value)) throw wrong(key, value);
  }
  for (const [key, value] of Object.entries(theme.colors ?? {})) {
    if (!colours.includes(key) || !pairOf(value as Colour).every((one) => hex.test(one)))
      throw wrong(`colors.${key}`, value);
  }
  return theme;
}

/** later over earlier, token by token. */
export function mergeThemes(earlier: Theme, later: Theme): Theme {
  return { ...earlier, ...later, colors: { ...earlier.colors, ...later.colors } };
}

/** As CSS writes it. */
export function colourOf(colour: Colour): string {
  return `light-dark(${pairOf(colour)})`;
}

/** Black or white, whichever stands out from a colour (WCAG 2.2, relative luminance); as CSS writes it. */
export function onColour(colour: Colour): string {
  return `light-dark(${pairOf(colour).map(onOne)})`;
}

function pairOf(colour: Colour): string[] {
  return typeof colour === 'string' ? [colour, colour] : [colour.light, colour.dark];
}

function onOne(colour: string): string {
  const long = colour.length === 4 ? colour.replace(/[^#]/g, '$&$&') : colour;
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => (Number.parseInt(long.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
}

function within(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function wrong(key: string, value: unknown): Error {
  return new Error(`theme.${key} can't be ${JSON.stringify(value)}`);
}
