// A client of MQTT 5, without a DOM: the caller brings the WebSocket and decides when to connect again. The session lives here, over
// connections: what was not acknowledged is sent again (MQTT 5 §4.4), packet ids and QoS 2 exchanges go on where they were.

import { Inbox, type Received } from './inbox';
import { type Closed, Link, type Socket } from './link';
import { Outbox, type Published } from './outbox';
import {
  connectPacket,
  type Incoming,
  type QoS,
  type Subscription,
  subscribePacket,
  unsubscribePacket,
  type Will,
} from './packets';
import type { Properties } from './properties';
import { violation } from './wire';

export type { Received } from './inbox';
export type { Closed, Socket } from './link';
export { PublishError, type Published } from './outbox';
export type { QoS, Subscription, Will } from './packets';
export { type Properties, userProperty } from './properties';

export interface ClientOptions {
  clientId: string;
  /** Opens a WebSocket with the subprotocol `mqtt`. */
  socket: (url: string) => Socket;
  /** Called in order of arrival. The acknowledgement is sent when the promise is fulfilled; if it is rejected, the connection ends. */
  onMessage: (m: Received) => void | Promise<void>;
  /** A connection stands. Called before anything that came over it. */
  onConnected?: (c: Connected) => void;
  /** A connection that stood is over. */
  onClosed: (c: Closed) => void;
  /** Seconds; default 60. */
  keepAlive?: number;
  /** Seconds that the server keeps the session without a connection; default 0. */
  sessionExpiry?: number;
  /** Messages that the server may send ahead of their acknowledgement; default 64. */
  receiveMaximum?: number;
  /** Default 64. */
  topicAliasMaximum?: number;
  /** Bytes; default 1 MiB. */
  maximumPacketSize?: number;
  will?: Will;
  /** ms until CONNACK must be there; default 15,000. */
  connectTimeout?: number;
}

export interface Connected {
  sessionPresent: boolean;
  properties: Properties;
}

