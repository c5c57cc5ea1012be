// One tab of a browser holds the connection: the one that has the lock (Web Locks).

/** Where there are no locks (a page that came over plain HTTP), every tab believes to be alone; the server then lets the newest win. */
export class Tabs {
  private release: (() => void) | undefined;
  private waiting: AbortController | undefined;

  constructor(
    private readonly locks: LockManager | null,
    private readonly name: string,
    private readonly o: {
      onMine: () => void;
      /** Another tab has the connection, or has just taken it. */
      onElsewhere: () => void;
    },
  ) {}

  /** Takes the lock if it is free. Otherwise waits until the other tab is closed. */
  start(): void {
    if (!this.locks) {
      this.o.onMine();
      return;
    }
    void this.locks
      .request(this.name, { ifAvailable: true }, (lock) => {
        if (lock) return this.hold();
        this.wait();
      })
      .catch(() => this.lost());
  }

  /** Takes the lock from the tab that has it. False: it is here already, or there are no locks. */
  steal(): boolean {
    if (!this.locks || this.release) return false;
    this.waiting?.abort();
    this.waiting = undefined;
    void this.locks.request(this.name, { steal: true }, () => this.hold()).catch(() => this.lost());
    return true;
  }

  stop(): void {
    this.waiting?.abort();
    this.waiting = undefined;
    this.release?.();
    this.release = undefined;
  }

  private hold(): Promise<void> {
    return new Promise((resolve) => {
      this.release = resolve;
      this.o.onMine();
    });
  }

  private wait(): void {
    this.o.onElsewhere();
    const waiting = new AbortController();
    this.waiting = waiting;
    this.locks
      ?.request(this.name, { signal: waiting.signal }, () => {
        this.waiting = undefined;
        return this.hold();
      })
      .catch(() => {
        if (!waiting.signal.aborted) this.lost();
      });
  }

  /** Another tab has stolen the lock. */
  private lost(): void {
    if (!this.release) return;
    this.release = undefined;
    this.wait();
  }
}
