import { describe, expect, test } from 'vitest';
import { calm, clean, hasTwin, note, skeleton } from './name';
import { forgetPerson } from './personal';

describe('a name without what can’t be seen', () => {
  test.each([
    ['Ali\u200bce', 'Alice'],
    ['\u202eecilA', 'ecilA'],
    ['\u2066Bob\u2069', 'Bob'],
    ['A\u200dB', 'AB'],
    ['王\ufeff芳', '王芳'],
    ['  Ann Lee ', 'Ann Lee'],
    ['👩‍💻 Ada', '👩‍💻 Ada'],
    ['👨🏽‍🚀', '👨🏽‍🚀'],
    ['Việt', 'Việt'],
    ['می‌خواهم', 'می‌خواهم'],
    ['\u200b\u200b', '?'],
  ])('%j is %j', (name, shown) => {
    expect(clean(name)).toBe(shown);
  });

  test('a tower of marks is cut', () => {
    expect(clean(`A${'\u0301'.repeat(50)}b`)).toBe(`A${'\u0301'.repeat(3)}b`);
    expect(calm(`x${'\u0336\u0301'.repeat(30)}`)).toHaveLength(4);
  });
});

test('whom one person has met is forgotten when somebody else signs in', () => {
  note('eve', 'Аliсе');
  note('alice', 'Alice');
  expect([hasTwin('Alice'), hasTwin('Bob')]).toEqual([true, false]);
  forgetPerson();
  expect(hasTwin('Alice')).toBe(false);
  note('alice', 'Alice'); // who is met again counts again
  expect(hasTwin('Alice')).toBe(false);
  note('eve', 'Аliсе');
  expect(hasTwin('Alice')).toBe(true);
  forgetPerson();
});

describe('names that look alike', () => {
  test.each([
    ['Alice', 'Аliсе'],
    ['Alice', 'A1ice'],
    ['Alice', 'AIice'],
    ['Alice Moreau', 'Alice  Moreau'],
    ['Alice', 'Al\u200bice'],
    ['Bob', 'ＢＯＢ'],
    ['Zoë', 'Zoe'],
    ['Carl Morn', 'Carl Mom'],
    ['Joe Smith', 'J0e.Smith'],
  ])('%s and %s', (a, b) => {
    expect(skeleton(a)).toBe(skeleton(b));
  });

  test.each([
    ['Alice', 'Alicia'],
    ['王芳', '王方'],
    ['Bob', 'Rob'],
  ])('%s and %s do not', (a, b) => {
    expect(skeleton(a)).not.toBe(skeleton(b));
  });
});