/** A connection that did not come to stand. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';

  constructor(readonly closed: Closed) {
    super(closed.reason);
  }
}

interface Request {
  resolve: (codes: number[]) => void;
  reject: (e: Error) => void;
}

export class Client {
  private link: Link | undefined;
  private up = false;
  private clientId: string;
  private readonly outbox = new Outbox((p) => this.link?.send(p));
  private readonly inbox: Inbox;
  private readonly requests = new Map<number, Request>();
  private readonly subscriptions = new Map<string, Subscription>();

  constructor(private readonly o: ClientOptions) {
    this.clientId = o.clientId;
    this.inbox = new Inbox({
      receiveMaximum: o.receiveMaximum ?? 64,
      topicAliasMaximum: o.topicAliasMaximum ?? 64,
      onMessage: o.onMessage,
      send: (p) => this.link?.send(p),
      fail: (e) => this.link?.close(0x83, e instanceof Error ? e.message : String(e)),
    });
  }

  get connected(): boolean {
    return this.up;
  }

  /** clientId: in the place of the one so far; then without its session. Throws ConnectError. */
  connect(
    url: string,
    who: { clientId?: string; username?: string; password?: string; cleanStart?: boolean } = {},
  ): Promise<Connected> {
    if (this.link) throw new Error('There is a connection already.');
    this.clientId = who.clientId ?? this.clientId;
    return new Promise((resolve, reject) => {
      const link = new Link(this.o.socket(url), {
        maxPacket: this.maximumPacketSize,
        onOpen: () => link.send(this.connectPacket(who)),
        onPacket: (p) => {
          if (this.up) {
            this.packet(p);
          } else if (p.type === 'connack' && p.code === 0) {
            clearTimeout(timer);
            this.connack(p.sessionPresent, p.properties);
            this.o.onConnected?.(p);
            resolve(p);
          } else if (p.type === 'connack' || p.type === 'disconnect') {
            link.end({ by: 'server', code: p.code, reason: p.properties.reason ?? '' });
          } else {
            throw violation('The server sent a packet before CONNACK.');
          }
        },
        onClosed: (c) => {
          clearTimeout(timer);
          const stood = this.up;
          this.down();
          if (stood) this.o.onClosed(c);
          else reject(new ConnectError(c));
        },
      });
      this.link = link;
      const timer = setTimeout(
        () => link.end({ by: 'network', code: 0, reason: 'The server does not answer.' }),
        this.o.connectTimeout ?? 15_000,
      );
    });
  }

  /** Resolves when the server has acknowledged, over as many connections as it takes; at QoS 0, when it is sent. Throws PublishError. */
  publish(
    topic: string,
    payload: Uint8Array,
    o: { qos?: QoS; retain?: boolean; properties?: Properties } = {},
  ): Promise<Published> {
    return this.outbox.publish({
      topic,
      payload,
      qos: o.qos ?? 0,
      retain: o.retain ?? false,
      properties: o.properties ?? {},
    });
  }

  /** Resolves with a reason code for each; those of 0x80 and above are refusals. Made again when the server has lost the session. */
  async subscribe(...list: Subscription[]): Promise<number[]> {
    const codes = await this.request((id) => subscribePacket(id, list));
    list.forEach((s, i) => {
      if ((codes[i] ?? 0x80) < 0x80) this.subscriptions.set(s.filter, s);
    });
    return codes;
  }

  unsubscribe(...filters: string[]): Promise<number[]> {
    for (const f of filters) this.subscriptions.delete(f);
    return this.request((id) => unsubscribePacket(id, filters));
  }

  /** Ends the connection unless the server answers within `timeout` ms. */
  check(timeout: number): void {
    if (this.up) this.link?.ping(timeout);
  }

  /** Disconnects. sessionExpiry in seconds: 0 makes the server forget the session. onClosed is called if the connection stood. */
  disconnect(o: { sessionExpiry?: number } = {}): void {
    this.link?.close(0, 'disconnected', o.sessionExpiry === undefined ? undefined : { sessionExpiry: o.sessionExpiry });
  }

  private get maximumPacketSize(): number {
    return this.o.maximumPacketSize ?? 1 << 20;
  }

  private connectPacket(who: { username?: string; password?: string; cleanStart?: boolean }): Uint8Array<ArrayBuffer> {
    return connectPacket({
      clientId: this.clientId,
      username: who.username,
      password: who.password,
      cleanStart: who.cleanStart ?? false,
      keepAlive: this.o.keepAlive ?? 60,
      will: this.o.will,
      properties: {
        sessionExpiry: this.o.sessionExpiry,
        receiveMaximum: this.o.receiveMaximum ?? 64,
        topicAliasMaximum: this.o.topicAliasMaximum ?? 64,
        maximumPacketSize: this.maximumPacketSize,
      },
    });
  }

  private connack(sessionPresent: boolean, p: Properties): void {
    this.up = true;
    this.clientId = p.assignedClientId ?? this.clientId;
    this.link?.keepAlive(p.serverKeepAlive ?? this.o.keepAlive ?? 60);
    this.inbox.begin(sessionPresent);
    if (!sessionPresent && this.subscriptions.size > 0) {
      void this.subscribe(...this.subscriptions.values()).catch(() => {}); // the next connection tries again
    }
    this.outbox.begin(sessionPresent, p, (id) => this.requests.has(id));
  }

  private down(): void {
    this.link = undefined;
    this.up = false;
    this.outbox.pause();
    this.inbox.pause();
    for (const r of this.requests.values()) r.reject(new Error('The connection is over.'));
    this.requests.clear();
  }

  private packet(p: Incoming): void {
    switch (p.type) {
      case 'publish':
        this.inbox.publish(p);
        break;
      case 'pubrel':
        this.inbox.release(p.id);
        break;
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
        this.outbox.acknowledged(p.type, p.id, p.code, p.properties);
        break;
      case 'suback':
      case 'unsuback':
        this.requests.get(p.id)?.resolve(p.codes);
        this.requests.delete(p.id);
        break;
      case 'disconnect':
        this.link?.end({ by: 'server', code: p.code, reason: p.properties.reason ?? '' });
        break;
      case 'connack':
        throw violation('The server sent a second CONNACK.');
      case 'pingresp':
        break;
    }
  }

  private request(packet: (id: number) => Uint8Array<ArrayBuffer>): Promise<number[]> {
    if (!this.up) return Promise.reject(new Error('There is no connection.'));
    return new Promise((resolve, reject) => {
      const id = this.outbox.newId((n) => this.requests.has(n));
      this.requests.set(id, { resolve, reject });
      this.link?.send(packet(id));
    });
  }
}
