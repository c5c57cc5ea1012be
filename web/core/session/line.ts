// The way to the server. In the tab that leads it is the MQTT connection; in the others it is that tab: what the leader receives and how its
// connection stands it tells them, and what they would send they tell it. The parts of a session need not know which it is.
//
// The lock says who leads. What was acknowledged to the server had been told before; what was not, the server delivers again to the
// next leader, which goes on with the same MQTT session. So nothing is lost when a tab dies, and numbers show a tab that was asleep
// that it has missed something.

import { computed, effect, type ReadonlySignal, signal } from '@preact/signals-core';
import type { Properties, Published, Received } from '../mqtt/client';
import type { Connection as State } from '../types';
import { Connection, type ConnectionOptions } from './connection';
import { type Context, later, type News } from './context';
import { Tabs } from './tabs';

/** A leader that has not answered for so many ms hangs. */
const patience = 10_000;
/** ms between two questions whether the leader is there. */
const interval = 30_000;

/** What the leader tells. term goes up with every leader; n counts the packets and connections that it has told of. */
type Leader = { term: number; n: number } & (
  | { kind: 'state'; state: State }
  | { kind: 'up'; sessionPresent: boolean }
  | { kind: 'packet'; packet: Received }
);

type Told =
  | Leader
  /** Is there a leader? It answers with its state, and to one who joins with what waits to be sent. */
  | { kind: 'who'; joins: boolean }
  | { kind: 'drop'; topic: string; payload: Uint8Array }
  | { kind: 'nudge' | 'reconnect' }
  | { kind: 'news'; news: News };

export interface LineOptions extends Omit<ConnectionOptions, 'onUp'> {
  locks: LockManager | null;
  channel: ((name: string) => BroadcastChannel) | null;
  /** Begins as if another device had just taken the connection. */
  kicked: boolean;
  /** A message waits for longer than it should; asked in the tab that leads. */
  stalled: ReadonlySignal<boolean>;
  /** There is a connection. sessionPresent: nothing was missed since the last one. Called before any of its messages. */
  onUp: (sessionPresent: boolean) => void;
  /** This tab leads from now on: it sends what all tabs have written. */
  onLead: () => void;
  /** Another tab leads from now on. */
  onFollow: () => void;
  /** This tab leads, and another one has joined. */
  onJoined: () => void;
  /** Another tab has told something that does not come from the server. */
  onNews: (n: News) => void;
}

export class Line {
  private readonly connection: Connection;
  private readonly tabs: Tabs<Told>;
  private readonly leading = signal(false);
  /** The leader's, where that is another tab. */
  private readonly theirs = signal<State>({ state: 'connecting', stalled: false });
  private term = 0;
  private n = 0;
  /** This tab has followed a connection, so that it can go on with its MQTT session. */
  private followed = false;
  /** Something was told that this tab has not heard. */
  private behind = false;
  private doubt: (() => void) | undefined;
  readonly state: ReadonlySignal<State>;

  constructor(
    private readonly c: Context,
    private readonly o: LineOptions,
  ) {
    if (o.kicked) this.theirs.value = { state: 'kicked', stalled: false };
    this.connection = new Connection(c, {
      ...o,
      onMessage: (m) => this.received(m),
      onUp: (sessionPresent) => this.up(sessionPresent),
    });
    this.state = computed(() => {
      if (!this.leading.value) return this.theirs.value;
      const s = this.connection.state.value;
      return { ...s, stalled: s.state === 'online' && o.stalled.value };
    });
    this.tabs = new Tabs<Told>({
      name: `magpie-connection/${c.eid}/${c.uid}`,
      locks: o.locks,
      channel: o.channel,
      onLead: () => this.lead(),
      onLost: () => this.follow(),
      onTold: (m) => this.told(m),
    });
    const stop = effect(() => {
      this.state.value;
      this.tellState();
    });
    c.signal.addEventListener('abort', stop);
  }

  /** This tab has the connection to the server. */
  get leads(): boolean {
    return this.leading.peek();
  }

  get online(): boolean {
    return this.state.peek().state === 'online';
  }

  start(): void {
    this.tabs.start();
    if (this.leads) return;
    this.ask(true);
    this.watch();
  }

  /** state: what is shown of the connection from now on. */
  stop(state: 'idle' | 'ended', reason?: string): void {
    this.theirs.value = { state, stalled: false, ...(reason && { reason }) };
    this.connection.stop(state, reason);
    this.tabs.stop();
  }

  /** Another device has signed in, or an administrator has ended the connection: it stays down until one asks for it. */
  kicked(by?: State['by']): void {
    if (this.leads) this.connection.stop('kicked', undefined, by);
  }

