// A client that we did not write, against the real program: MQTT.js, both versions, both transports.

import { randomBytes } from 'node:crypto';
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient, type Packet } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeIM, encodeIM, medium } from '../web/core/payload/im';
import { Server } from './server';

let server: Server;
beforeEach(async () => {
  // Replays and several clients at once: the limit on publishes is not what is tested here.
  server = await Server.start('--limit-publish-rate', '0');
});
afterEach(() => server?.stop());

interface Arrived {
  topic: string;
  payload: Buffer;
  packet: IPublishPacket;
}

/** A client and what has come to it, apart from notices and presence. */
class Peer {
  readonly arrived: Arrived[] = [];
  private wake = () => {};

  private constructor(readonly client: MqttClient) {
    client.on('message', (topic, payload, packet) => {
      if (!topic.includes('/im/') && !topic.includes('/app/')) return;
      this.arrived.push({ topic, payload, packet });
      this.wake();
    });
  }

  static async connect(uid: string, url: string, o: IClientOptions): Promise<{ peer: Peer; sessionPresent: boolean }> {
    const { mqtt: as, access_token } = await server.login(uid, 'service');
    const client = mqtt.connect(url, {
      username: as.username,
      password: access_token,
      reconnectPeriod: 0,
      manualConnect: true,
      ...o,
    });
    const peer = new Peer(client);
    const connack = new Promise<Packet & { cmd: 'connack' }>((resolve, reject) => {
      client.on('connect', resolve as (p: Packet) => void).on('error', reject);
    });
    client.connect();
    return { peer, sessionPresent: (await connack).sessionPresent };
  }

  /** Waits until n have come. */
  async until(n: number): Promise<Arrived[]> {
    while (this.arrived.length < n) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.arrived;
  }

  end(): Promise<void> {
    return this.client.endAsync();
  }
}

const im = (sender: string, co: string) =>
  Buffer.from(encodeIM({ ts: 0, type: 1, media: [medium(0, { co })], sender }));
const text = (a: Arrived) =>
  JSON.parse(Buffer.from(decodeIM(a.payload).media[0]?.content ?? []).toString()).co as string;
const url = (transport: string) => (transport === 'ws' ? server.ws : server.tcp);
const kept = (version: 4 | 5): IClientOptions =>
  version === 5
    ? { protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 600 } }
    : { protocolVersion: 4, clean: false };

describe.each([
  ['ws', 4],
  ['ws', 5],
  ['tcp', 4],
  ['tcp', 5],
] as const)('MQTT.js over %s, version %i', (transport, version) => {
  const name = `${transport}${version}`;

  test('sends, receives, and is sent what it missed', async () => {
    const clientId = `dave-${name}`;
    const { peer: alice } = await Peer.connect('alice', url(transport), {
      protocolVersion: version,
      clientId: `alice-${name}`,
    });
    const first = await Peer.connect('dave', url(transport), { ...kept(version), clientId });
    expect(first.sessionPresent).toBe(false);

    await alice.client.publishAsync('/e/demo/im/u/dave', im('alice', `${name} live`), { qos: 1 });
    const [live] = await first.peer.until(1);
    expect(live && text(live)).toBe(`${name} live`);
    expect(live?.topic).toBe('/e/demo/im/u/dave');
    expect(live?.packet.qos).toBe(1);
    await first.peer.end();

    const missed = Array.from({ length: 50 }, (_, i) => `${name} missed ${i}`);
    for (const co of missed) await alice.client.publishAsync('/e/demo/im/u/dave', im('alice', co), { qos: 1 });
    const second = await Peer.connect('dave', url(transport), { ...kept(version), clientId });
    expect(second.sessionPresent).toBe(true);
    expect((await second.peer.until(missed.length)).map(text)).toEqual(missed);
    await Promise.all([second.peer.end(), alice.end()]);
  });

  test('free channels: every QoS, retained, wildcards', async () => {
    const { peer } = await Peer.connect('bob', url(transport), { protocolVersion: version, clientId: `bob-${name}` });
    const { client } = peer;
    await client.publishAsync(`/e/demo/app/${name}/kept`, 'kept', { qos: 1, retain: true });
    await client.subscribeAsync(`/e/demo/app/${name}/+`, { qos: 2 });
    await peer.until(1);
    for (const qos of [0, 1, 2] as const) {
      await client.publishAsync(`/e/demo/app/${name}/q${qos}`, `at ${qos}`, { qos });
      await peer.until(qos + 2);
    }
    expect(peer.arrived.map((a) => [a.payload.toString(), a.packet.qos, a.packet.retain])).toEqual([
      ['kept', 1, true],
      ['at 0', 0, false],
      ['at 1', 1, false],
      ['at 2', 2, false],
    ]);
    await peer.end();
  });
});

test('version 5: the same Correlation Data is stored once, and each side is told the seq', async () => {
  const { peer: alice } = await Peer.connect('alice', server.tcp, { protocolVersion: 5, clientId: 'alice-once' });
  const { peer: carol } = await Peer.connect('carol', server.ws, { protocolVersion: 5, clientId: 'carol-once' });
  const correlationData = randomBytes(16);
  const send = async (co: string, id: Buffer) => {
    const acked = new Promise<Packet>((resolve) => {
      const look = (p: Packet) => {
        if (p.cmd !== 'puback') return;
        alice.client.off('packetreceive', look);
        resolve(p);
      };
      alice.client.on('packetreceive', look);
    });
    const o = { qos: 1, properties: { correlationData: id } } as const;
    await alice.client.publishAsync('/e/demo/im/u/carol', im('alice', co), o);
    return Number(((await acked) as IPublishPacket).properties?.userProperties?.seq);
  };
  const seq = await send('once', correlationData);
  expect(seq).toBeGreaterThan(0);
  expect(await send('once', correlationData)).toBe(seq);
  expect(await send('next', randomBytes(16))).toBe(seq + 1);
  const arrived = await carol.until(2);
  expect(arrived.map(text)).toEqual(['once', 'next']);
  expect(arrived.map((a) => Number(a.packet.properties?.userProperties?.seq))).toEqual([seq, seq + 1]);
  expect(arrived[0]?.packet.properties?.correlationData).toEqual(correlationData);
  await Promise.all([alice.end(), carol.end()]);
});

test.each([
  ['ws', 5, 0x87],
  ['tcp', 4, undefined],
] as const)('what one may not do is refused: %s, version %i', async (transport, version, code) => {
  const { peer } = await Peer.connect('bob', url(transport), {
    protocolVersion: version,
    clientId: `bob-refused-${version}`,
  });
  const publish = peer.client.publishAsync('/e/other/im/u/alice', im('bob', 'hello'), { qos: 1 });
  if (code === undefined)
    await publish; // MQTT 3.1.1 has no way to say it
  else await expect(publish).rejects.toMatchObject({ code });
  const subscribe = peer.client.subscribeAsync('/e/demo/im/u/alice', { qos: 1 });
  await expect(subscribe).rejects.toMatchObject({ packet: { granted: [code ?? 0x80] } });
  await peer.end();
});
