// The picture of a sound: at most 64 bars, each a base-36 digit (docs/protocol.md §4, `wf`).

export const bars = 48;
const top = 35;

/** Shrinks or spreads a run of loudness values, each 0 to 1, to so many bars as digits. The loudest fills its bar. */
export function waveformOf(levels: readonly number[]): string {
  if (levels.length === 0) return '';
  const loudest = Math.max(0.05, ...levels);
  let out = '';
  for (let i = 0; i < bars; i++) {
    const from = Math.floor((i * levels.length) / bars);
    const to = Math.max(from + 1, Math.floor(((i + 1) * levels.length) / bars));
    const peak = Math.max(...levels.slice(from, to));
    out += Math.round((peak / loudest) * top).toString(36);
  }
  return out;
}

/** The bars of a message, each 0 to 1. What can't be read is a line of low bars. */
export function barsOf(wf: string): number[] {
  const text = wf.slice(0, 64);
  if (!/^[0-9a-z]+$/i.test(text)) return Array.from({ length: bars }, () => 0.12);
  return [...text].map((c) => Number.parseInt(c, 36) / top);
}

/** Bars as a path in a box of 192 by 24. */
export function pathOf(list: readonly number[]): string {
  const each = 192 / list.length;
  const width = each * 0.6;
  return list
    .map((level, i) => {
      const h = Math.max(2, level * 24);
      const x = (i * each + (each - width) / 2).toFixed(2);
      return `M${x} ${((24 - h) / 2).toFixed(2)}h${width.toFixed(2)}v${h.toFixed(2)}h-${width.toFixed(2)}z`;
    })
    .join('');
}
