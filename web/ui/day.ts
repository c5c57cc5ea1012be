// Days as the reader's clock has them. Times are in ms since 1970.

/** Midnight of the local day that holds `ms`, in ms since 1970. */
export function dayStart(ms: number): number {
  const d = new Date(ms);
  return new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
}

/** Whole local days from `ms` to `now`: 0 today, 1 yesterday. Rounded, since a day of a clock change isn't 24 hours. */
export function daysAgo(ms: number, now = Date.now()): number {
  return Math.round((dayStart(now) - dayStart(ms)) / 86_400_000);
}

export function sameYear(a: number, b: number): boolean {
  return new Date(a).getFullYear() === new Date(b).getFullYear();
}
