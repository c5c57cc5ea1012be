// Two who change one thing at once.

export interface Clash<T> {
  field: keyof T;
  /** What was here when the form was opened. */
  before: T[keyof T];
  /** What the other made of it. */
  theirs: T[keyof T];
  /** One has changed it oneself, to something else. */
  both: boolean;
}

/**
 * Brings what somebody else has changed into a draft. What one has changed oneself stays as one typed it; all else becomes as it is now.
 * `clashes` has every field that the other has changed.
 */
export function merge<T extends object>(base: T, mine: T, theirs: T): { value: T; clashes: Clash<T>[] } {
  const value = { ...theirs };
  const clashes: Clash<T>[] = [];
  for (const field of Object.keys(base) as (keyof T)[]) {
    const own = !same(mine[field], base[field]);
    if (own) value[field] = mine[field];
    if (same(theirs[field], base[field])) continue;
    const both = own && !same(mine[field], theirs[field]);
    clashes.push({ field, before: base[field], theirs: theirs[field], both });
  }
  return { value, clashes };
}

/** Clashes that are still to be looked at, and those that a newer version adds: of a field that changes twice, `before` is what one began with. */
export function join<T>(earlier: Clash<T>[], later: Clash<T>[]): Clash<T>[] {
  const begun = new Map(earlier.map((clash) => [clash.field, clash.before]));
  const again = new Set(later.map(({ field }) => field));
  return [
    ...earlier.filter(({ field }) => !again.has(field)),
    ...later.map((clash) => ({ ...clash, before: begun.get(clash.field) ?? clash.before })),
  ];
}

/** The fields that differ from what they were. */
export function changes<T extends object>(base: T, value: T): Partial<T> {
  const change: Partial<T> = {};
  for (const field of Object.keys(value) as (keyof T)[]) {
    if (!same(value[field], base[field])) change[field] = value[field];
  }
  return change;
}

function same(x: unknown, y: unknown): boolean {
  return x === y || JSON.stringify(x) === JSON.stringify(y);
}
