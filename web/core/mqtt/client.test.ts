import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Client, type ClientOptions, type Closed, type Connected, type Received } from './client';
import { Scripted } from './scripted';
import { Writer } from './wire';

const payload = new Uint8Array([7]);
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A client, the sockets that it has opened, and what it was given. */
class Bench {
  readonly sockets: Scripted[] = [];
  readonly received: Received[] = [];
  readonly closed: Closed[] = [];
  readonly client: Client;

  constructor(o: Partial<ClientOptions> = {}) {
    this.client = new Client({
      clientId: 'c',
      socket: () => {
        this.sockets.push(new Scripted());
        return this.server;
      },
      onMessage: (m) => void this.received.push(m),
      onClosed: (c) => void this.closed.push(c),
      ...o,
    });
  }

  get server(): Scripted {
    return this.sockets.at(-1) as Scripted;
  }

  /** Connects; returns what the server answered. */
  async connect(connack: Parameters<Scripted['connack']>[0] = {}): Promise<Connected> {
    const connecting = this.client.connect('ws://test/mqtt');
    this.server.open();
    this.server.connack(connack);
    return connecting;
  }

  /** Types and ids of what the client has sent. */
  heard(): string[] {
    return this.server.heard().map((p) => [p.type, p.id, p.dup ? 'again' : ''].filter(Boolean).join(' '));
  }
}

