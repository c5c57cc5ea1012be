// What comes from the server: topic aliases, Receive Maximum, acknowledgements in order (MQTT 5 §4.3, §4.6, §4.9).

import { ackPacket, type Publish, type QoS } from './packets';
import type { Properties } from './properties';
import { violation, WireError } from './wire';

export interface Received {
  topic: string;
  /** A view of what came: copy what is kept beyond the handler. */
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  /** The server may have sent it before. */
  dup: boolean;
  properties: Properties;
}

export class Inbox {
  /** Goes up with each connection, so that nothing is acknowledged on another than it came by. */
  private generation = 0;
  private acks: Promise<unknown> = Promise.resolve();
  private readonly aliases = new Map<number, string>();
  /** Packet ids that the server has sent on this connection and that are not yet free. */
  private readonly open = new Set<number>();
  /** QoS 2: handled, or being so, and not yet released. Belongs to the session. */
  private readonly received = new Map<number, Promise<void>>();

  constructor(
    private readonly o: {
      receiveMaximum: number;
      topicAliasMaximum: number;
      onMessage: (m: Received) => void | Promise<void>;
      send: (packet: Uint8Array<ArrayBuffer>) => void;
      fail: (e: unknown) => void;
    },
  ) {}

  begin(sessionPresent: boolean): void {
    if (!sessionPresent) this.received.clear();
  }

  pause(): void {
    this.generation++;
    this.acks = Promise.resolve();
    this.aliases.clear();
    this.open.clear();
  }

  publish(p: Publish): void {
    const topic = this.topic(p);
    if (p.qos > 0) {
      this.open.add(p.id);
      if (this.open.size > this.o.receiveMaximum) {
        throw new WireError(0x93, 'The server sends more than the Receive Maximum allows.');
      }
    }
    const known = p.qos === 2 ? this.received.get(p.id) : undefined;
    const done = known ?? this.handle({ ...p, topic });
    if (p.qos === 2) this.received.set(p.id, done);
    const generation = this.generation;
    // Acknowledgements go out in the order of the messages (§4.6).
    this.acks = Promise.all([this.acks, done]).then(
      () => {
        if (generation === this.generation) this.acknowledge(p);
      },
      (e) => {
        if (p.qos === 2) this.received.delete(p.id);
        if (generation === this.generation) this.o.fail(e);
      },
    );
  }

  /** PUBREL (§3.6). */
  release(id: number): void {
    const known = this.received.delete(id);
    this.open.delete(id);
    this.o.send(ackPacket('pubcomp', id, known ? 0 : 0x92));
  }

  private async handle(m: Received): Promise<void> {
    await this.o.onMessage(m);
  }

  private acknowledge(p: Publish): void {
    if (p.qos === 1) {
      this.open.delete(p.id);
      this.o.send(ackPacket('puback', p.id));
    } else if (p.qos === 2) {
      this.o.send(ackPacket('pubrec', p.id));
    }
  }

  private topic(p: Publish): string {
    const alias = p.properties.topicAlias;
    if (alias === undefined) {
      if (!p.topic) throw violation('A PUBLISH has neither a topic nor an alias.');
      return p.topic;
    }
    if (alias === 0 || alias > this.o.topicAliasMaximum)
      throw new WireError(0x94, `Topic alias ${alias} is out of range.`);
    if (p.topic) this.aliases.set(alias, p.topic);
    const topic = this.aliases.get(alias);
    if (!topic) throw violation(`Topic alias ${alias} was never set.`);
    return topic;
  }
}
