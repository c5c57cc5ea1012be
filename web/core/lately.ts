import { computed, effect, type ReadonlySignal, signal } from '@preact/signals-core';

/** ms for which presence counts as known after a connection was lost: mostly it is back by then. */
const currentFor = 10_000;

/** Whether what is shown is of now: while there is a connection, and for a moment after one was lost that is expected back. */
export function lately(standingNow: () => 'up' | 'coming' | 'down'): ReadonlySignal<boolean> {
  const current = signal(false);
  const standing = computed(standingNow);
  effect(() => {
    if (standing.value !== 'coming') current.value = standing.value === 'up';
    const timer = setTimeout(() => {
      current.value = standing.peek() === 'up';
    }, currentFor);
    return () => clearTimeout(timer);
  });
  return current;
}
