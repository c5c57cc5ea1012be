import { describe, expect, test } from 'vitest';
import {
  ackPacket,
  connectPacket,
  disconnectPacket,
  type Incoming,
  type Publish,
  pingPacket,
  publishPacket,
  readPacket,
  subscribePacket,
  unsubscribePacket,
} from './packets';
import { on, type Properties, readProperties, writeProperties } from './properties';
import { Reader, Splitter, WireError, Writer } from './wire';

const hex = (s: string) => new Uint8Array(Buffer.from(s.replaceAll(' ', ''), 'hex'));
const bytes = (...b: number[]) => new Uint8Array(b);
const ascii = (s: string) => new Uint8Array(Buffer.from(s));

/** Reads one whole packet. */
function read(b: Uint8Array): Incoming {
  const [first, ...more] = new Splitter(1 << 28).push(b);
  if (!first || more.length > 0) throw new Error('not one packet');
  return readPacket(...first);
}

function codeOf(f: () => unknown): number {
  try {
    f();
  } catch (e) {
    if (e instanceof WireError) return e.code;
    throw e;
  }
  return 0;
}

// Beside each the bytes by the standard's figures, put together by hand.
describe('what a client sends', () => {
  const publish: Publish = {
    topic: 'a/b',
    payload: ascii('hi'),
    qos: 0,
    retain: false,
    dup: false,
    id: 0,
    properties: {},
  };
  test.each<[string, Uint8Array, string]>([
    [
      'CONNECT §3.1',
      connectPacket({ clientId: 'c1', cleanStart: true, keepAlive: 60 }),
      '10 0f 0004 4d515454 05 02 003c 00 0002 6331',
    ],
    [
      'CONNECT with everything',
      connectPacket({
        clientId: '',
        username: 'u',
        password: 'p',
        cleanStart: false,
        keepAlive: 0xffff,
        properties: { sessionExpiry: 10, receiveMaximum: 20 },
        will: { topic: 't', payload: bytes(1, 2), qos: 1, retain: true, properties: { willDelay: 5 } },
      }),
      '10 28 0004 4d515454 05 ec ffff 08 11 0000000a 21 0014 0000 05 18 00000005 0001 74 0002 0102 0001 75 0001 70',
    ],
    ['PUBLISH §3.3 at QoS 0', publishPacket(publish), '30 08 0003 612f62 00 6869'],
    ['PUBLISH at QoS 1', publishPacket({ ...publish, qos: 1, id: 10, retain: true }), '33 0a 0003 612f62 000a 00 6869'],
    [
      'PUBLISH at QoS 2, again, by alias',
      publishPacket({ ...publish, topic: '', qos: 2, id: 0xfffe, dup: true, properties: { topicAlias: 3 } }),
      '3c 0a 0000 fffe 03 23 0003 6869',
    ],
    ['PUBACK §3.4', ackPacket('puback', 1), '40 02 0001'],
    ['PUBREC §3.5 with a code', ackPacket('pubrec', 0x1234, 0x97), '50 03 1234 97'],
    ['PUBREL §3.6', ackPacket('pubrel', 2), '62 02 0002'],
    ['PUBCOMP §3.7', ackPacket('pubcomp', 2, 0x92), '70 03 0002 92'],
    [
      'SUBSCRIBE §3.8',
      subscribePacket(
        10,
        [
          { filter: 'a/b', qos: 1 },
          { filter: 'c/d', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        ],
        { subscriptionIds: [300] },
      ),
      '82 12 000a 03 0b ac02 0003 612f62 01 0003 632f64 2e',
    ],
    ['UNSUBSCRIBE §3.10', unsubscribePacket(10, ['a/b']), 'a2 08 000a 00 0003 612f62'],
    ['PINGREQ §3.12', pingPacket(), 'c0 00'],
    ['DISCONNECT §3.14', disconnectPacket(0), 'e0 00'],
    ['DISCONNECT with properties', disconnectPacket(0, { sessionExpiry: 0 }), 'e0 07 00 05 11 00000000'],
  ])('%s', (_, packet, want) => {
    expect(Buffer.from(packet).toString('hex')).toBe(want.replaceAll(' ', ''));
  });
});

const incoming: [string, string, Incoming][] = [
  ['CONNACK §3.2', '20 03 01 00 00', { type: 'connack', sessionPresent: true, code: 0, properties: {} }],
  [
    'CONNACK with limits',
    '20 12 00 00 0f 21 000a 22 0005 24 01 25 00 27 00020000',
    {
      type: 'connack',
      sessionPresent: false,
      code: 0,
      properties: {
        receiveMaximum: 10,
        topicAliasMaximum: 5,
        maximumQoS: 1,
        retainAvailable: 0,
        maximumPacketSize: 131072,
      },
    },
  ],
  [
    'CONNACK that refuses',
    '20 09 00 87 06 1f 0003 6e6f21',
    { type: 'connack', sessionPresent: false, code: 0x87, properties: { reason: 'no!' } },
  ],
  ['CONNACK of MQTT 3.1.1', '20 02 00 01', { type: 'connack', sessionPresent: false, code: 0x84, properties: {} }],
  [
    'PUBLISH §3.3',
    '3d 18 0003 612f62 0007 0e 09 0002 0102 26 0003 736571 0001 39 6869',
    {
      type: 'publish',
      topic: 'a/b',
      payload: ascii('hi'),
      qos: 2,
      retain: true,
      dup: true,
      id: 7,
      properties: { correlationData: bytes(1, 2), user: [['seq', '9']] },
    },
  ],
  [
    'PUBLISH of no bytes',
    '30 04 0001 61 00',
    { type: 'publish', topic: 'a', payload: bytes(), qos: 0, retain: false, dup: false, id: 0, properties: {} },
  ],
  ['PUBACK §3.4', '40 02 0001', { type: 'puback', id: 1, code: 0, properties: {} }],
  ['PUBACK with a code', '40 03 0001 10', { type: 'puback', id: 1, code: 0x10, properties: {} }],
  [
    'PUBREC with a reason',
    '50 08 0001 97 04 1f 0001 78',
    { type: 'pubrec', id: 1, code: 0x97, properties: { reason: 'x' } },
  ],
  ['PUBREL §3.6', '62 02 0001', { type: 'pubrel', id: 1, code: 0, properties: {} }],
  ['PUBCOMP §3.7', '70 04 0001 92 00', { type: 'pubcomp', id: 1, code: 0x92, properties: {} }],
  ['SUBACK §3.9', '90 06 000a 00 00 02 87', { type: 'suback', id: 10, codes: [0, 2, 0x87], properties: {} }],
  ['UNSUBACK §3.11', 'b0 04 000a 00 11', { type: 'unsuback', id: 10, codes: [0x11], properties: {} }],
  ['PINGRESP §3.13', 'd0 00', { type: 'pingresp' }],
  ['DISCONNECT §3.14', 'e0 00', { type: 'disconnect', code: 0, properties: {} }],
  ['DISCONNECT with a code', 'e0 01 8e', { type: 'disconnect', code: 0x8e, properties: {} }],
  [
    'DISCONNECT with a reason',
    'e0 06 98 04 1f 0001 78',
    { type: 'disconnect', code: 0x98, properties: { reason: 'x' } },
  ],
];

describe('what a server sends', () => {
  test.each(incoming)('%s', (_, b, want) => {
    expect(read(hex(b))).toEqual(want);
  });

  // Where a packet is cut, it may still be whole: acknowledgements and DISCONNECT leave out what is empty, payloads just end.
  const mayEnd: Record<string, number[]> = {
    publish: [],
    puback: [2, 3],
    pubrec: [2, 3],
    pubrel: [2, 3],
    pubcomp: [2, 3],
  };
  test.each(incoming)('cut at every place: %s', (_, b, want) => {
    const [[first, body] = [0, bytes()]] = new Splitter(1 << 28).push(hex(b));
    for (let n = 0; n < body.length; n++) {
      const code = codeOf(() => readPacket(first, body.subarray(0, n)));
      if (want.type === 'publish' && n >= body.length - want.payload.length) continue;
      if (want.type === 'disconnect' && n <= 1) continue;
      if (want.type === 'connack' && n === 2 && want.code > 0) continue;
      if ((want.type === 'suback' || want.type === 'unsuback') && n >= 3) continue;
      if (mayEnd[want.type]?.includes(n)) continue;
      expect([n, code]).toEqual([n, 0x81]);
    }
  });

  test.each([
    ['flags of PUBACK', '42 02 0001', 0x81],
    ['flags of PUBREL', '60 02 0001', 0x81],
    ['packet id 0', '40 02 0000', 0x82],
    ['bytes after PUBACK', '40 05 0001 00 00 00', 0x81],
    ['bytes after PINGRESP', 'd0 01 00', 0x81],
    ['QoS 3', '36 06 0001 61 0001 00', 0x81],
    ['a repeat at QoS 0', '38 04 0001 61 00', 0x81],
    ['a wildcard in a topic', '30 04 0001 23 00', 0x90],
    ['a topic that is no UTF-8', '30 04 0001 ff 00', 0x81],
    ['U+0000 in a topic', '30 04 0001 00 00', 0x81],
    ['an encoded surrogate', '30 06 0003 eda080 00', 0x81],
    ['a property of another packet', '40 09 0001 00 05 11 00000001', 0x81],
    ['an unknown property', '30 06 0001 61 02 7f 00', 0x81],
    ['a property twice', '20 09 00 00 06 21 0001 21 0001', 0x82],
    ['Receive Maximum 0', '20 06 00 00 03 21 0000', 0x82],
    ['Maximum QoS 2', '20 05 00 00 02 24 02', 0x82],
    ['properties longer than the packet', '20 03 00 00 01', 0x81],
    ['a varint that is too long', '20 04 00 00 80 00', 0x81],
    ['a session in a refusal', '20 03 01 87 00', 0x82],
    ['CONNECT', '10 00', 0x82],
    ['AUTH without a method', 'f0 00', 0x82],
    ['packet type 0', '00 00', 0x82],
  ])('refused: %s', (_, b, want) => {
    expect(codeOf(() => read(hex(b)))).toBe(want);
  });
});

describe('pieces', () => {
  const packets = incoming.map(([, b]) => hex(b));
  const stream = new Uint8Array(Buffer.concat(packets));
  const split = (sizes: () => number) => {
    const s = new Splitter(1 << 20);
    const out: Incoming[] = [];
    for (let at = 0; at < stream.length; ) {
      const n = sizes();
      for (const p of s.push(stream.slice(at, at + n))) out.push(readPacket(...p));
      at += n;
    }
    return out;
  };
  const want = incoming.map(([, , p]) => p);

  test.each([1, 2, 3, 7, 64, 10_000])('of %i bytes', (n) => {
    expect(split(() => n)).toEqual(want);
  });

  test('of any size', () => {
    const below = random(1);
    for (let i = 0; i < 200; i++) expect(split(() => 1 + below(20))).toEqual(want);
  });

  test('a packet that is too large is refused by its header', () => {
    const s = new Splitter(100);
    expect(s.push(hex('30 62'))).toEqual([]);
    expect(codeOf(() => new Splitter(100).push(hex('30 63')))).toBe(0x95);
    expect(codeOf(() => new Splitter(100).push(hex('30 ffffff7f')))).toBe(0x95);
    expect(codeOf(() => new Splitter(100).push(hex('30 ffffffff 01')))).toBe(0x81);
  });
});

describe('any properties and numbers', () => {
  const below = random(7);
  const text = () => Array.from({ length: below(6) }, () => String.fromCodePoint(1 + below(0xd7fe))).join('');
  const maybe = <T>(f: () => T): T | undefined => (below(3) === 0 ? f() : undefined);
  const clean = (p: Properties) => Object.fromEntries(Object.entries(p).filter(([, v]) => v !== undefined));

  test('are read as they were written', () => {
    for (let i = 0; i < 500; i++) {
      const p: Properties = clean({
        payloadFormat: maybe(() => below(2)),
        messageExpiry: maybe(() => below(2 ** 32)),
        contentType: maybe(text),
        responseTopic: maybe(text),
        correlationData: maybe(() => new Uint8Array(below(40)).map(() => below(256))),
        subscriptionIds: maybe(() => [1 + below(127), 1 + below(0x0fffffff)]),
        topicAlias: maybe(() => below(0x10000)),
        user: maybe((): [string, string][] => [
          [text(), text()],
          [text(), text()],
        ]),
      });
      const r = new Reader(writeProperties(new Writer(), p).bytes());
      expect(readProperties(r, on.publish)).toEqual(p);
      expect(r.left).toBe(0);
    }
  });

  test('any bytes are read or refused, never anything else', () => {
    for (let i = 0; i < 20_000; i++) {
      const [, b] = incoming[below(incoming.length)] as [string, string, Incoming];
      const packet = hex(b);
      for (let n = 1 + below(4); n > 0; n--) packet[below(packet.length)] = below(256);
      codeOf(() => new Splitter(1 << 20).push(packet).map((p) => readPacket(...p)));
    }
  });

  test.each([0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455])(
    'variable byte integer %i §1.5.5',
    (n) => {
      const b = new Writer().varint(n).bytes();
      expect(b.length).toBe(n < 128 ? 1 : n < 16_384 ? 2 : n < 2_097_152 ? 3 : 4);
      expect(new Reader(b).varint()).toBe(n);
    },
  );

  test('what is too long to be sent', () => {
    expect(codeOf(() => new Writer().varint(268_435_456))).toBe(0x95);
    expect(codeOf(() => new Writer().str('x'.repeat(0x10000)))).toBe(0x81);
    expect(codeOf(() => new Writer().str('\0'))).toBe(0x81);
  });
});

/** xorshift32: the same numbers in every run. */
function random(seed: number): (n: number) => number {
  let x = seed;
  return (n) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x = (x ^ (x << 5)) >>> 0;
    return x % n;
  };
}
