import { computed, effect, type ReadonlySignal, signal } from '@preact/signals-core';
import type { Connection } from './types';

/** ms for which presence counts as known after a connection was lost: mostly it is back by then. */
const currentFor = 10_000;

/** Whether what is shown is of now: while there is a connection that has told all, and for a moment after one was lost that is expected back. */
export function lately(connection: ReadonlySignal<Connection>, synced: () => boolean): ReadonlySignal<boolean> {
  const current = signal(false);
  const standing = computed(() => {
    const { state } = connection.value;
    if (state === 'online') return synced() ? 'up' : 'coming';
    return state === 'connecting' || state === 'waiting' ? 'coming' : 'down';
  });
  effect(() => {
    if (standing.value !== 'coming') {
      current.value = standing.value === 'up';
      return;
    }
    const timer = setTimeout(() => {
      current.value = false;
    }, currentFor);
    return () => clearTimeout(timer);
  });
  return current;
}
