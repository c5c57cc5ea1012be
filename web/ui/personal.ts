// What modules keep for whoever is signed in. Views come and go with the login; a module lives as long as the page, and the next person must not find
// in it what the one before has left.

const forgetters = new Set<() => void>();

/** A module says how it forgets what it keeps of a person. */
export function personal(forget: () => void): void {
  forgetters.add(forget);
}

/** Nobody is signed in any more, or somebody else is. */
export function forgetPerson(): void {
  for (const forget of forgetters) forget();
}
