// Web Locks for tests, as far as the core uses them: exclusive locks, ifAvailable, steal, signal.

interface Held {
  reject: (e: unknown) => void;
}

interface Waiting {
  run: () => void;
}

export class FakeLocks {
  private readonly held = new Map<string, Held>();
  private readonly queue = new Map<string, Waiting[]>();

  /** The same as a LockManager, to pass to createCore. */
  get manager(): LockManager {
    return this as unknown as LockManager;
  }

  request(name: string, ...rest: unknown[]): Promise<unknown> {
    const f = rest.at(-1) as (lock: unknown) => unknown;
    const o = (rest.length > 1 ? rest[0] : {}) as { ifAvailable?: boolean; steal?: boolean; signal?: AbortSignal };
    return new Promise((resolve, reject) => {
      const run = () => {
        const held: Held = { reject };
        this.held.set(name, held);
        // As in a browser, the lock is given in a later task.
        Promise.resolve()
          .then(() => f({ name }))
          .finally(() => {
            if (this.held.get(name) !== held) return; // stolen
            this.held.delete(name);
            this.queue.get(name)?.shift()?.run();
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
      if (o.ifAvailable) {
        Promise.resolve(f(null)).then(resolve, reject);
        return;
      }
      const waiting = { run };
      this.queue.set(name, [...(this.queue.get(name) ?? []), waiting]);
      o.signal?.addEventListener('abort', () => {
        this.queue.set(name, this.queue.get(name)?.filter((w) => w !== waiting) ?? []);
        aborted();
      });
    });
  }
}
