import { expect, test } from 'vitest';
import { most, whole, within, zoomAt } from './zoom';

/** Where a point of the picture stands on the stage. */
const onStage = (z: { scale: number; x: number; y: number }, p: { x: number; y: number }) => ({
  x: z.x + p.x * z.scale,
  y: z.y + p.y * z.scale,
});

test('what is under the pointer stays there', () => {
  const point = { x: 40, y: -30 };
  let z = whole;
  for (const factor of [1.5, 2, 0.8, 1.2]) {
    const before = { x: (point.x - z.x) / z.scale, y: (point.y - z.y) / z.scale };
    z = zoomAt(z, factor, point);
    expect(onStage(z, before).x).toBeCloseTo(point.x);
    expect(onStage(z, before).y).toBeCloseTo(point.y);
  }
  expect(zoomAt(whole, 1000, point).scale).toBe(most);
  expect(zoomAt(z, 0.0001, point).scale).toBe(1);
});

test('a picture can’t be pushed off the stage', () => {
  const picture = { width: 300, height: 100 };
  const stage = { width: 400, height: 400 };
  expect(within({ scale: 1, x: 50, y: 50 }, picture, stage)).toEqual(whole);
  expect(within({ scale: 2, x: 500, y: -9 }, picture, stage)).toEqual({ scale: 2, x: 100, y: 0 });
});
