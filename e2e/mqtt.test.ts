// Our own MQTT client against the real program.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Client, type Closed, type QoS, type Received, type Socket, userProperty } from '../web/core/mqtt/client';
import { decodeIM, encodeIM, medium } from '../web/core/payload/im';
import { Server } from './server';

let server: Server;
beforeEach(async () => {
  server = await Server.start('--limit-publish-rate', '0');
});
afterEach(() => server?.stop());

/** A client and what has come to it on the topics that a test is about. */
class Peer {
  readonly arrived: Received[] = [];
  readonly client: Client;
  closed: Closed | undefined;
  private socket: WebSocket | undefined;
  private wake = () => {};

  constructor(
    private readonly uid: string,
    clientId: string,
    sessionExpiry = 0,
  ) {
    this.client = new Client({
      clientId,
      sessionExpiry,
      receiveMaximum: 10,
      socket: (url) => {
        this.socket = new WebSocket(url, 'mqtt');
        return this.socket as unknown as Socket;
      },
      onMessage: (m) => {
        if (!m.topic.includes('/im/') && !m.topic.includes('/app/')) return;
        this.arrived.push({ ...m, payload: m.payload.slice() });
        this.wake();
      },
      onClosed: (c) => {
        this.closed = c;
        this.wake();
      },
    });
  }

  async connect(cleanStart = false): Promise<boolean> {
    const { mqtt, access_token } = await server.login(this.uid, 'service');
    const who = { username: mqtt.username, password: access_token, cleanStart };
    this.closed = undefined;
    return (await this.client.connect(server.ws, who)).sessionPresent;
  }

  /** Waits until it is so. */
  async until(good: () => boolean): Promise<void> {
    while (!good()) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** The network breaks: nothing is said to the server. */
  async break(): Promise<void> {
    this.socket?.terminate();
    await this.until(() => this.closed !== undefined);
  }
}

const im = (sender: string, co: string) => encodeIM({ ts: 0, type: 1, media: [medium(0, { co })], sender });
const text = (m: Received) =>
  JSON.parse(Buffer.from(decodeIM(m.payload).media[0]?.content ?? []).toString()).co as string;
const bytes = (s: string) => new TextEncoder().encode(s);

test('every QoS both ways, in order', async () => {
  const p = new Peer('alice', 'own-qos');
  expect(await p.connect()).toBe(false);
  expect(
    await p.client.subscribe({ filter: '/e/demo/app/own/#', qos: 2 }, { filter: '/e/demo/im/u/bob', qos: 1 }),
  ).toEqual([2, 0x87]);
  const sent: [string, QoS][] = Array.from({ length: 60 }, (_, i) => [`message ${i}`, (i % 3) as QoS]);
  await Promise.all(sent.map(([s, qos]) => p.client.publish('/e/demo/app/own/channel', bytes(s), { qos })));
  await p.until(() => p.arrived.length === sent.length);
  // Order is promised within a QoS: one of 0 may pass those that wait for the window (MQTT 5 §4.6).
  for (const qos of [0, 1, 2]) {
    const arrived = p.arrived.filter((m) => m.qos === qos).map((m) => [Buffer.from(m.payload).toString(), m.qos]);
    expect(arrived).toEqual(sent.filter((s) => s[1] === qos));
  }
  p.client.disconnect();
});

test('a refusal', async () => {
  const p = new Peer('alice', 'own-refused');
  await p.connect();
  const publish = p.client.publish('/e/other/im/u/bob', im('alice', 'x'), { qos: 1 });
  await expect(publish).rejects.toMatchObject({ name: 'PublishError', code: 0x87 });
  p.client.disconnect();
});

test('a wrong token', async () => {
  const p = new Peer('alice', 'own-token');
  const who = { username: 'demo/alice', password: 'wrong' };
  const failed = expect(p.client.connect(server.ws, who)).rejects;
  await failed.toMatchObject({ name: 'ConnectError', closed: { by: 'server', code: 0x86 } });
});

test('a session over broken connections and kill -9: everything once, in order', async () => {
  const alice = new Peer('alice', 'own-alice', 600);
  const bob = new Peer('bob', 'own-bob', 600);
  await Promise.all([alice.connect(true), bob.connect(true)]);
  const seqs: number[] = [];
  const want: string[] = [];
  const publish = async (co: string) => {
    want.push(co);
    const o = { qos: 1, properties: { correlationData: randomBytes(16) } } as const;
    const { properties } = await alice.client.publish('/e/demo/im/u/bob', im('alice', co), o);
    seqs.push(Number(userProperty(properties, 'seq')));
  };

  await publish('before');
  await bob.until(() => bob.arrived.length === 1);

  // Some are on the wire, some are not, when the process dies.
  const under = Array.from({ length: 200 }, (_, i) => publish(`during ${i}`));
  await server.kill();
  await Promise.all([alice.until(() => alice.closed !== undefined), bob.until(() => bob.closed !== undefined)]);
  await server.restart();
  expect(await Promise.all([alice.connect(), bob.connect()])).toEqual([true, true]);
  await Promise.all(under);

  await bob.break();
  const away = Array.from({ length: 30 }, (_, i) => publish(`away ${i}`));
  await Promise.all(away);
  expect(await bob.connect()).toBe(true);

  const first = () => bob.arrived.filter((m, i) => bob.arrived.findIndex((x) => text(x) === text(m)) === i);
  await bob.until(() => first().length === want.length);
  expect(first().map(text)).toEqual(want);
  expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] as number) + i));
  // A repeat after a crash is allowed, and its seq shows it.
  for (const m of bob.arrived) {
    expect(Number(userProperty(m.properties, 'seq'))).toBe(seqs[want.indexOf(text(m))]);
  }
  alice.client.disconnect();
  bob.client.disconnect();
});

test('the program says goodbye when it is stopped', async () => {
  const p = new Peer('carol', 'own-stop');
  await p.connect();
  await server.restart();
  await p.until(() => p.closed !== undefined);
  expect(p.closed).toMatchObject({ by: 'server', code: 0x8b });
});

test('a socket without the subprotocol is refused', async () => {
  const socket = new WebSocket(server.ws);
  const [e] = await once(socket, 'error');
  expect((e as Error).message).toContain('400');
});
