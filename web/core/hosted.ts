// When the host is asked who is signed in there: when it says that there is something to ask, and before a login ends. One after the other.

import { isRefusal } from './api/http';
import type { KeptAccount } from './api/shapes';
import type { Attempts } from './attempts';
import { Problem } from './problem';

/** ms after which a renewal that has failed is tried again. */
const renewAgain = 30_000;
/** ms for which whoever was there is still shown while the host is asked who is: mostly it is the same person. */
export const doubt = 2_500;

export interface HostedPort {
  /** Signs in whoever is there. Throws Problem. */
  identify(): Promise<KeptAccount>;
  /** Shows what is theirs. */
  enter(a: KeptAccount): Promise<void>;
  /** It is known who is signed in. */
  known(): boolean;
  /** It is not known any more: the host does not answer soon. */
  unknown(): void;
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
  private doubting: ReturnType<typeof setTimeout> | undefined;
  /** Tells those who wait for a token that it is not wanted any more. */
  private readonly waiting = new Set<() => void>();

  constructor(private readonly port: HostedPort) {}

  /** Asks until there is an answer. Throws the Problem by which nobody is signed in. */
  async identify(): Promise<void> {
    const turn = this.next();
    if (!this.port.known()) this.port.unknown();
    // Of several that come while it is being asked, the first one's moment counts.
    else this.doubting ??= setTimeout(() => this.port.unknown(), doubt);
    let last = this.asking;
    this.asking = last.catch(() => {}).then(() => this.settle(turn));
    do {
      last = this.asking;
      await last;
    } while (last !== this.asking);
  }

  /** Somebody else may be there. No token is waited for any longer: the host may take its time. */
  next(): number {
    for (const drop of this.waiting) drop();
    this.port.attempts.wake?.();
    return ++this.turn;
  }

  /** A token of the host, for what is asked now. Rejects as soon as that has nothing to say any more. */
  token<T>(obtain: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const drop = () => reject(new Problem(0, 'Superseded', 'The host has been asked anew who is there.'));
      this.waiting.add(drop);
      void obtain()
        .then(resolve, reject)
        .finally(() => this.waiting.delete(drop));
    });
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
    this.believe();
  }

  private believe(): void {
    clearTimeout(this.doubting);
    this.doubting = undefined;
  }

  private async settle(turn: number): Promise<void> {
    for (let failures = 0; turn === this.turn; failures++) {
      this.port.attempts.connecting();
      try {
        await this.ask(turn);
        if (turn === this.turn) this.believe();
        return;
      } catch (e) {
        if (turn !== this.turn) return;
        if (e instanceof Problem && isRefusal(e, true)) {
          this.port.refused(e);
          throw e;
        }
        this.believe();
        this.port.unknown();
        await this.port.attempts.pause(failures, e as Error);
      }
    }
  }

  /** A login goes on to its end while the host, or the server, can't be asked; what needs a token then asks once more. */
  private async renew(): Promise<void> {
    if (!this.port.known() || this.doubting) return; // it is being asked
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
