// Days where the reader is. Times are in ms since 1970.

import { signal } from '@preact/signals';

let clock: () => number = Date.now;
const day = signal(0);

/** Takes another clock than the device's, which may be hours off. */
export function setClock(now: () => number): void {
  clock = now;
}

export function now(): number {
  return clock();
}

/** Now, for what tells days: what has read it while it was drawn is drawn anew when another day begins. */
export function today(): number {
  day.value;
  return clock();
}

/** ms between two looks at the calendar; the clock may be set, and the device sleep through midnight. */
const look = 60_000;

/** Sees to it that the days that stand in the page are told anew at midnight. */
export function watchDays(): void {
  day.value = dayStart(clock());
  const d = new Date(clock());
  const midnight = new Date(d.getFullYear(), d.getMonth(), d.getDate() + 1).getTime();
  setTimeout(watchDays, Math.min(look, midnight - d.getTime()));
}

/** Midnight of the local day that holds `ms`, in ms since 1970. */
export function dayStart(ms: number): number {
  const d = new Date(ms);
  return new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
}

/** Whole local days from `ms` to `at`: 0 today, 1 yesterday. Rounded, since a day of a clock change isn't 24 hours. */
export function daysAgo(ms: number, at = now()): number {
  return Math.round((dayStart(at) - dayStart(ms)) / 86_400_000);
}

export function sameYear(a: number, b: number): boolean {
  return new Date(a).getFullYear() === new Date(b).getFullYear();
}
