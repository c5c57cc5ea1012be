import { expect, test } from 'vitest';
import { convOf } from './wire';

test('a conversation is named by an object or by an attribute', () => {
  expect(convOf({ user: 'bob' })).toBe('u:bob');
  expect(convOf({ group: '42' })).toBe('g:42');
  expect(convOf({ group: 42 })).toBe('g:42');
  expect(convOf('group:42')).toBe('g:42');
  expect(convOf('user:bob')).toBe('u:bob');
});

test.each([
  undefined,
  null,
  {},
  7,
  '',
  'bob',
  'g:42',
  'group:',
  'group:../x',
  { user: '' },
  { room: '1' },
  { user: 'a b' },
])('%j is none', (chat) => {
  expect(() => convOf(chat)).toThrow('no conversation');
});
