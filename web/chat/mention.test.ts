import { describe, expect, test } from 'vitest';
import { askingAt, candidates, mentionsAfter } from './mention';

describe('asking for somebody', () => {
  test.each([
    ['@', { at: 0, query: '' }],
    ['hi @bo', { at: 3, query: 'bo' }],
    ['请@王', { at: 1, query: '王' }],
    ['(@a', { at: 1, query: 'a' }],
    ['hi @Member Number 99', { at: 3, query: 'Member Number 99' }],
  ])('%s does', (text, asking) => {
    expect(askingAt(text, text.length)).toEqual(asking);
  });

  test.each(['', 'a', 'mail@', 'ada@example', '@bob ', '@@', `@${'x'.repeat(40)}`])('%s does not', (text) => {
    expect(askingAt(text, text.length)).toBeUndefined();
  });

  test('what stands behind the caret does not count', () => {
    expect(askingAt('@bob there', 3)).toEqual({ at: 0, query: 'bo' });
  });
});

describe('candidates', () => {
  const people = [
    { uid: 'u1', name: 'Carol Bo' },
    { uid: 'u2', name: 'Bob' },
    { uid: '*', name: 'all' },
    { uid: '*', name: '所有人' },
  ];

  test('names that begin with it come first', () => {
    expect(candidates(people, 'bo', 'all').map((m) => m.uid)).toEqual(['u2', 'u1']);
  });

  test('a full name finds one, and the text after a name nobody', () => {
    const many = Array.from({ length: 100 }, (_, i) => ({ uid: `u${i}`, name: `Member Number ${i}` }));
    expect(candidates(many, 'member number 99', 'all').map((m) => m.uid)).toEqual(['u99']);
    expect(candidates(many, 'Member Number 99 hello', 'all')).toEqual([]);
  });

  test('everyone is offered once, in the language of the page', () => {
    expect(candidates(people, '', 'all').map((m) => m.name)).toEqual(['Carol Bo', 'Bob', 'all']);
  });

  test('a name is found by the way it is read', () => {
    const all = [...people, { uid: 'u3', name: '王芳' }];
    expect(candidates(all, 'wf', 'all')).toEqual([]);
    expect(candidates(all, 'wf', 'all', new Set(['u3', 'u9'])).map((m) => m.uid)).toEqual(['u3']);
  });

  test('a large group offers a few', () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({ uid: `u${i}`, name: `Name ${i}` }));
    expect(candidates(many, 'name', 'all')).toHaveLength(7);
  });
});

describe('a changed message mentions', () => {
  const sam = { uid: 'a', name: 'Sam' };
  const other = { uid: 'b', name: 'Sam' };
  const ann = { uid: 'ann', name: 'Ann' };
  const everyone = [
    { uid: '*', name: 'all' },
    { uid: '*', name: '所有人' },
  ];
  const none = new Map<string, string>();

  test('whom it mentioned, even while the members are not known or others have that name', () => {
    expect(mentionsAfter('@Sam: at nine', '@Sam: at nien', [other], [], none)).toEqual(['b']);
    expect(mentionsAfter('@Sam: at nine', '@Sam: at nien', [other], [sam, other], none)).toEqual(['b']);
    expect(mentionsAfter('@Sam and @Sam', '@Sam @Sam', [sam, other], [], none)).toEqual(['a', 'b']);
    expect(mentionsAfter('now, @all', '@all', everyone, [], none)).toEqual(['*']);
  });

  test('nobody whose name was taken out', () => {
    expect(mentionsAfter('at nine', '@Sam: at nine', [sam], [sam, ann], none)).toEqual([]);
    expect(mentionsAfter('now', '@all', everyone, everyone, none)).toEqual([]);
  });

  test('somebody whose name did not stand there, as before', () => {
    expect(mentionsAfter('@Bob, nine', '@Bob, nien', [{ uid: 'bob', name: 'Robert' }], [], none)).toEqual(['bob']);
  });

  test('those who are named anew', () => {
    expect(mentionsAfter('@Sam @Ann', '@Sam', [other], [sam, other, ann], none)).toEqual(['b', 'ann']);
    expect(mentionsAfter('@Sam', 'you', [], [sam, other], new Map([['Sam', 'b']]))).toEqual(['b']);
  });
});
