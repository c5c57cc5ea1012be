// The tokens as the style of the bubble and of what surrounds a panel. Values have been looked at by theme.ts.

import { colourOf, onColour } from './theme';
import type { Theme } from './types';

/** Custom properties for a shadow root. */
export function lookOf({ mode = 'auto', colors = {}, radius = 16, font }: Theme): string {
  const { accent = { light: '#0a6c82', dark: '#4cc3d2' }, onAccent, pane, ink } = colors;
  const values = {
    scheme: mode === 'auto' ? 'light dark' : mode,
    accent: colourOf(accent),
    'on-accent': onAccent ? colourOf(onAccent) : onColour(accent),
    pane: colourOf(pane ?? { light: '#fff', dark: '#12181c' }),
    ink: colourOf(ink ?? { light: '#12181d', dark: '#e8edf0' }),
    radius: `${Math.min(radius, 10)}px`,
    'panel-radius': `${radius}px`,
    font: `${font ? `${font},` : ''}system-ui,sans-serif`,
  };
  // !important, or the page's sheets could say otherwise of the host element.
  const lines = Object.entries(values).map(([name, value]) => `--mp-${name}: ${value} !important;`);
  return `:host { ${lines.join(' ')} }`;
}
