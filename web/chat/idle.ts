// Away by itself: who has touched no tab of this browser for a while is shown as away, and as online again at the next touch.

import type { Core } from '../core';
import { recall, remember } from '../ui/remember';

/** ms without a touch after which one is away. */
export const idleAfter = 10 * 60_000;
const every = 15_000;

export interface Presence {
  /** One's own status as others see it. */
  status(): string;
  set(status: 'away' | 'online'): void;
}

/** What all tabs of this browser remember together. */
export interface Memory {
  get(key: string): string | null;
  set(key: string, value: string): void;
}

export class Idle {
  private noted = 0;

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
    if (this.memory.get('away') !== 'by itself') return;
    this.memory.set('away', '');
    // What one has chosen oneself in the meantime stays.
    if (this.presence.status() === 'away') this.presence.set('online');
  }

  /** To be called now and then. */
  look(): void {
    const touched = Math.max(this.noted, Number(this.memory.get('touched')) || 0);
    if (this.now() - touched < idleAfter || this.presence.status() !== 'online') return;
    this.memory.set('away', 'by itself');
    this.presence.set('away');
  }
}

export function startIdle(core: Core): void {
  const me = () => core.account.peek().me?.uid;
  const idle = new Idle(
    {
      status: () => {
        const uid = me();
        if (!uid || core.connection.peek().state !== 'online') return '';
        return core.person(uid).peek().presence.status;
      },
      // Not worth a word when it fails: the next look tries again.
      set: (status) => void core.setPresence({ status }).catch(() => {}),
    },
    { get: recall, set: remember },
  );
  const touched = () => idle.touched();
  for (const event of ['pointermove', 'pointerdown', 'keydown', 'wheel'])
    addEventListener(event, touched, { passive: true, capture: true });
  setInterval(() => idle.look(), every);
}
