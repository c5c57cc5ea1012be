// Keeps the MQTT connection up: connects, waits and tries again, and knows when not to.

import { type ReadonlySignal, signal } from '@preact/signals-core';
import type { SignIn } from '../api/shapes';
import {
  Client,
  type Closed,
  ConnectError,
  type Properties,
  type Published,
  type Received,
  type Socket,
} from '../mqtt/client';
import { Problem } from '../problem';
import type { Connection as State } from '../types';
import { type Context, later } from './context';

const firstDelay = 500;
const maxDelay = 30_000;
/** A connection that broke sooner than this, in ms, counts as a failure. */
const stable = 5000;
/** An attempt that is older than this, in ms, is begun anew when there is a reason to believe that it would go better. */
const slow = 5000;
/** Seconds that the server keeps the session: for a later page, or for this one alone. */
const sessionExpiry = { device: 86_400, page: 120 };

export interface ConnectionOptions {
  /** Where, and as whom, to connect: as of the latest renewal of the login. */
  mqtt: () => SignIn['mqtt'];
  socket: (url: string) => Socket;
  now: () => number;
  /** No later page goes on with the session, as nothing is kept for one. */
  memory: boolean;
  onMessage: (m: Received) => Promise<void>;
  /** Called with each connection, before any of its messages. */
  onUp: (sessionPresent: boolean) => void;
  onDown: () => void;
  /** An administrator, or another device, has ended the login. */
  onEnded: (reason: string) => void;
}

export class Connection {
  private readonly client: Client;
  private clientId: string;
  private readonly current = signal<Omit<State, 'stalled'>>({ state: 'idle' });
  private wanted = false;
  /** Neither side has a session to go on with, or the server's is another tab's by now: both begin anew (MQTT 5 §3.2.2.1.1). */
  private anew = true;
  private failures = 0;
  private upSince = 0;
  private cancelWait: (() => void) | undefined;
  /** Goes up when an attempt is given up, so that its outcome is not taken for that of a later one. */
  private attempt = 0;
  private began = 0;

  constructor(
    private readonly c: Context,
    private readonly o: ConnectionOptions,
  ) {
    this.clientId = o.mqtt().client_id;
    this.client = new Client({
      clientId: this.clientId,
      socket: o.socket,
      sessionExpiry: o.memory ? sessionExpiry.page : sessionExpiry.device,
      onMessage: o.onMessage,
      onConnected: ({ sessionPresent }) => this.connected(sessionPresent),
      onClosed: (closed) => this.closed(closed),
    });
  }

  get state(): ReadonlySignal<Omit<State, 'stalled'>> {
    return this.current;
  }

  get online(): boolean {
    return this.current.peek().state === 'online';
  }

  /** anew: whether to begin without the session that the server may have kept. */
  start(o: { anew?: boolean } = {}): void {
    this.anew = o.anew ?? this.anew;
    this.wanted = true;
    this.failures = 0;
    void this.connect();
  }

  /** state: why there is no connection from now on. by: who has kicked it, where it was no other device. */
  stop(state: 'idle' | 'kicked' | 'ended' | 'elsewhere', reason?: string, by?: State['by']): void {
    this.wanted = false;
    this.anew ||= state === 'elsewhere';
    this.attempt++;
    this.cancelWait?.();
    this.show({ state, ...(reason && { reason }), ...(by && { by }) });
    this.client.disconnect(state === 'ended' ? { sessionExpiry: 0 } : {});
  }

  /** At once if it waits, or gets nowhere; if it stands, makes sure that it lives. */
  nudge(): void {
    const { state } = this.current.peek();
    if (state === 'online') this.client.check(5000);
    else if (state === 'waiting') void this.connect();
    else if (state === 'connecting' && this.o.now() - this.began > slow) {
      this.attempt++;
      this.client.disconnect();
      void this.connect();
    }
  }

  publish(topic: string, payload: Uint8Array, properties: Properties): Promise<Published> {
    return this.client.publish(topic, payload, { qos: 1, properties });
  }

  /** At QoS 0, and only if the connection stands. */
  drop(topic: string, payload: Uint8Array): void {
    if (this.online) void this.client.publish(topic, payload).catch(() => {});
  }

  private async connect(): Promise<void> {
    this.cancelWait?.();
    this.cancelWait = undefined;
    const attempt = ++this.attempt;
    this.began = this.o.now();
    this.show({ state: 'connecting' });
    try {
      await this.dial(attempt, false);
    } catch (e) {
      if (attempt === this.attempt && this.wanted) this.failed(e);
    }
  }

  /** fresh: with a new access token, because the last was refused. */
  private async dial(attempt: number, fresh: boolean): Promise<void> {
    if (fresh) await this.c.api.renew();
    const password = await this.c.api.token();
    if (attempt !== this.attempt || !this.wanted) return;
    const { url, username, client_id: clientId } = this.o.mqtt();
    // A login that had to begin anew (by a host, after a long sleep) has another session.
    this.anew ||= clientId !== this.clientId;
    this.clientId = clientId;
    try {
      await this.client.connect(url, { clientId, username, password, cleanStart: this.anew });
    } catch (e) {
      const refused = e instanceof ConnectError && (e.closed.code === 0x86 || e.closed.code === 0x87);
      if (!refused || fresh) throw e;
      await this.dial(attempt, true);
    }
  }

  private connected(sessionPresent: boolean): void {
    this.anew = false;
    this.upSince = this.o.now();
    this.show({ state: 'online' });
    this.o.onUp(sessionPresent);
  }

  private failed(e: unknown): void {
    if (e instanceof Problem && e.status === 401) {
      this.stop('ended', e.detail);
      this.o.onEnded(e.detail);
      return;
    }
    const closed = e instanceof ConnectError ? e.closed : undefined;
    if (closed && this.final(closed)) return;
    const busy = closed?.code === 0x9f ? maxDelay : 0; // connection rate exceeded
    const asked = e instanceof Problem ? (e.retryAfter ?? 0) * 1000 : 0;
    this.wait(Math.max(busy, asked), (e as Error).message);
  }

  private closed(closed: Closed): void {
    this.o.onDown();
    if (!this.wanted || this.final(closed)) return;
    if (this.o.now() - this.upSince > stable) this.failures = 0;
    this.wait(0, closed.reason);
  }

  /** Whether the server said that there is no point in coming back. */
  private final(closed: Closed): boolean {
    if (closed.by !== 'server') return false;
    if (closed.code === 0x8e) {
      // Notice 0x28 tells of another device. Without it, a connection with this client id has taken over: another tab, where there
      // are no locks between them.
      this.stop('elsewhere');
      return true;
    }
    if (closed.code === 0x98) {
      this.stop('ended', closed.reason);
      this.o.onEnded(closed.reason);
      return true;
    }
    return false;
  }

  /** Longer each time, and not at the same moment as everybody else. least: ms. */
  private wait(least: number, reason: string): void {
    const delay = Math.min(maxDelay, firstDelay * 2 ** this.failures++) * (0.5 + Math.random() / 2);
    const ms = Math.max(delay, least * (1 + Math.random() / 2));
    this.show({ state: 'waiting', retryAt: this.o.now() + ms, ...(reason && { reason }) });
    this.cancelWait = later(this.c, ms, () => void this.connect());
  }

  private show(s: Omit<State, 'stalled'>): void {
    this.current.value = s;
  }
}
