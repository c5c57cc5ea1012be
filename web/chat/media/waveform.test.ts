import { expect, test } from 'vitest';
import { bars, barsOf, pathOf, waveformOf } from './waveform';

test('a recording of any length is as many bars, the loudest of them full', () => {
  for (const n of [1, 10, bars, 1000]) {
    const levels = Array.from({ length: n }, (_, i) => (i === n - 1 ? 0.5 : 0.1));
    const wf = waveformOf(levels);
    expect(wf).toMatch(/^[0-9a-z]+$/);
    expect(wf).toHaveLength(bars);
    expect(barsOf(wf).at(-1)).toBe(1);
  }
  expect(waveformOf([])).toBe('');
  // Silence is not blown up to noise.
  expect(Math.max(...barsOf(waveformOf([0.001, 0.002])))).toBeLessThan(0.1);
});

test('what is no waveform is a flat line, and a long one is cut', () => {
  for (const bad of ['', '$$$', 'a b']) expect(new Set(barsOf(bad)).size).toBe(1);
  expect(barsOf('z'.repeat(500))).toHaveLength(64);
  expect(pathOf(barsOf('0z'))).not.toContain('NaN');
});
