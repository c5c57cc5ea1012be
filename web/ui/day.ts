// Days where the reader is. Times are in ms since 1970.

let clock: () => number = Date.now;

/** Takes another clock than the device's, which may be hours off. */
export function setClock(now: () => number): void {
  clock = now;
}

export function now(): number {
  return clock();
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
