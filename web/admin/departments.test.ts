import { expect, test, vi } from 'vitest';
import { carried, dropped } from './departments';
import type { Department } from './types';

// What asks the server needs a page, and this none.
vi.mock('./client', () => ({}));

// a (with x, y), b, c
const all: Department[] = [
  ['c', '', 2],
  ['a', '', 0],
  ['b', '', 1],
  ['y', 'a', 1],
  ['x', 'a', 0],
].map(([id, parent, position]) => ({ id, parent, position, name: id, members: 0, version: 1 }) as Department);

test('arrows carry a department to where they point, and not beyond the end', () => {
  expect(carried(all, 'b', 'ArrowUp')).toEqual({ id: 'b', parent: '', position: 0 });
  expect(carried(all, 'b', 'ArrowDown')).toEqual({ id: 'b', parent: '', position: 2 });
  expect(carried(all, 'b', 'ArrowRight')).toEqual({ id: 'b', parent: 'a', position: 2 });
  expect(carried(all, 'y', 'ArrowLeft')).toEqual({ id: 'y', parent: '', position: 1 });
  for (const [id, arrow] of [
    ['a', 'ArrowUp'],
    ['c', 'ArrowDown'],
    ['x', 'ArrowRight'],
    ['c', 'ArrowLeft'],
    ['gone', 'ArrowUp'],
  ] as const)
    expect(carried(all, id, arrow)).toBeUndefined();
});

test('what is dropped goes before, after or into the other, places counted without itself', () => {
  expect(dropped(all, 'a', 'c', 'before')).toEqual({ id: 'a', parent: '', position: 1 });
  expect(dropped(all, 'c', 'a', 'after')).toEqual({ id: 'c', parent: '', position: 1 });
  expect(dropped(all, 'c', 'a', 'inside')).toEqual({ id: 'c', parent: 'a', position: 2 });
  expect(dropped(all, 'y', 'a', 'inside')).toEqual({ id: 'y', parent: 'a', position: 1 });
  expect(dropped(all, 'a', 'a', 'inside')).toBeUndefined();
});
