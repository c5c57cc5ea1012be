// Packets of MQTT 5 §3: those that a client sends are written, those that a server sends are read.

import { on, type Properties, readProperties, writeProperties } from './properties';
import { malformed, Reader, violation, WireError, Writer } from './wire';

export type QoS = 0 | 1 | 2;

export interface Will {
  topic: string;
  payload: Uint8Array;
  qos?: QoS;
  retain?: boolean;
  properties?: Properties;
}

export interface Connect {
  clientId: string;
  username?: string;
  password?: string;
  cleanStart: boolean;
  /** Seconds. */
  keepAlive: number;
  properties?: Properties;
  will?: Will;
}

export interface Publish {
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  dup: boolean;
  /** Packet id; 0 at QoS 0. */
  id: number;
  properties: Properties;
}

export type AckType = 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';

export type Incoming =
  | { type: 'connack'; sessionPresent: boolean; code: number; properties: Properties }
  | ({ type: 'publish' } & Publish)
  | { type: AckType; id: number; code: number; properties: Properties }
  | { type: 'suback' | 'unsuback'; id: number; codes: number[]; properties: Properties }
  | { type: 'pingresp' }
  | { type: 'disconnect'; code: number; properties: Properties };

export interface Subscription {
  filter: string;
  qos?: QoS;
  noLocal?: boolean;
  retainAsPublished?: boolean;
  /** 0 send retained messages, 1 only for a new subscription, 2 never. */
  retainHandling?: 0 | 1 | 2;
}

const ackTypes: Record<AckType, number> = { puback: 4, pubrec: 5, pubrel: 6, pubcomp: 7 };

export function connectPacket(c: Connect): Uint8Array<ArrayBuffer> {
  let flags = c.cleanStart ? 2 : 0;
  if (c.will) flags |= 4 | ((c.will.qos ?? 0) << 3) | (c.will.retain ? 32 : 0);
  if (c.password !== undefined) flags |= 64;
  if (c.username !== undefined) flags |= 128;
  const w = new Writer().str('MQTT').u8(5).u8(flags).u16(c.keepAlive);
  writeProperties(w, c.properties).str(c.clientId);
  if (c.will) writeProperties(w, c.will.properties).str(c.will.topic).bin(c.will.payload);
  if (c.username !== undefined) w.str(c.username);
  if (c.password !== undefined) w.str(c.password);
  return w.packet(0x10);
}

export function publishPacket(p: Publish): Uint8Array<ArrayBuffer> {
  const w = new Writer().str(p.topic);
  if (p.qos > 0) w.u16(p.id);
  writeProperties(w, p.properties).raw(p.payload);
  return w.packet(0x30 | (p.dup ? 8 : 0) | (p.qos << 1) | (p.retain ? 1 : 0));
}

export function ackPacket(type: AckType, id: number, code = 0): Uint8Array<ArrayBuffer> {
  const w = new Writer().u16(id);
  if (code) w.u8(code);
  return w.packet((ackTypes[type] << 4) | (type === 'pubrel' ? 2 : 0));
}

export function subscribePacket(id: number, list: Subscription[], p?: Properties): Uint8Array<ArrayBuffer> {
  const w = writeProperties(new Writer().u16(id), p);
  for (const s of list) {
    const options = (s.qos ?? 0) | (s.noLocal ? 4 : 0) | (s.retainAsPublished ? 8 : 0) | ((s.retainHandling ?? 0) << 4);
    w.str(s.filter).u8(options);
  }
  return w.packet(0x82);
}

export function unsubscribePacket(id: number, filters: string[]): Uint8Array<ArrayBuffer> {
  const w = writeProperties(new Writer().u16(id));
  for (const f of filters) w.str(f);
  return w.packet(0xa2);
}

export function pingPacket(): Uint8Array<ArrayBuffer> {
  return new Writer().packet(0xc0);
}

export function disconnectPacket(code: number, p?: Properties): Uint8Array<ArrayBuffer> {
  const w = new Writer();
  if (code || p) w.u8(code);
  if (p) writeProperties(w, p);
  return w.packet(0xe0);
}

/** Reads a packet from a server: its first byte and its body. Throws WireError. */
export function readPacket(first: number, body: Uint8Array): Incoming {
  const r = new Reader(body);
  const type = first >> 4;
  if (type === 3) return publish(first, r);
  const flags = first & 15;
  if (flags !== (type === 6 ? 2 : 0)) throw malformed(`The flags of packet type ${type} are ${flags}.`);
  const p = read(type, r);
  r.end();
  return p;
}

function read(type: number, r: Reader): Incoming {
  switch (type) {
    case 2:
      return connack(r);
    case 4:
      return ack('puback', r, on.puback);
    case 5:
      return ack('pubrec', r, on.pubrec);
    case 6:
      return ack('pubrel', r, on.pubrel);
    case 7:
      return ack('pubcomp', r, on.pubcomp);
    case 9:
      return codes('suback', r, on.suback);
    case 11:
      return codes('unsuback', r, on.unsuback);
    case 13:
      return { type: 'pingresp' };
    case 14: {
      // A code of 0 and an empty list of properties may be left out (§3.14.2.1).
      const code = r.left > 0 ? r.u8() : 0;
      return { type: 'disconnect', code, properties: r.left > 0 ? readProperties(r, on.disconnect) : {} };
    }
    default:
      throw violation(`A server does not send packet type ${type} here.`);
  }
}

function connack(r: Reader): Incoming {
  const flags = r.u8();
  if (flags > 1) throw malformed('The flags of CONNACK are wrong.');
  const code = r.u8();
  // A server that speaks only MQTT 3.1.1 answers in its own form: two bytes, a code below 0x80.
  if (r.left === 0 && code > 0) return { type: 'connack', sessionPresent: false, code: 0x84, properties: {} };
  if (flags === 1 && code !== 0) throw violation('CONNACK refuses and has a session.');
  return { type: 'connack', sessionPresent: flags === 1, code, properties: readProperties(r, on.connack) };
}

function publish(first: number, r: Reader): Incoming {
  const qos = (first >> 1) & 3;
  const dup = (first & 8) !== 0;
  if (qos === 3) throw malformed('A PUBLISH has QoS 3.');
  if (dup && qos === 0) throw malformed('A PUBLISH of QoS 0 is marked as a repeat.');
  const topic = r.str();
  if (/[+#]/.test(topic)) throw new WireError(0x90, 'A topic name holds a wildcard.');
  const id = qos > 0 ? packetId(r) : 0;
  const properties = readProperties(r, on.publish);
  const payload = r.take(r.left);
  return { type: 'publish', topic, payload, qos: qos as QoS, retain: (first & 1) === 1, dup, id, properties };
}

function ack(type: AckType, r: Reader, where: number): Incoming {
  const id = packetId(r);
  const code = r.left > 0 ? r.u8() : 0;
  return { type, id, code, properties: r.left > 0 ? readProperties(r, where) : {} };
}

function codes(type: 'suback' | 'unsuback', r: Reader, where: number): Incoming {
  const id = packetId(r);
  const properties = readProperties(r, where);
  return { type, id, codes: [...r.take(r.left)], properties };
}

function packetId(r: Reader): number {
  const id = r.u16();
  if (id === 0) throw violation('A packet id is zero.');
  return id;
}
