// How a page that has no session yet comes to one: attempts with growing pauses, and what is shown of them.

import { signal } from '@preact/signals-core';
import type { Connection } from './types';

const maxDelay = 30_000;

export class Attempts {
  readonly state = signal<Connection>({ state: 'idle', stalled: false });
  /** Ends a pause. */
  wake: (() => void) | undefined;

  constructor(private readonly clock: () => number) {}

  connecting(): void {
    this.state.value = { state: 'connecting', stalled: false };
  }

  /** Waits before the next attempt to reach the server, or until it is woken. */
  pause(failures: number, e: Error): Promise<void> {
    const ms = Math.min(maxDelay, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
    this.state.value = { state: 'waiting', stalled: false, retryAt: this.clock() + ms, reason: e.message };
    this.wake?.(); // one waits at a time
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.wake = end;
    });
  }
}
