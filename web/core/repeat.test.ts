import { expect, test } from 'vitest';
import { RepeatKey } from './repeat';

test('a repeat has the key of the first, until it is done', () => {
  const keys = new RepeatKey();
  const first = keys.of({ title: 'x' });
  expect(first).toMatch(/^\d+(-\d+){3}$/);
  expect(keys.of({ title: 'x' })).toBe(first);
  const other = keys.of({ title: 'y' });
  expect(other).not.toBe(first);
  keys.done();
  expect(keys.of({ title: 'y' })).not.toBe(other);
});
