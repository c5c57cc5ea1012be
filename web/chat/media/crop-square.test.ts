import { expect, test } from 'vitest';
import { kept, middle, mostZoom, sideOf } from './crop-square';

test('the square stays inside the picture, however it is moved and zoomed', () => {
  for (const [w, h] of [
    [400, 300],
    [300, 400],
    [1, 900],
  ] as const) {
    for (const c of [middle(w, h), { x: -99, y: 1e6, zoom: 3 }, { x: 5, y: 5, zoom: 0.1 }, { x: w, y: h, zoom: 99 }]) {
      const k = kept(c, w, h);
      const half = sideOf(k, w, h) / 2;
      expect(k.zoom).toBeGreaterThanOrEqual(1);
      expect(k.zoom).toBeLessThanOrEqual(mostZoom);
      expect(k.x - half).toBeGreaterThanOrEqual(-1e-9);
      expect(k.y - half).toBeGreaterThanOrEqual(-1e-9);
      expect(k.x + half).toBeLessThanOrEqual(w + 1e-9);
      expect(k.y + half).toBeLessThanOrEqual(h + 1e-9);
    }
  }
});
