import { beforeEach, expect, test } from 'vitest';
import { Idle, idleAfter } from './idle';

let now: number;
let status: string;
let asked: string[];
let kept: Map<string, string>;

/** A tab: what it asks of the server takes effect at once. */
function tab(): Idle {
  return new Idle(
    {
      status: () => status,
      set: (s) => {
        asked.push(s);
        status = s;
      },
    },
    { get: (key) => kept.get(key) ?? null, set: (key, value) => kept.set(key, value) },
    () => now,
  );
}

beforeEach(() => {
  now = 1_000_000;
  status = 'online';
  asked = [];
  kept = new Map();
});

test('away after ten minutes without a touch, back with the next one', () => {
  const one = tab();
  now += idleAfter - 1;
  one.look();
  expect(asked).toEqual([]);
  now += 1;
  one.look();
  one.look();
  expect(asked).toEqual(['away']);
  one.touched();
  one.touched();
  expect(asked).toEqual(['away', 'online']);
});

test('a touch in another tab counts', () => {
  const one = tab();
  const other = tab();
  now += idleAfter / 2;
  other.touched();
  now += idleAfter / 2 + 1;
  one.look();
  expect(asked).toEqual([]);
});

test('either tab brings one back', () => {
  const one = tab();
  const other = tab();
  now += idleAfter;
  one.look();
  other.look();
  other.touched();
  one.touched();
  expect(asked).toEqual(['away', 'online']);
});

test.each(['busy', 'custom', 'away', 'offline', ''])('who is %s stays so', (chosen) => {
  status = chosen;
  const one = tab();
  now += idleAfter;
  one.look();
  one.touched();
  expect(asked).toEqual([]);
});

test('what was chosen meanwhile on another device stays', () => {
  const one = tab();
  now += idleAfter;
  one.look();
  status = 'busy';
  one.touched();
  expect(asked).toEqual(['away']);
});
