import { expect, test } from 'vitest';
import { fits, initials } from './fits';

test.each([
  ['周五羽毛球', 'zwymq'],
  ['李华', 'lh'],
  ['王芳', 'wf'],
  ['陈曦', 'cx'],
  ['Bob Tanaka', 'bt'],
  ['项目 alpha 二组', 'xmaez'],
  ['', ''],
])('the initials of %s', (name, want) => {
  expect(initials(name.toLowerCase())).toBe(want);
});

test.each([
  ['Bob Tanaka', 'bob', 'tan', true],
  ['Bob Tanaka', 'bob', 'Bo Ta', true],
  ['Bob Tanaka', 'btanaka', 'BTA', true],
  ['Bob Tanaka', 'bob', 'nak', true],
  ['Bob Tanaka', 'bob', 'ob ka', false],
  ['李华', 'lihua', 'lh', true],
  ['李华', 'lihua', '华', true],
  ['周五羽毛球', undefined, 'ymq', true],
  ['周五羽毛球', undefined, 'ball', false],
  ['Launch-week', undefined, 'week', true],
  ['Launch week', undefined, '', true],
  ['Launch week', undefined, 'lw', true],
])('%s (%s) by "%s": %s', (name, uid, query, want) => {
  expect(fits(name, uid, query)).toBe(want);
});
