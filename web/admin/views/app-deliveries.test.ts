import { expect, test, vi } from 'vitest';
import type { Delivery } from '../types';
import { remaining } from './app-deliveries';

// What asks the server and what draws need a page, and this none.
vi.mock('../client', () => ({}));
vi.mock('../parts/split', () => ({}));
vi.mock('../../ui/prefs', () => ({}));

const at = (minute: number) => ({ id: `d${minute}`, at: `2026-01-01T00:0${minute}:00Z` }) as Delivery;

test('what has left a status goes; what lies beyond the page that was read stays', () => {
  const shown = [at(5), at(4), at(3), at(2), at(1)];
  const ids = (all: Delivery[]) => all.map((d) => d.id);
  expect(ids(remaining(shown, { items: [at(5), at(3)], next: 'more' }))).toEqual(['d5', 'd3', 'd2', 'd1']);
  expect(ids(remaining(shown, { items: [at(4)], next: null }))).toEqual(['d4']);
  expect(remaining(shown, { items: [], next: null })).toEqual([]);
});
