// Away by itself: who has touched no tab of this browser for a while is shown as away, and as online again at the next touch.

import { effect, untracked } from '@preact/signals';
import type { Core } from '../core';
import { recall, remember } from '../ui/remember';

/** ms without a touch after which one is away. */
export const idleAfter = 10 * 60_000;
const every = 15_000;

export interface Presence {
  /** Who is signed in; empty for nobody. */
  uid(): string;
  /** One's own status as others see it; empty while that is not known. */
  status(): string;
  /** Resolves when others see it; rejects when the server did not take it. */
  set(status: 'away' | 'online'): Promise<void>;
}

/** What all tabs of this browser remember together. */
export interface Memory {
  get(key: string): string | null;
  set(key: string, value: string): void;
}

export class Idle {
  private noted = 0;
  private asking = false;

  constructor(
    private readonly presence: Presence,
    private readonly memory: Memory,
    private readonly now: () => number = Date.now,
  ) {
    this.touched();
  }

  /** A key, a pointer: somebody is there. */
  touched(): void {
    const now = this.now();
    if (now - this.noted >= every || now < this.noted) {
      this.noted = now;
      this.memory.set('touched', String(now));
    }
    if (this.isAway() && this.presence.status() === 'away') this.ask('online');
  }

  /** To be called now and then, and when the status changes. */
  look(): void {
    const touched = Math.max(this.noted, Number(this.memory.get('touched')) || 0);
    const idle = this.now() - touched >= idleAfter;
    const status = this.presence.status();
    if (idle && status === 'online') {
      this.memory.set('away', this.presence.uid());
      this.ask('away');
    } else if (!idle && this.isAway()) {
      // Somebody came back while there was no connection, or to a new page.
      if (status === 'away') this.ask('online');
      // What one has chosen oneself in the meantime stays.
      else if (status && !this.asking) this.memory.set('away', '');
    }
  }

  /** It was this browser that said so, and not the person. */
  private isAway(): boolean {
    const uid = this.presence.uid();
    return uid !== '' && this.memory.get('away') === uid;
  }

  private ask(status: 'away' | 'online'): void {
    if (this.asking) return;
    this.asking = true;
    this.presence
      .set(status)
      .then(() => status === 'online' && this.memory.set('away', ''))
      .catch(() => {}) // not worth a word: the next look tries again
      .finally(() => {
        this.asking = false;
      });
  }
}

export function startIdle(core: Core): void {
  const uid = () => core.account.value.me?.uid ?? '';
  const status = () => {
    if (!uid() || core.connection.value.state !== 'online') return '';
    const { status } = core.person(uid()).value.presence;
    return status === 'offline' ? '' : status; // nobody is that who asks: it has not been told yet
  };
  const presence = {
    uid: () => untracked(uid),
    status: () => untracked(status),
    set: (status: 'away' | 'online') => core.setPresence({ status }),
  };
  const idle = new Idle(presence, { get: recall, set: remember });
  const touched = () => idle.touched();
  for (const event of ['pointermove', 'pointerdown', 'keydown', 'wheel'])
    addEventListener(event, touched, { passive: true, capture: true });
  setInterval(() => idle.look(), every);
  effect(() => {
    status();
    untracked(() => idle.look());
  });
}
