// BroadcastChannel for tests: the tabs of one browser. Messages come in later tasks, as copies, in order.

export class FakeChannels {
  private readonly open = new Map<string, Set<FakeChannel>>();

  /** To pass to createCore, for one tab. die ends the tab: it hears and says nothing any more; sleep: for a while it does neither. */
  tab(): { channel: (name: string) => BroadcastChannel; die: () => void; sleep: (on: boolean) => void } {
    const mine: FakeChannel[] = [];
    return {
      sleep: (on) => {
        for (const c of mine) c.asleep = on;
      },
      channel: (name) => {
        const all = this.open.get(name) ?? new Set();
        this.open.set(name, all);
        const c = new FakeChannel(all);
        mine.push(c);
        return c as unknown as BroadcastChannel;
      },
      die: () => {
        for (const c of mine) c.close();
      },
    };
  }
}

class FakeChannel {
  onmessage: ((e: { data: unknown }) => void) | null = null;
  asleep = false;

  constructor(private readonly all: Set<FakeChannel>) {
    all.add(this);
  }

  postMessage(m: unknown): void {
    if (!this.all.has(this) || this.asleep) return;
    const others = [...this.all].filter((x) => x !== this);
    const data = structuredClone(m);
    for (const x of others) {
      setTimeout(() => {
        if (this.all.has(x) && !x.asleep) x.onmessage?.({ data });
      }, 0);
    }
  }

  close(): void {
    this.all.delete(this);
  }
}
