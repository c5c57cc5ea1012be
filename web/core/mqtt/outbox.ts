// What is on its way to the server (MQTT 5 §4.3, §4.4, §4.9): QoS 1 and 2 exchanges, in order, over connections.

import { ackPacket, type Publish, publishPacket } from './packets';
import type { Properties } from './properties';

export interface Published {
  code: number;
  /** Of PUBACK, or of PUBREC at QoS 2. */
  properties: Properties;
}

/** The server does not take a message, or it can't be sent to this server. */
export class PublishError extends Error {
  override readonly name = 'PublishError';

  constructor(
    /** Reason code (MQTT 5 §2.4), 0x80 or above. */
    readonly code: number,
    reason: string,
  ) {
    super(reason);
  }
}

export type Content = Omit<Publish, 'dup' | 'id'>;

interface Outgoing {
  content: Content;
  /** 0: never sent in this session. */
  id: number;
  /** Was sent on the connection that stands. */
  onWire: boolean;
  /** PUBREC came: what is left is PUBREL and PUBCOMP. */
  received?: Published;
  resolve: (p: Published) => void;
  reject: (e: PublishError) => void;
}

export class Outbox {
  private up = false;
  private limits: Properties = {};
  private onWire = 0;
  private lastId = 0;
  /** In the order of sending: a Set keeps it. */
  private readonly all = new Set<Outgoing>();
  private readonly byId = new Map<number, Outgoing>();
  private readonly aliases = new Map<string, number>();
  private taken: (id: number) => boolean = () => false;

  constructor(private readonly send: (packet: Uint8Array<ArrayBuffer>) => void) {}

  publish(content: Content): Promise<Published> {
    return new Promise((resolve, reject) => {
      if (content.qos > 0) {
        this.all.add({ content, id: 0, onWire: false, resolve, reject });
        this.pump();
        return;
      }
      if (!this.up) throw new PublishError(0x80, 'There is no connection.');
      const packet = this.encode(content, 0, false);
      if (packet instanceof PublishError) throw packet;
      this.send(packet);
      resolve({ code: 0, properties: {} });
    });
  }

  /** A connection stands. limits: the properties of its CONNACK; taken: packet ids in use by others. */
  begin(sessionPresent: boolean, limits: Properties, taken: (id: number) => boolean): void {
    this.up = true;
    this.limits = limits;
    this.taken = taken;
    if (!sessionPresent) {
      // The server has forgotten the session: what it had received is done, the rest is new to it.
      this.byId.clear();
      for (const x of this.all) {
        x.id = 0;
        if (x.received) this.finish(x, x.received);
      }
    }
    this.pump();
  }

  pause(): void {
    this.up = false;
    this.onWire = 0;
    this.aliases.clear();
    for (const x of this.all) x.onWire = false;
  }

  acknowledged(type: 'puback' | 'pubrec' | 'pubcomp', id: number, code: number, properties: Properties): void {
    const x = this.byId.get(id);
    if (!x?.onWire) {
      if (type === 'pubrec') this.send(ackPacket('pubrel', id, 0x92)); // packet identifier not found
      return;
    }
    if (type === 'pubcomp') {
      if (x.received) this.finish(x, x.received);
    } else if (code >= 0x80) {
      this.finish(x, new PublishError(code, properties.reason ?? `The server refused the message (${code}).`));
    } else if (type === 'pubrec') {
      x.received ??= { code, properties };
      this.send(ackPacket('pubrel', id));
    } else if (x.content.qos === 1) {
      this.finish(x, { code, properties });
    }
    this.pump();
  }

  /** A packet id that is not in use. */
  newId(taken: (id: number) => boolean = this.taken): number {
    do this.lastId = (this.lastId % 0xffff) + 1;
    while (this.byId.has(this.lastId) || taken(this.lastId));
    return this.lastId;
  }

  /** Sends what waits, as far as the server's Receive Maximum allows. */
  private pump(): void {
    if (!this.up) return;
    for (const x of this.all) {
      if (this.onWire >= (this.limits.receiveMaximum ?? 0xffff)) return;
      if (!x.onWire) this.start(x);
    }
  }

  private start(x: Outgoing): void {
    if (x.received) {
      this.send(ackPacket('pubrel', x.id));
    } else {
      const again = x.id > 0;
      const id = again ? x.id : this.newId();
      const packet = this.encode(x.content, id, again);
      if (packet instanceof PublishError) {
        this.finish(x, packet);
        return;
      }
      x.id = id;
      this.byId.set(id, x);
      this.send(packet);
    }
    x.onWire = true;
    this.onWire++;
  }

  private finish(x: Outgoing, result: Published | PublishError): void {
    this.all.delete(x);
    this.byId.delete(x.id);
    if (x.onWire) this.onWire--;
    if (result instanceof PublishError) x.reject(result);
    else x.resolve(result);
  }

  private encode(c: Content, id: number, dup: boolean): Uint8Array<ArrayBuffer> | PublishError {
    const { maximumQoS = 2, retainAvailable = 1, maximumPacketSize = Infinity } = this.limits;
    if (c.qos > maximumQoS) return new PublishError(0x9b, `The server does not take QoS ${c.qos}.`);
    if (c.retain && !retainAvailable) return new PublishError(0x9a, 'The server does not keep messages.');
    const whole = { ...c, id, dup, properties: { ...c.properties, topicAlias: undefined } };
    let packet: Uint8Array<ArrayBuffer>;
    try {
      packet = publishPacket(this.alias(whole));
    } catch (e) {
      return new PublishError(0x95, (e as Error).message);
    }
    if (packet.length <= maximumPacketSize) return packet;
    if (this.aliases.get(c.topic) === this.aliases.size) this.aliases.delete(c.topic); // it may be the one just made, and the server won't see it
    return new PublishError(0x95, `The server takes packets of at most ${maximumPacketSize} bytes.`);
  }

  /** Replaces a topic that was sent before on this connection by its alias (§3.3.2.3.4). */
  private alias(p: Publish): Publish {
    const known = this.aliases.get(p.topic);
    if (known) return { ...p, topic: '', properties: { ...p.properties, topicAlias: known } };
    if (this.aliases.size >= (this.limits.topicAliasMaximum ?? 0)) return p;
    const topicAlias = this.aliases.size + 1;
    this.aliases.set(p.topic, topicAlias);
    return { ...p, properties: { ...p.properties, topicAlias } };
  }
}
