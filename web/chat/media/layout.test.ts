import { describe, expect, test } from 'vitest';
import { albumOf, boxOf } from './layout';

describe('the place of one picture', () => {
  test('keeps its form, is never larger than it is, and stays within bounds', () => {
    expect(boxOf(200, 150)).toEqual({ width: 200, height: 150 });
    const large = boxOf(4000, 3000);
    expect(large.width / large.height).toBeCloseTo(4 / 3, 2);
    expect(large.width).toBe(336);
    const tall = boxOf(3000, 4000);
    expect(tall.height).toBe(360);
    for (const [w, h] of [
      [1, 1],
      [10_000, 1],
      [1, 10_000],
    ] as const) {
      const b = boxOf(w, h);
      expect(b.width).toBeGreaterThanOrEqual(120);
      expect(b.width).toBeLessThanOrEqual(336);
      expect(b.height).toBeGreaterThanOrEqual(80);
      expect(b.height).toBeLessThanOrEqual(360);
    }
  });

  test('what does not say its size has a place all the same', () => {
    expect(boxOf(0, 0)).toEqual(boxOf(0, 5));
    expect(boxOf(0, 0).width).toBeGreaterThan(0);
  });
});

test('an album of two to seven fills whole rows of twelve columns', () => {
  for (let n = 2; n <= 7; n++) {
    for (const first of [
      { w: 4, h: 3 },
      { w: 3, h: 4 },
    ]) {
      const { cells, ratio } = albumOf(n, first);
      expect(cells).toHaveLength(n);
      expect(cells.reduce((sum, c) => sum + c.columns * c.rows, 0) % 12).toBe(0);
      expect(ratio).toBeGreaterThan(0.8);
    }
  }
});
