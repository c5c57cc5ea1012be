import { effect } from '@preact/signals';
import { afterEach, expect, test, vi } from 'vitest';
import { dayStart, daysAgo, sameYear, setClock, today, watchDays } from './day';

const at = (text: string) => new Date(text).getTime();

afterEach(() => setClock(Date.now));

test('a day begins at its midnight by the local clock', () => {
  expect(dayStart(at('2026-11-21T00:00:00'))).toBe(at('2026-11-21T00:00:00'));
  expect(dayStart(at('2026-11-21T23:59:59.999'))).toBe(at('2026-11-21T00:00:00'));
});

test('days are counted by midnights, not by hours', () => {
  const now = at('2026-11-21T00:10:00');
  expect(daysAgo(at('2026-11-21T00:05:00'), now)).toBe(0);
  expect(daysAgo(at('2026-11-20T23:55:00'), now)).toBe(1);
  expect(daysAgo(at('2026-11-14T12:00:00'), now)).toBe(7);
  // Clocks change twice a year in many places: such a day has 23 or 25 hours and is one day all the same.
  for (let month = 0; month < 12; month++) {
    for (let day = 1; day < 28; day++) {
      const one = new Date(2026, month, day, 12).getTime();
      expect(daysAgo(one, new Date(2026, month, day + 1, 1).getTime())).toBe(1);
    }
  }
});

test('a message from the future is of today or later, never of the past', () => {
  expect(daysAgo(at('2026-11-22T01:00:00'), at('2026-11-21T23:00:00'))).toBe(-1);
});

test('years are compared by the local clock', () => {
  expect(sameYear(at('2026-01-01T00:00:00'), at('2026-12-31T23:59:59'))).toBe(true);
  expect(sameYear(at('2025-12-31T23:59:59'), at('2026-01-01T00:00:00'))).toBe(false);
});

test('today is what the clock that was set says', () => {
  setClock(() => at('2020-05-05T03:00:00'));
  expect(daysAgo(at('2020-05-04T22:00:00'))).toBe(1);
  setClock(() => at('2020-05-04T22:01:00'));
  expect(daysAgo(at('2020-05-04T22:00:00'))).toBe(0);
});

test('what tells of days hears of it when another day begins', async () => {
  vi.useFakeTimers({ now: at('2026-11-21T23:58:30') });
  try {
    setClock(() => Date.now());
    watchDays();
    const told: number[] = [];
    const stop = effect(() => {
      told.push(dayStart(today()));
    });
    await vi.advanceTimersByTimeAsync(85_000);
    expect(told).toEqual([at('2026-11-21T00:00:00')]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(told).toEqual([at('2026-11-21T00:00:00'), at('2026-11-22T00:00:00')]);
    stop();
  } finally {
    vi.useRealTimers();
  }
});
