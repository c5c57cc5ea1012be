// Messages that come in quickly are shown together: each change of what is shown draws the page anew.

import { batch } from '@preact/signals-core';
import { type Context, later } from './context';

/** ms within which what follows a message waits, to be shown with what else comes. */
const together = 100;

export class Arrivals {
  private waiting: (() => void)[] = [];
  private shown = Number.NEGATIVE_INFINITY;
  private stop: (() => void) | undefined;

  constructor(
    private readonly c: Context,
    /** What follows from all that is shown together, and is shown with it. */
    private readonly after: () => void,
  ) {}

  /** Runs `show` at once, or a little later where something was shown just now; always in the order of the calls. */
  take(show: () => void): void {
    this.waiting.push(show);
    const left = this.shown + together - performance.now();
    if (left <= 0) this.flush();
    else this.stop ??= later(this.c, left, () => this.flush());
  }

  /** Shows what waits: before anything that must come after it. */
  flush(): void {
    this.stop?.();
    this.stop = undefined;
    if (this.waiting.length === 0) return;
    const all = this.waiting;
    this.waiting = [];
    this.shown = performance.now();
    batch(() => {
      for (const show of all) show();
      this.after();
    });
  }
}
