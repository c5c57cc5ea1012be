// What the parts of a session share.

import type { Api } from '../api/http';
import type { Database } from '../db/database';

export interface Context {
  readonly api: Api;
  readonly db: Database;
  readonly eid: string;
  /** One's own uid. */
  readonly uid: string;
  /** Aborted when the session ends: timers and listeners go with it. */
  readonly signal: AbortSignal;
}

/** setTimeout that the end of the session clears. ms. */
export function later(c: Context, ms: number, f: () => void): () => void {
  if (c.signal.aborted) return () => {};
  const stop = () => {
    clearTimeout(timer);
    c.signal.removeEventListener('abort', stop);
  };
  const timer = setTimeout(() => {
    stop();
    f();
  }, ms);
  c.signal.addEventListener('abort', stop);
  return stop;
}
