// Properties (MQTT 5 §2.2.2): one table says how each is written and in which packets it may stand.

import { malformed, type Reader, violation, Writer } from './wire';

export interface Properties {
  payloadFormat?: number;
  /** Seconds. */
  messageExpiry?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  subscriptionIds?: number[];
  /** Seconds. */
  sessionExpiry?: number;
  assignedClientId?: string;
  /** Seconds. */
  serverKeepAlive?: number;
  authMethod?: string;
  authData?: Uint8Array;
  requestProblem?: number;
  /** Seconds. */
  willDelay?: number;
  requestResponse?: number;
  responseInfo?: string;
  serverReference?: string;
  reason?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQoS?: number;
  retainAvailable?: number;
  user?: [string, string][];
  /** Bytes. */
  maximumPacketSize?: number;
  wildcardAvailable?: number;
  subscriptionIdsAvailable?: number;
  sharedAvailable?: number;
}

type Kind = 'flag' | 'u8' | 'u16' | 'u32' | 'varint' | 'str' | 'bin' | 'pair';

/** Packet types as bits; `will` stands for the will's properties inside CONNECT. */
export const on = {
  will: 1 << 0,
  connect: 1 << 1,
  connack: 1 << 2,
  publish: 1 << 3,
  puback: 1 << 4,
  pubrec: 1 << 5,
  pubrel: 1 << 6,
  pubcomp: 1 << 7,
  subscribe: 1 << 8,
  suback: 1 << 9,
  unsubscribe: 1 << 10,
  unsuback: 1 << 11,
  disconnect: 1 << 14,
};

const message = on.publish | on.will;
const acks = on.puback | on.pubrec | on.pubrel | on.pubcomp | on.suback | on.unsuback;
const table: [id: number, name: keyof Properties, kind: Kind, where: number][] = [
  [0x01, 'payloadFormat', 'flag', message],
  [0x02, 'messageExpiry', 'u32', message],
  [0x03, 'contentType', 'str', message],
  [0x08, 'responseTopic', 'str', message],
  [0x09, 'correlationData', 'bin', message],
  [0x0b, 'subscriptionIds', 'varint', on.publish | on.subscribe],
  [0x11, 'sessionExpiry', 'u32', on.connect | on.connack | on.disconnect],
  [0x12, 'assignedClientId', 'str', on.connack],
  [0x13, 'serverKeepAlive', 'u16', on.connack],
  [0x15, 'authMethod', 'str', on.connect | on.connack],
  [0x16, 'authData', 'bin', on.connect | on.connack],
  [0x17, 'requestProblem', 'flag', on.connect],
  [0x18, 'willDelay', 'u32', on.will],
  [0x19, 'requestResponse', 'flag', on.connect],
  [0x1a, 'responseInfo', 'str', on.connack],
  [0x1c, 'serverReference', 'str', on.connack | on.disconnect],
  [0x1f, 'reason', 'str', on.connack | acks | on.disconnect],
  [0x21, 'receiveMaximum', 'u16', on.connect | on.connack],
  [0x22, 'topicAliasMaximum', 'u16', on.connect | on.connack],
  [0x23, 'topicAlias', 'u16', on.publish],
  [0x24, 'maximumQoS', 'flag', on.connack],
  [0x25, 'retainAvailable', 'flag', on.connack],
  [0x26, 'user', 'pair', -1],
  [0x27, 'maximumPacketSize', 'u32', on.connect | on.connack],
  [0x28, 'wildcardAvailable', 'flag', on.connack],
  [0x29, 'subscriptionIdsAvailable', 'flag', on.connack],
  [0x2a, 'sharedAvailable', 'flag', on.connack],
];

/** Of these zero is a protocol error. */
const neverZero = new Set<keyof Properties>(['receiveMaximum', 'maximumPacketSize', 'subscriptionIds']);

export function writeProperties(w: Writer, p: Properties = {}): Writer {
  const out = new Writer();
  for (const [id, name, kind] of table) {
    const value = p[name];
    if (value === undefined) continue;
    const values = name === 'user' || name === 'subscriptionIds' ? (value as unknown[]) : [value];
    for (const v of values) write(out.u8(id), kind, v);
  }
  return w.varint(out.length).raw(out.bytes());
}

function write(w: Writer, kind: Kind, v: unknown): void {
  if (kind === 'pair') {
    const [key, value] = v as [string, string];
    w.str(key).str(value);
  } else if (kind === 'str') w.str(v as string);
  else if (kind === 'bin') w.bin(v as Uint8Array);
  else if (kind === 'flag') w.u8(v as number);
  else w[kind](v as number);
}

/** Reads the properties of a packet; `where` is its bit in `on`. */
export function readProperties(packet: Reader, where: number): Properties {
  const r = packet.sub(packet.varint());
  const p: Record<string, unknown> = {};
  while (r.left > 0) {
    const id = r.varint();
    const row = table.find((x) => x[0] === id);
    if (!row || !(row[3] & where)) throw malformed(`Property ${id} does not belong in this packet.`);
    const [, name, kind] = row;
    const value = kind === 'pair' ? [r.str(), r.str()] : kind === 'flag' ? flag(r) : r[kind]();
    if (value === 0 && neverZero.has(name)) throw violation(`Property ${name} is zero.`);
    if (name === 'user' || name === 'subscriptionIds') {
      p[name] = [...((p[name] as unknown[]) ?? []), value];
    } else {
      if (name in p) throw violation(`Property ${name} stands twice.`);
      p[name] = value;
    }
  }
  return p;
}

function flag(r: Reader): number {
  const n = r.u8();
  if (n > 1) throw violation('A property that is 0 or 1 has another value.');
  return n;
}

/** The first value of a user property. */
export function userProperty(p: Properties, key: string): string | undefined {
  return p.user?.find(([k]) => k === key)?.[1];
}