  /** Makes sure that the connection lives, or tries again at once while it waits. */
  nudge(): void {
    if (this.leads) this.connection.nudge();
    else this.askLeader('nudge');
  }

  /** Connects again where that was given up, too. */
  reconnect(): void {
    if (!this.leads) this.askLeader('reconnect');
    else if (['kicked', 'elsewhere'].includes(this.state.peek().state)) this.connection.start();
    else this.connection.nudge();
  }

  /** For the tab that leads: resolves when the server has acknowledged. Rejects with PublishError. */
  publish(topic: string, payload: Uint8Array, properties: Properties): Promise<Published> {
    return this.connection.publish(topic, payload, properties);
  }

  /** At QoS 0, and only if there is a connection. */
  drop(topic: string, payload: Uint8Array): void {
    if (this.leads) this.connection.drop(topic, payload);
    else this.tabs.tell({ kind: 'drop', topic, payload });
  }

  /** Tells the other tabs. Where something is to be sent, the leader must be awake. */
  tell(news: News): void {
    this.tabs.tell({ kind: 'news', news });
    if (news.about === 'waiting' && !this.leads) this.ask(false);
  }

  private lead(): void {
    this.doubt?.();
    this.term = Math.max(this.term + 1, this.o.now());
    this.n = 0;
    this.leading.value = true;
    this.o.onLead();
    // Closing a tab is no wish to take the connection back from another device.
    const { state, by } = this.theirs.peek();
    if (state === 'kicked') this.connection.stop('kicked', undefined, by);
    else this.connection.start({ anew: !this.followed || this.behind });
  }

  private follow(): void {
    this.theirs.value = { state: 'connecting', stalled: false };
    this.leading.value = false;
    this.o.onFollow();
    this.connection.stop('idle');
    this.ask(false);
  }

  private up(sessionPresent: boolean): void {
    this.followed = true;
    this.behind = false;
    this.tabs.tell({ kind: 'up', term: this.term, n: ++this.n, sessionPresent });
    this.o.onUp(sessionPresent);
  }

  private received(m: Received): Promise<void> {
    // The payload is a view of a larger buffer, which would be copied with it.
    this.tabs.tell({ kind: 'packet', term: this.term, n: ++this.n, packet: { ...m, payload: m.payload.slice() } });
    return this.o.onMessage(m);
  }

  private tellState(): void {
    if (this.leads) this.tabs.tell({ kind: 'state', term: this.term, n: this.n, state: this.state.peek() });
  }

  private told(m: Told): void {
    switch (m.kind) {
      case 'news':
        this.o.onNews(m.news);
        break;
      case 'state':
      case 'up':
      case 'packet':
        this.heard(m);
        break;
      default:
        if (this.leads) this.asked(m);
    }
  }

  /** Another tab wants something of the leader. */
  private asked(m: Exclude<Told, Leader | { kind: 'news' }>): void {
    if (m.kind === 'drop') this.connection.drop(m.topic, m.payload);
    else if (m.kind !== 'who') this[m.kind]();
    else {
      this.tellState();
      if (m.joins) this.o.onJoined();
    }
  }

  /** The leader has told something. */
  private heard(m: Leader): void {
    if (this.leads || m.term < this.term) return; // of one that hung, and has not learned yet that it leads no more
    this.doubt?.();
    if (m.term > this.term) this.n = 0;
    this.term = m.term;
    if (m.n !== this.n + (m.kind === 'state' ? 0 : 1)) this.behind = true;
    this.n = m.n;
    if (m.kind === 'state') {
      this.theirs.value = m.state;
      if (this.behind && m.state.state === 'online') this.joined(false);
    } else if (m.kind === 'up') {
      this.joined(m.sessionPresent);
    } else {
      if (this.behind && this.online) this.joined(false);
      this.o.onMessage(m.packet).catch(() => {}); // the leader can't read it either, and its connection ends
    }
  }

  /** There is a connection that this tab follows. */
  private joined(sessionPresent: boolean): void {
    const nothingMissed = sessionPresent && !this.behind;
    this.followed = true;
    this.behind = false;
    this.o.onUp(nothingMissed);
  }

  private askLeader(kind: 'nudge' | 'reconnect'): void {
    this.tabs.tell({ kind });
    this.ask(false);
  }

  /** Asks whether there is a leader, and takes its place unless it answers. */
  private ask(joins: boolean): void {
    this.tabs.tell({ kind: 'who', joins });
    if (this.doubt) return;
    const cancel = later(this.c, patience, () => {
      this.doubt = undefined;
      this.tabs.steal();
    });
    this.doubt = () => {
      this.doubt = undefined;
      cancel();
    };
  }

  private watch(): void {
    later(this.c, interval, () => {
      if (!this.leads) this.ask(false);
      this.watch();
    });
  }
}
