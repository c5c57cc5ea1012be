import { expect, test } from 'vitest';
import { changes, join, merge } from './merge';

const base = { name: 'Ann', title: 'Dev', departments: ['1'] };

test('what the other changed comes in, what one typed stays', () => {
  const mine = { ...base, title: 'Lead' };
  const theirs = { name: 'Ann Lee', title: 'Dev', departments: ['1', '2'] };
  const { value, clashes } = merge(base, mine, theirs);
  expect(value).toEqual({ name: 'Ann Lee', title: 'Lead', departments: ['1', '2'] });
  expect(clashes).toEqual([
    { field: 'name', before: 'Ann', theirs: 'Ann Lee', both: false },
    { field: 'departments', before: ['1'], theirs: ['1', '2'], both: false },
  ]);
  expect(changes(theirs, value)).toEqual({ title: 'Lead' });
});

test('a field that both changed keeps what one typed, and is told', () => {
  const { value, clashes } = merge(base, { ...base, title: 'Lead' }, { ...base, title: 'Head' });
  expect(value.title).toBe('Lead');
  expect(clashes).toEqual([{ field: 'title', before: 'Dev', theirs: 'Head', both: true }]);
});

test('the same change by both is none', () => {
  const both = { ...base, title: 'Lead' };
  const { value, clashes } = merge(base, both, both);
  expect(clashes).toEqual([{ field: 'title', before: 'Dev', theirs: 'Lead', both: false }]);
  expect(changes(both, value)).toEqual({});
});

test('clashes of one version after another stay until they are looked at', () => {
  const mine = { ...base, title: 'Lead' };
  const first = merge(base, mine, { ...base, title: 'Head', name: 'Anne' });
  const now = { ...base, title: 'Chief', name: 'Anne' };
  const second = merge({ ...base, title: 'Head', name: 'Anne' }, first.value, now);
  expect(join(first.clashes, second.clashes)).toEqual([
    { field: 'name', before: 'Ann', theirs: 'Anne', both: false },
    { field: 'title', before: 'Dev', theirs: 'Chief', both: true },
  ]);
});
