import { expect, test, vi } from 'vitest';
import { Problem } from '../core/problem';
import { failed } from './fetched';

// What asks the server and what draws need a page, and this none.
vi.mock('./client', () => ({}));
vi.mock('../ui/prefs', () => ({}));

const there = { path: '/admin/apps/1', value: { name: 'Launch' } };

test('what is there stays beside what went wrong when it was asked for again', () => {
  for (const error of [new Problem(0, '', ''), new Problem(503, '', ''), new TypeError('no network')])
    expect(failed(there, '/admin/apps/1', error)).toEqual({ ...there, error });
});

test('what is gone, or was another thing, does not stay', () => {
  const gone = new Problem(404, '', '');
  expect(failed(there, '/admin/apps/1', gone)).toEqual({ path: '/admin/apps/1', error: gone });
  const error = new Problem(503, '', '');
  expect(failed(there, '/admin/apps/2', error)).toEqual({ path: '/admin/apps/2', error });
});
