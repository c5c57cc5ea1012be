// What the parts of a session share.

import type { Api } from '../api/http';
import type { WireConversation } from '../api/shapes';
import type { Database, EditItem, OutboxItem } from '../db/database';
import type { Progress } from '../media/types';
import type { Message } from '../types';

/** What the tabs of a browser tell each other beside what comes from the server: what one of them has done. */
export type News =
  /** Is written, or to be tried again, or has failed. */
  | { about: 'waiting'; item: OutboxItem }
  | { about: 'discarded'; id: string }
  /** Another text for a message is written, or to be tried again, or was refused. */
  | { about: 'editing'; item: EditItem }
  /** It was taken by the server, which says what the message is now, or is not wanted any more. */
  | { about: 'edited'; id: string; message?: Message }
  | { about: 'stored'; item: OutboxItem; message: Message }
  /** A file waits that is kept nowhere but in memory. */
  | { about: 'file'; key: string; file: Blob }
  | { about: 'progress'; key: string; progress: Progress }
  /** What waits for its next attempt is to be tried at once. */
  | { about: 'uploads' }
  | { about: 'read'; conv: string; seq: number }
  | { about: 'draft'; conv: string; draft: string }
  | { about: 'conversation'; wire: WireConversation }
  /** Signed out. */
  | { about: 'end'; reason: string };

export interface Context {
  readonly api: Api;
  readonly db: Database;
  readonly eid: string;
  /** One's own uid. */
  readonly uid: string;
  /** Aborted when the session ends: timers and listeners go with it. */
  readonly signal: AbortSignal;
  /** Tells the other tabs. */
  tell(news: News): void;
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