describe('connecting', () => {
  test('offers what was asked for', async () => {
    const b = new Bench({
      keepAlive: 30,
      sessionExpiry: 100,
      receiveMaximum: 5,
      topicAliasMaximum: 6,
      maximumPacketSize: 700,
    });
    expect(await b.connect({ present: true, properties: { reason: 'hello' } })).toMatchObject({
      sessionPresent: true,
      properties: { reason: 'hello' },
    });
    expect(b.server.heard()).toEqual([
      {
        type: 'connect',
        clientId: 'c',
        cleanStart: false,
        keepAlive: 30,
        properties: { sessionExpiry: 100, receiveMaximum: 5, topicAliasMaximum: 6, maximumPacketSize: 700 },
      },
    ]);
  });

  test('uses the client id that the server assigned', async () => {
    const b = new Bench({ clientId: '' });
    await b.connect({ properties: { assignedClientId: 'made' } });
    b.server.break();
    await b.connect();
    expect(b.server.heard()[0]).toMatchObject({ clientId: 'made' });
  });

  test.each<[string, (s: Scripted) => void, Partial<Closed>]>([
    [
      'refused',
      (s) => s.connack({ code: 0x86, properties: { reason: 'no' } }),
      { by: 'server', code: 0x86, reason: 'no' },
    ],
    ['disconnected', (s) => s.say(new Writer().u8(0x8d).packet(0xe0)), { by: 'server', code: 0x8d }],
    ['broken off', (s) => s.break(), { by: 'network', code: 0 }],
    ['answered with something else', (s) => s.publish({}), { by: 'client', code: 0x82 }],
    ['answered with text', (s) => s.sayText('hello'), { by: 'client' }],
    ['answered with nonsense', (s) => s.say(new Uint8Array([0x20, 0])), { by: 'client', code: 0x81 }],
  ])('%s', async (_, act, closed) => {
    const b = new Bench();
    const connecting = b.client.connect('ws://test/mqtt');
    const failed = expect(connecting).rejects.toMatchObject({ name: 'ConnectError', closed });
    b.server.open();
    act(b.server);
    await failed;
    expect(b.server.closed).toBe(true);
    expect(b.client.connected).toBe(false);
    expect(b.closed).toEqual([]);
    await b.connect(); // and it can try again
  });

  test('gives up when nothing answers', async () => {
    const b = new Bench({ connectTimeout: 500 });
    const failed = expect(b.client.connect('ws://test/mqtt')).rejects.toMatchObject({ name: 'ConnectError' });
    await vi.advanceTimersByTimeAsync(499);
    expect(b.server.closed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await failed;
    expect(b.server.closed).toBe(true);
  });

  test.each<[string, (s: Scripted) => void, number]>([
    ['a second CONNACK', (s) => s.connack(), 0x82],
    ['a text frame', (s) => s.sayText('x'), 0x82],
    ['nonsense', (s) => s.say(new Uint8Array([0x00, 0x00])), 0x82],
    ['a packet that is too large', (s) => s.say(new Uint8Array([0x30, 0xff, 0xff, 0x7f])), 0x95],
  ])('ends on %s, and says why', async (_, act, code) => {
    const b = new Bench({ maximumPacketSize: 1000 });
    await b.connect();
    b.server.heard();
    act(b.server);
    expect(b.server.heard()).toMatchObject([{ type: 'disconnect', code }]);
    expect(b.closed).toMatchObject([{ by: 'client', code }]);
    expect(b.server.closed).toBe(true);
  });

  test('a DISCONNECT of the server is passed on', async () => {
    const b = new Bench();
    await b.connect();
    b.server.say(new Writer().u8(0x8e).packet(0xe0));
    expect(b.closed).toMatchObject([{ by: 'server', code: 0x8e }]);
    expect(b.server.closed).toBe(true);
  });

  test('disconnect may end the session', async () => {
    const b = new Bench({ sessionExpiry: 60 });
    await b.connect();
    b.server.heard();
    b.client.disconnect({ sessionExpiry: 0 });
    expect(b.server.heard()).toMatchObject([{ type: 'disconnect', code: 0, properties: { sessionExpiry: 0 } }]);
    expect(b.closed).toMatchObject([{ by: 'client' }]);
  });
});

describe('publishing', () => {
  test('QoS 0 needs a connection and no answer', async () => {
    const b = new Bench();
    await expect(b.client.publish('t', payload)).rejects.toMatchObject({ name: 'PublishError' });
    await b.connect();
    await b.client.publish('t', payload);
    expect(b.heard()).toEqual(['connect', 'publish']);
  });

  test('QoS 1 ends with PUBACK', async () => {
    const b = new Bench();
    const sent = b.client.publish('t', payload, { qos: 1 });
    await b.connect();
    expect(b.heard()).toEqual(['connect', 'publish 1']);
    b.server.ack('puback', 1, 0x10, { user: [['seq', '5']] });
    expect(await sent).toEqual({ code: 0x10, properties: { user: [['seq', '5']] } });
  });

  test('QoS 2 ends with PUBCOMP', async () => {
    const b = new Bench();
    await b.connect();
    let done = false;
    const sent = b.client.publish('t', payload, { qos: 2 }).then(() => {
      done = true;
    });
    b.server.ack('pubrec', 1);
    await settle();
    expect(done).toBe(false);
    expect(b.heard()).toEqual(['connect', 'publish 1', 'pubrel 1']);
    b.server.ack('pubcomp', 1);
    await sent;
  });

  test.each(['puback', 'pubrec'] as const)('a refusal in %s', async (type) => {
    const b = new Bench();
    await b.connect();
    const sent = b.client.publish('t', payload, { qos: type === 'puback' ? 1 : 2 });
    b.server.ack(type, 1, 0x97, { reason: 'slow down' });
    await expect(sent).rejects.toMatchObject({ name: 'PublishError', code: 0x97, message: 'slow down' });
    b.server.heard();
    void b.client.publish('t', payload, { qos: 1 });
    expect(b.heard()).toEqual(['publish 2']);
  });

  test('acknowledgements of nothing change nothing', async () => {
    const b = new Bench();
    await b.connect();
    b.server.heard();
    b.server.ack('puback', 9);
    b.server.ack('pubcomp', 9);
    b.server.ack('pubrec', 9);
    expect(b.server.heard()).toMatchObject([{ type: 'pubrel', id: 9, code: 0x92 }]);
    expect(b.client.connected).toBe(true);
  });

  test("the server's Receive Maximum is kept", async () => {
    const b = new Bench();
    await b.connect({ properties: { receiveMaximum: 2 } });
    for (let i = 0; i < 5; i++) void b.client.publish('t', payload, { qos: 1 });
    await b.client.publish('t', payload); // it does not count
    expect(b.heard()).toEqual(['connect', 'publish 1', 'publish 2', 'publish']);
    b.server.ack('puback', 2);
    expect(b.heard()).toEqual(['publish 3']);
    b.server.ack('puback', 1);
    b.server.ack('puback', 3);
    expect(b.heard()).toEqual(['publish 4', 'publish 5']);
  });

  test('what was not acknowledged is sent again in its order', async () => {
    const b = new Bench({ sessionExpiry: 60 });
    await b.connect({ properties: { receiveMaximum: 4 } });
    const one = b.client.publish('one', payload, { qos: 1 });
    const two = b.client.publish('two', payload, { qos: 2 });
    const three = b.client.publish('three', payload, { qos: 2 });
    void b.client.publish('four', payload, { qos: 1 });
    const five = b.client.publish('five', payload, { qos: 1 });
    b.server.ack('pubrec', 2);
    b.heard();
    b.server.break();
    await b.connect({ present: true, properties: { receiveMaximum: 4 } });
    expect(b.heard()).toEqual(['connect', 'publish 1 again', 'pubrel 2', 'publish 3 again', 'publish 4 again']);
    b.server.ack('puback', 1);
    expect(b.heard()).toEqual(['publish 5']);
    b.server.ack('pubcomp', 2);
    b.server.ack('pubrec', 3);
    b.server.ack('pubcomp', 3);
    b.server.ack('puback', 5);
    await Promise.all([one, two, three, five]);
  });

  test('a session that is lost: what it had received is done, the rest is new', async () => {
    const b = new Bench({ sessionExpiry: 60 });
    await b.connect();
    const received = b.client.publish('a', payload, { qos: 2 });
    void b.client.publish('b', payload, { qos: 2 });
    b.server.ack('pubrec', 1);
    b.server.break();
    await b.connect();
    await received;
    expect(b.heard()).toEqual(['connect', 'publish 3']);
  });

  test('topic aliases, as many as the server takes, anew on each connection', async () => {
    const b = new Bench();
    const topics = () =>
      b.server
        .heard()
        .map((p) => p.type === 'publish' && [p.topic, (p.properties as { topicAlias?: number }).topicAlias]);
    for (let round = 0; round < 2; round++) {
      await b.connect({ present: round > 0, properties: { topicAliasMaximum: 1 } });
      b.server.heard();
      await b.client.publish('a', payload);
      await b.client.publish('a', payload);
      await b.client.publish('b', payload);
      await b.client.publish('a', payload);
      expect(topics()).toEqual([
        ['a', 1],
        ['', 1],
        ['b', undefined],
        ['', 1],
      ]);
      b.server.break();
    }
  });

  test.each<[string, Parameters<Scripted['connack']>[0], Parameters<Client['publish']>, number]>([
    ['too large', { properties: { maximumPacketSize: 20 } }, ['t', new Uint8Array(20), { qos: 1 }], 0x95],
    ['QoS', { properties: { maximumQoS: 1 } }, ['t', payload, { qos: 2 }], 0x9b],
    ['retained', { properties: { retainAvailable: 0 } }, ['t', payload, { retain: true }], 0x9a],
  ])('what the server does not take is not sent: %s', async (_, connack, args, code) => {
    const b = new Bench();
    await b.connect(connack);
    await expect(b.client.publish(...args)).rejects.toMatchObject({ name: 'PublishError', code });
    expect(b.heard()).toEqual(['connect']);
  });

  test('a packet too large does not take its alias along', async () => {
    const b = new Bench();
    await b.connect({ properties: { maximumPacketSize: 20, topicAliasMaximum: 5 } });
    await expect(b.client.publish('a', new Uint8Array(20))).rejects.toMatchObject({ code: 0x95 });
    await b.client.publish('a', payload);
    expect(b.server.heard().at(-1)).toMatchObject({ type: 'publish', topic: 'a' });
  });

  test('packet ids go round and pass over those in use', async () => {
    const b = new Bench();
    await b.connect();
    void b.client.publish('t', payload, { qos: 1 }); // 1 stays in use
    for (let id = 2; id <= 0xffff; id++) {
      void b.client.publish('t', payload, { qos: 1 });
      b.server.ack('puback', id);
    }
    b.server.heard();
    void b.client.publish('t', payload, { qos: 1 });
    expect(b.heard()).toEqual(['publish 2']);
  });
});

describe('receiving', () => {
  test('a message is acknowledged when it has been taken, in its order', async () => {
    const done: (() => void)[] = [];
    const b = new Bench({ onMessage: () => new Promise<void>((resolve) => done.push(resolve)) });
    await b.connect();
    b.server.publish({ qos: 1, id: 1 });
    b.server.publish({ qos: 2, id: 2 });
    b.server.publish({ qos: 1, id: 3 });
    b.heard();
    done[2]?.();
    done[1]?.();
    await settle();
    expect(b.heard()).toEqual([]);
    done[0]?.();
    await settle();
    expect(b.heard()).toEqual(['puback 1', 'pubrec 2', 'puback 3']);
    b.server.ack('pubrel', 2);
    expect(b.server.heard()).toMatchObject([{ type: 'pubcomp', id: 2, code: 0 }]);
  });

  test('nothing is acknowledged on another connection than it came by', async () => {
    const done: (() => void)[] = [];
    const b = new Bench({ sessionExpiry: 60, onMessage: () => new Promise<void>((resolve) => done.push(resolve)) });
    await b.connect();
    b.server.publish({ qos: 1, id: 1 });
    b.server.break();
    await b.connect({ present: true });
    b.heard();
    done[0]?.();
    await settle();
    expect(b.heard()).toEqual([]);
    b.server.publish({ qos: 1, id: 1, dup: true });
    done[1]?.();
    await settle();
    expect(b.heard()).toEqual(['puback 1']);
  });

  test('a message that can not be taken ends the connection without an acknowledgement', async () => {
    const b = new Bench({ onMessage: () => Promise.reject(new Error('full')) });
    await b.connect();
    b.heard();
    b.server.publish({ qos: 1, id: 1 });
    await settle();
    expect(b.heard()).toEqual(['disconnect']);
    expect(b.closed).toMatchObject([{ by: 'client', code: 0x83 }]);
  });

  test('QoS 2 comes once, over connections', async () => {
    const b = new Bench({ sessionExpiry: 60 });
    await b.connect();
    b.server.publish({ qos: 2, id: 1 });
    await settle();
    b.server.break();
    await b.connect({ present: true });
    b.heard();
    b.server.publish({ qos: 2, id: 1, dup: true });
    await settle();
    expect(b.heard()).toEqual(['pubrec 1']);
    expect(b.received).toHaveLength(1);
    b.server.ack('pubrel', 1);
    b.server.ack('pubrel', 1);
    expect(b.server.heard()).toMatchObject([
      { type: 'pubcomp', code: 0 },
      { type: 'pubcomp', code: 0x92 },
    ]);
    b.server.publish({ qos: 2, id: 1 });
    await settle();
    expect(b.received).toHaveLength(2);
  });

  test('topic aliases', async () => {
    const b = new Bench({ topicAliasMaximum: 2 });
    await b.connect();
    b.server.publish({ topic: 'a', properties: { topicAlias: 1 } });
    b.server.publish({ topic: 'b', properties: { topicAlias: 2 } });
    b.server.publish({ topic: '', properties: { topicAlias: 1 } });
    b.server.publish({ topic: 'c', properties: { topicAlias: 1 } });
    b.server.publish({ topic: '', properties: { topicAlias: 1 } });
    expect(b.received.map((m) => m.topic)).toEqual(['a', 'b', 'a', 'c', 'c']);
  });

  test.each<[string, Parameters<Scripted['publish']>[0], number]>([
    ['beyond what was offered', { topicAlias: 3 } as never, 0x94],
    ['0', { topicAlias: 0 } as never, 0x94],
    ['that was never set', { topicAlias: 2 } as never, 0x82],
    ['and no topic either', {}, 0x82],
  ])('a topic alias %s', async (_, properties, code) => {
    const b = new Bench({ topicAliasMaximum: 2 });
    await b.connect();
    b.server.heard();
    b.server.publish({ topic: '', properties: properties as object });
    expect(b.server.heard()).toMatchObject([{ type: 'disconnect', code }]);
    expect(b.received).toEqual([]);
  });

  test("the client's Receive Maximum is kept by the server", async () => {
    const b = new Bench({ receiveMaximum: 2, onMessage: () => new Promise(() => {}) });
    await b.connect();
    b.server.publish({ qos: 1, id: 1 });
    b.server.publish({ qos: 2, id: 2 });
    b.server.publish({ qos: 0 });
    expect(b.client.connected).toBe(true);
    b.server.heard();
    b.server.publish({ qos: 1, id: 3 });
    expect(b.server.heard()).toMatchObject([{ type: 'disconnect', code: 0x93 }]);
  });
});

describe('subscribing', () => {
  test('resolves with the codes, and is made again for a session that was lost', async () => {
    const b = new Bench({ sessionExpiry: 60 });
    await b.connect();
    b.server.heard();
    const codes = b.client.subscribe({ filter: 'a', qos: 1 }, { filter: 'b' });
    expect(b.server.heard()).toMatchObject([{ type: 'subscribe', id: 1, filters: ['a', 'b'] }]);
    b.server.say(writeCodes(0x90, 1, [1, 0x87]));
    expect(await codes).toEqual([1, 0x87]);
    b.server.break();
    await b.connect({ present: true });
    expect(b.heard()).toEqual(['connect']);
    b.server.break();
    await b.connect();
    expect(b.server.heard()).toMatchObject([{ type: 'connect' }, { type: 'subscribe', filters: ['a'] }]);
  });

  test('fails with the connection', async () => {
    const b = new Bench();
    await expect(b.client.subscribe({ filter: 'a' })).rejects.toThrow();
    await b.connect();
    const asked = b.client.unsubscribe('a');
    b.server.break();
    await expect(asked).rejects.toThrow();
  });
});

describe('keep alive', () => {
  const pings = (b: Bench) => b.server.heard().filter((p) => p.type === 'pingreq').length;

  test('pings when nothing else is sent, in the time that the server sets', async () => {
    const b = new Bench({ keepAlive: 1000 });
    await b.connect({ properties: { serverKeepAlive: 20 } });
    await vi.advanceTimersByTimeAsync(19_000);
    expect(pings(b)).toBe(1);
    expect(b.client.connected).toBe(true);
  });

  test('ends a connection that has gone silent', async () => {
    const b = new Bench({ keepAlive: 20 });
    await b.connect();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(b.closed).toMatchObject([{ by: 'network' }]);
    expect(b.server.closed).toBe(true);
  });

  test('stays while the server answers', async () => {
    const b = new Bench({ keepAlive: 20 });
    await b.connect();
    for (let s = 0; s < 600; s++) {
      await vi.advanceTimersByTimeAsync(1000);
      if (pings(b) > 0) b.server.say(new Uint8Array([0xd0, 0]));
    }
    expect(b.client.connected).toBe(true);
  });

  test('0 is never', async () => {
    const b = new Bench({ keepAlive: 0 });
    await b.connect();
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(pings(b)).toBe(0);
    expect(b.client.connected).toBe(true);
  });

  test('check asks at once', async () => {
    const b = new Bench();
    await b.connect();
    b.client.check(5000);
    expect(pings(b)).toBe(1);
    b.server.say(new Uint8Array([0xd0, 0]));
    await vi.advanceTimersByTimeAsync(6000);
    expect(b.client.connected).toBe(true);
    b.client.check(5000);
    await vi.advanceTimersByTimeAsync(5000);
    expect(b.client.connected).toBe(false);
  });
});

function writeCodes(first: number, id: number, codes: number[]): Uint8Array {
  return new Writer().u16(id).u8(0).raw(new Uint8Array(codes)).packet(first);
}
