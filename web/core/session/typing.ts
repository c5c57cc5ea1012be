// "Is typing": QoS 0, never kept (docs/protocol.md §3).

import { type ReadonlySignal, type Signal, signal } from '@preact/signals-core';
import { type Context, later } from './context';

/** ms between two messages of one's own about one conversation. */
const interval = 3000;
/** ms after the last message that somebody counts as typing. */
const lasts = 6000;

export class Typing {
  private readonly who = new Map<string, Signal<string[]>>();
  private readonly timers = new Map<string, () => void>();
  private readonly sent = new Map<string, number>();

  constructor(
    private readonly c: Context,
    private readonly publish: (conv: string) => void,
  ) {}

  of(conv: string): ReadonlySignal<string[]> {
    return this.entry(conv);
  }

  /** One has typed something. */
  mine(conv: string): void {
    const now = performance.now();
    if (now - (this.sent.get(conv) ?? Number.NEGATIVE_INFINITY) < interval) return;
    this.sent.set(conv, now);
    this.publish(conv);
  }

  /** What one typed was sent: the next key tells again at once. */
  done(conv: string): void {
    this.sent.delete(conv);
  }

  started(conv: string, uid: string): void {
    const s = this.entry(conv);
    if (!s.peek().includes(uid)) s.value = [...s.peek(), uid];
    const key = `${conv} ${uid}`;
    this.timers.get(key)?.();
    this.timers.set(
      key,
      later(this.c, lasts, () => this.stopped(conv, uid)),
    );
  }

  stopped(conv: string, uid: string): void {
    const key = `${conv} ${uid}`;
    this.timers.get(key)?.();
    this.timers.delete(key);
    const s = this.entry(conv);
    if (s.peek().includes(uid)) s.value = s.peek().filter((x) => x !== uid);
  }

  private entry(conv: string): Signal<string[]> {
    let s = this.who.get(conv);
    if (!s) {
      s = signal<string[]>([]);
      this.who.set(conv, s);
    }
    return s;
  }
}
