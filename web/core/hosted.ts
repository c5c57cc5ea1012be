// When the host is asked who is signed in there: when it says that there is something to ask, and before a login ends. One after the other.

import { isRefusal } from './api/http';
import type { KeptAccount } from './api/shapes';
import type { Attempts } from './attempts';
import { Problem } from './problem';

/** ms after which a renewal that has failed is tried again. */
const renewAgain = 30_000;

export interface HostedPort {
  /** Signs in whoever is there. Throws Problem. */
  identify(): Promise<KeptAccount>;
  /** Shows what is theirs. */
  enter(a: KeptAccount): Promise<void>;
  /** It is known who is signed in. */
  known(): boolean;
  refused(why: Problem): void;
  attempts: Attempts;
}

export class Hosted {
  /** Counts the times that somebody else may be there: what was begun before the last one has nothing to say any more. */
  turn = 0;
  /** The server is being told who is there. */
  asks = false;
  private asking: Promise<unknown> = Promise.resolve();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly port: HostedPort) {}

  /** Asks until there is an answer. Throws the Problem by which nobody is signed in. */
  async identify(): Promise<void> {
    const turn = ++this.turn;
    let last = this.asking;
    this.asking = last.catch(() => {}).then(() => this.settle(turn));
    do {
      last = this.asking;
      await last;
    } while (last !== this.asking);
  }

  /** What else signs somebody in is waited for. */
  after<T>(work: Promise<T>): Promise<T> {
    this.asking = work;
    return work;
  }

  renewIn(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.renew(), ms);
  }

  /** Until the next sign-in. */
  rest(): void {
    clearTimeout(this.timer);
  }

  private async settle(turn: number): Promise<void> {
    for (let failures = 0; turn === this.turn; failures++) {
      this.port.attempts.connecting();
      try {
        await this.ask(turn);
        return;
      } catch (e) {
        if (turn !== this.turn) return;
        if (e instanceof Problem && isRefusal(e, true)) {
          this.port.refused(e);
          throw e;
        }
        await this.port.attempts.pause(failures, e as Error);
      }
    }
  }

  /** A login goes on to its end while the host, or the server, can't be asked; what needs a token then asks once more. */
  private async renew(): Promise<void> {
    if (!this.port.known()) return; // it is being asked
    const { turn } = this;
    try {
      await this.after(this.ask(turn));
    } catch (e) {
      if (turn !== this.turn || !this.port.known()) return;
      const refused = e instanceof Problem && isRefusal(e, true) && e.names.type !== '/problems/host-no-token';
      if (refused) this.port.refused(e);
      else this.renewIn(renewAgain);
    }
  }

  private async ask(turn: number): Promise<void> {
    this.asks = true;
    const a = await this.port.identify().finally(() => {
      this.asks = false;
    });
    if (turn === this.turn) await this.port.enter(a);
  }
}
