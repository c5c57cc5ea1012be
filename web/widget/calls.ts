// What `Magpie(method, …)` does with a call: those from before the script, in order; those before boot, which wait; boot once; and after
// destroy nothing but boot. Without a DOM.

import type { ErrorCode, Events, MagpieError, Options } from './types';

type From = Pick<Options, 'tokenUrl' | 'getToken'>;

/** What boot makes, and destroy ends. What throws, throws Errors that say what is wrong with its argument. */
export interface Running {
  readonly app: string;
  /** Somebody is signed in, or it has failed. */
  readonly ready: Promise<void>;
  /** Of a second boot. Resolves like `ready`. */
  again(o: Options): Promise<void>;
  identify(from?: From): Promise<void>;
  openChat(chat: unknown): Promise<void>;
  show(): void;
  hide(): void;
  toggle(): void;
  setTheme(given: unknown): void;
  setLocale(given: unknown): void;
  unread(): number;
  logout(): Promise<unknown>;
  end(): void;
}

export type Emit = <E extends keyof Events>(event: E, it: Events[E]) => void;
type Listener = (it: never) => void;

const events = ['ready', 'open', 'close', 'unread', 'message', 'connection', 'auth-expired', 'error'];
const methods = [
  'identify',
  'openChat',
  'show',
  'hide',
  'toggle',
  'setTheme',
  'setLocale',
  'unread',
  'logout',
] as const;

export interface CallsOptions {
  begin: (o: Options, emit: Emit) => Running;
  /** The global comes with boot, and goes with destroy. */
  install: () => void;
  uninstall: () => void;
}

export class Calls {
  private running: Running | undefined;
  private destroyed = false;
  private waiting: (() => void)[] = [];
  private listeners: { event: unknown; listener: Listener }[] = [];

  constructor(private readonly o: CallsOptions) {}

  /** Carries out what was called before the script was there. */
  drain(queue: Iterable<Iterable<unknown>> = []): void {
    for (const [method, ...rest] of queue) void this.call(method, rest);
  }

  /** Never throws. A rejection that nobody looks at stays quiet: the event 'error' has told of it. */
  call(method: unknown, args: unknown[]): Promise<unknown> {
    const answer = this.carryOut(method, args).catch((e) => {
      throw e.code ? e : failure('call', `${method}: ${e.message}`);
    });
    answer.catch((e) => {
      if (e.code === 'call') this.emit('error', e);
    });
    return answer;
  }

  readonly emit: Emit = (event, it) => {
    const told = this.listeners.filter((one) => one.event === event);
    if (event === 'error' && !told.length) console.error(`Magpie: ${(it as Error).message}`);
    for (const { listener } of told) {
      try {
        listener(it as never);
      } catch (e) {
        // A fault of the page's, which it is to hear of like of any other.
        queueMicrotask(() => {
          throw e;
        });
      }
    }
  };

  private async carryOut(method: unknown, [arg, other]: unknown[]): Promise<unknown> {
    if (method === 'boot') return this.boot((arg ?? {}) as Options);
    if (this.destroyed) throw new Error('destroyed: boot first');
    if (method === 'destroy') return this.destroy();
    if (method === 'on') return this.on(arg, other);
    if (method === 'off') return this.off(arg, other);
    const known = methods.find((one) => one === method);
    if (!known) throw new Error('there is no such method');
    if (!this.running) await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (!this.running) throw new Error('destroyed: boot first');
    return (this.running[known] as (arg: unknown) => unknown)(arg);
  }

  private boot(o: Options): Promise<void> {
    if (!/^[a-z0-9-]{3,40}$/.test(o.app)) throw new Error('app must be the id of an app');
    if (this.running) {
      if (o.app === this.running.app) return this.running.again(o);
      throw new Error(`the chat runs for "${this.running.app}"; destroy it first`);
    }
    this.running = this.o.begin(o, this.emit);
    this.destroyed = false;
    this.o.install();
    this.goOn();
    return this.running.ready;
  }

  private destroy(): void {
    this.running?.end();
    this.running = undefined;
    this.destroyed = true;
    this.listeners = [];
    this.goOn(); // to be refused
    this.o.uninstall();
  }

  private goOn(): void {
    for (const go of this.waiting.splice(0)) go();
  }

  private on(event: unknown, listener: unknown): () => void {
    this.know(event, listener);
    const one = { event, listener: listener as Listener };
    this.listeners.push(one);
    return () => {
      this.listeners = this.listeners.filter((other) => other !== one);
    };
  }

  private off(event: unknown, listener?: unknown): void {
    this.know(event, listener ?? this.off);
    this.listeners = this.listeners.filter((one) => one.event !== event || (listener && one.listener !== listener));
  }

  private know(event: unknown, listener: unknown): void {
    if (!events.includes(event as string)) throw new Error(`there is no event "${event}"`);
    if (typeof listener !== 'function') throw new Error('the listener is no function');
  }
}

export function failure(code: ErrorCode, message: string): MagpieError {
  return Object.assign(new Error(message), { code });
}
