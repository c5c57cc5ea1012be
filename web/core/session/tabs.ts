// The tabs of a browser in which one account is signed in: one of them leads, the one that has the lock (Web Locks), and all hear each
// other (BroadcastChannel).

export interface TabsOptions<M> {
  /** Of the lock and of the channel: one for each account. */
  name: string;
  locks: LockManager | null;
  channel: ((name: string) => BroadcastChannel) | null;
  /** The lock is here. */
  onLead: () => void;
  /** Another tab has taken the lock, because this one did not answer. */
  onLost: () => void;
  /** Another tab has told something. */
  onTold: (m: M) => void;
}

/** Where locks or channels are missing (a page that came over plain HTTP has no locks), every tab leads: the server then lets the newest win. */
export class Tabs<M> {
  private channel: BroadcastChannel | undefined;
  /** Gives the lock back; set while it is here. */
  private release: (() => void) | undefined;
  private waiting: AbortController | undefined;
  private stopped = false;

  constructor(private readonly o: TabsOptions<M>) {}

  /** Begins to hear the others, and leads as soon as no other tab does. */
  start(): void {
    if (this.o.locks) this.channel = this.open();
    if (!this.channel) {
      this.o.onLead();
      return;
    }
    this.channel.onmessage = (e) => this.o.onTold(e.data as M);
    this.wait();
  }

  /** Tells all other tabs. */
  tell(m: M): void {
    this.channel?.postMessage(m);
  }

  /** Takes the lock from the tab that has it. */
  steal(): void {
    if (!this.channel || this.release) return;
    this.waiting?.abort();
    this.waiting = undefined;
    this.request({ steal: true });
  }

  stop(): void {
    this.stopped = true;
    this.waiting?.abort();
    this.release?.();
    this.release = undefined;
    this.channel?.close(); // what was told goes out all the same
    this.channel = undefined;
  }

  private open(): BroadcastChannel | undefined {
    try {
      return this.o.channel?.(this.o.name);
    } catch {
      return undefined; // forbidden by the browser's settings
    }
  }

  private wait(): void {
    this.waiting = new AbortController();
    this.request({ signal: this.waiting.signal });
  }

  private request(options: LockOptions): void {
    let mine: (() => void) | undefined;
    const held = () =>
      new Promise<void>((resolve) => {
        mine = resolve;
        this.release = resolve;
        this.waiting = undefined;
        this.o.onLead();
      });
    this.o.locks
      ?.request(this.o.name, options, () => (this.stopped ? undefined : held()))
      .catch(() => {
        if (!mine || this.release !== mine) return; // given up by this tab itself
        this.release = undefined;
        this.o.onLost();
        this.wait();
      });
  }
}
