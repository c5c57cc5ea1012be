// Web Locks for tests, as far as the core uses them: exclusive locks, steal, signal; tabs that die with their locks.

interface Held {
  tab: object;
  reject: (e: unknown) => void;
}

interface Waiting {
  tab: object;
  run: () => void;
}

type Options = { steal?: boolean; signal?: AbortSignal };

export class FakeLocks {
  private readonly held = new Map<string, Held>();
  private readonly queue = new Map<string, Waiting[]>();

  /** To pass to createCore, for one tab; die ends the tab: its locks go to those who wait. */
  tab(): { manager: LockManager; die: () => void } {
    const tab = {};
    const request = (name: string, ...rest: unknown[]) => {
      const f = rest.at(-1) as (lock: unknown) => unknown;
      return this.request(tab, name, (rest.length > 1 ? rest[0] : {}) as Options, f);
    };
    return { manager: { request } as unknown as LockManager, die: () => this.die(tab) };
  }

  /** The same as a LockManager, where there is but one tab. */
  get manager(): LockManager {
    return this.tab().manager;
  }

  private request(tab: object, name: string, o: Options, f: (lock: unknown) => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const run = () => {
        const held: Held = { tab, reject };
        this.held.set(name, held);
        // As in a browser, the lock is given in a later task.
        Promise.resolve()
          .then(() => f({ name }))
          .finally(() => {
            if (this.held.get(name) === held) this.free(name); // else it was stolen
          })
          .then(resolve, reject);
      };
      const aborted = () => reject(new DOMException('aborted', 'AbortError'));
      if (o.signal?.aborted) return aborted();
      if (o.steal) {
        this.held.get(name)?.reject(new DOMException('stolen', 'AbortError'));
        return run();
      }
      if (!this.held.has(name)) return run();
      const waiting = { tab, run };
      this.queue.set(name, [...(this.queue.get(name) ?? []), waiting]);
      o.signal?.addEventListener('abort', () => {
        this.queue.set(name, this.queue.get(name)?.filter((w) => w !== waiting) ?? []);
        aborted();
      });
    });
  }

  private die(tab: object): void {
    for (const [name, list] of this.queue) {
      this.queue.set(
        name,
        list.filter((w) => w.tab !== tab),
      );
    }
    for (const [name, held] of [...this.held]) if (held.tab === tab) this.free(name);
  }

  private free(name: string): void {
    this.held.delete(name);
    this.queue.get(name)?.shift()?.run();
  }
}
