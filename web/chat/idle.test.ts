import { beforeEach, expect, test } from 'vitest';
import { Idle, idleAfter } from './idle';

let now: number;
let status: string;
let asked: string[];
let offline: boolean;
let uid: string;
let kept: Map<string, string>;

/** A tab: what it asks of the server takes effect at once, where there is a connection. */
function tab(): Idle {
  return new Idle(
    {
      uid: () => uid,
      status: () => (offline ? '' : status),
      set: async (s) => {
        if (offline) throw new Error('no connection');
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
  uid = 'alice';
  offline = false;
  asked = [];
  kept = new Map();
});

/** What the server has answered is known. */
const answered = () => new Promise(setImmediate);

test('away after ten minutes without a touch, back with the next one', async () => {
  const one = tab();
  now += idleAfter - 1;
  one.look();
  expect(asked).toEqual([]);
  now += 1;
  one.look();
  one.look();
  expect(asked).toEqual(['away']);
  await answered();
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

test('either tab brings one back', async () => {
  const one = tab();
  const other = tab();
  now += idleAfter;
  one.look();
  other.look();
  await answered();
  other.touched();
  await answered();
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

test('what was chosen meanwhile on another device stays, and what is chosen afterwards', async () => {
  const one = tab();
  now += idleAfter;
  one.look();
  await answered();
  status = 'busy';
  one.touched();
  one.look();
  status = 'away';
  one.touched();
  one.look();
  expect(asked).toEqual(['away']);
});

test.each(['this page', 'a new page'])(
  'who comes back before the connection does is back with it, on %s',
  async (on) => {
    const one = tab();
    now += idleAfter;
    one.look();
    await answered();
    offline = true;
    now += 8 * 3600_000;
    const back = on === 'this page' ? one : tab();
    back.touched();
    back.look();
    expect(asked).toEqual(['away']);
    offline = false;
    back.look();
    expect(asked).toEqual(['away', 'online']);
  },
);

test('what the server did not take is said again', async () => {
  const one = tab();
  now += idleAfter;
  one.look();
  await answered();
  offline = true;
  status = 'away';
  const stale = new Idle(
    { uid: () => uid, status: () => 'away', set: () => Promise.reject(new Error('no connection')) },
    { get: (key) => kept.get(key) ?? null, set: (key, value) => kept.set(key, value) },
    () => now,
  );
  stale.touched();
  await answered();
  offline = false;
  one.look();
  expect(asked).toEqual(['away', 'online']);
});

test('somebody else at this browser keeps their own', async () => {
  const one = tab();
  now += idleAfter;
  one.look();
  await answered();
  uid = 'bob';
  one.touched();
  one.look();
  expect(asked).toEqual(['away']);
});
