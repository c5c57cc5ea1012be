import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Api } from '../api/http';
import { Database, type OutboxItem } from '../db/database';
import { PublishError, type Published } from '../mqtt/client';
import { decodeIM } from '../payload/im';
import { parseObject } from '../payload/json';
import type { Message } from '../types';
import { Outbox } from './outbox';

/** A server that answers when it is told to. */
class Bench {
  readonly outbox: Outbox;
  readonly stored: Message[] = [];
  /** What is under way, oldest first. */
  readonly underWay: {
    conv: string;
    id: string;
    text: string;
    answer: (p: Published | PublishError) => Promise<void>;
  }[] = [];

  private constructor(readonly db: Database) {
    const api = { serverNow: () => Date.now() } as Api;
    const c = { api, db, eid: 'demo', uid: 'alice', signal: new AbortController().signal, tell: () => {} };
    this.outbox = new Outbox(c, {
      publish: (conv, id, payload) =>
        new Promise((resolve, reject) => {
          const content = decodeIM(payload).media[0]?.content ?? new Uint8Array();
          const text = parseObject(content).co as string;
          const entry = {
            conv,
            id,
            text,
            answer: async (p: Published | PublishError) => {
              this.underWay.splice(this.underWay.indexOf(entry), 1);
              if (p instanceof PublishError) reject(p);
              else resolve(p);
              await settle();
            },
          };
          this.underWay.push(entry);
        }),
      onGone: () => {},
      onStored: async (_item, m) => {
        this.stored.push(m);
      },
    });
  }

  static async open(): Promise<Bench> {
    return new Bench(await Database.open('demo', 'alice', { memory: true }));
  }

  get sent(): string[] {
    return this.underWay.map((x) => x.text);
  }

  async answer(text: string, p: Published | PublishError): Promise<void> {
    await this.underWay.find((x) => x.text === text)?.answer(p);
  }

  states(conv = 'u:bob'): string[] {
    return this.outbox.of(conv).map((m) => `${m.text}: ${m.state}${m.error ? ` (${m.error})` : ''}`);
  }
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const ok = (seq: number): Published => ({ code: 0, properties: { user: [['seq', String(seq)]] } });
let b: Bench;

beforeEach(async () => {
  vi.useFakeTimers();
  b = await Bench.open();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Writes messages and lets what can go out go out. */
async function write(...texts: string[]): Promise<void> {
  for (const text of texts) b.outbox.send('u:bob', text);
  await settle();
}

test('nothing is sent before there is a connection', async () => {
  await write('one');
  expect(b.sent).toEqual([]);
  expect(b.states()).toEqual(['one: waiting']);
  b.outbox.start();
  await settle();
  expect(b.sent).toEqual(['one']);
});

test('nothing is sent before it is written', async () => {
  let written = () => {};
  vi.spyOn(b.db, 'putOutbox').mockImplementationOnce(
    () =>
      new Promise((resolve) => {
        written = resolve;
      }),
  );
  b.outbox.start();
  await write('one', 'two');
  expect(b.sent).toEqual([]); // not the second before the first either
  written();
  await settle();
  expect(b.sent).toEqual(['one']);
});

test('one at a time in each conversation, in order', async () => {
  b.outbox.start();
  await write('one', 'two', 'three');
  b.outbox.send('g:walks', 'elsewhere');
  await settle();
  expect(b.sent).toEqual(['one', 'elsewhere']);
  await b.answer('one', ok(1));
  expect(b.sent).toEqual(['elsewhere', 'two']);
  await b.answer('two', ok(2));
  await b.answer('three', ok(3));
  expect(b.stored.map((m) => [m.text, m.seq, m.state])).toEqual([
    ['one', 1, 'stored'],
    ['two', 2, 'stored'],
    ['three', 3, 'stored'],
  ]);
  expect(b.states()).toEqual([]);
});

test('every message has 16 bytes of its own', async () => {
  b.outbox.start();
  for (let i = 0; i < 100; i++) b.outbox.send(`u:${i}`, 'x');
  await settle();
  const ids = b.underWay.map((x) => x.id);
  expect(new Set(ids).size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
});

describe('a refusal', () => {
  const refusal = new PublishError(0x87, 'Not authorised');

  test('is shown with the reason of the notice; the next one goes on', async () => {
    b.outbox.start();
    await write('one', 'two');
    b.outbox.refused(b.underWay[0]?.id ?? '', { status: 403, detail: 'You are not in this group. Join it first.' });
    await b.answer('one', refusal);
    expect(b.states()).toEqual(['one: failed (You are not in this group. Join it first.)', 'two: waiting']);
    expect(b.sent).toEqual(['two']);
  });

  test('without a notice is shown with the reason of PUBACK', async () => {
    b.outbox.start();
    await write('one');
    await b.answer('one', refusal);
    expect(b.states()).toEqual(['one: failed (Not authorised)']);
  });

  test('can be tried again, under the same id, or thrown away', async () => {
    b.outbox.start();
    await write('one');
    const id = b.underWay[0]?.id ?? '';
    b.outbox.discard(id); // under way: too late
    expect(b.states()).toEqual(['one: waiting']);
    await b.answer('one', refusal);
    b.outbox.retry(id);
    await settle();
    expect(b.underWay.map((x) => x.id)).toEqual([id]);
    await b.answer('one', refusal);
    b.outbox.discard(id);
    expect(b.states()).toEqual([]);
  });
});

test('sent too fast: it is tried again later, longer each time, and keeps its place', async () => {
  const tooFast = new PublishError(0x97, 'Quota exceeded');
  b.outbox.start();
  await write('one', 'two');
  let waited = 0;
  for (let i = 0; i < 4; i++) {
    await b.answer('one', tooFast);
    expect(b.sent).toEqual([]);
    expect(b.states()).toEqual(['one: waiting', 'two: waiting']);
    const before = Date.now();
    await vi.advanceTimersToNextTimerAsync();
    expect(b.sent).toEqual(['one']);
    expect(Date.now() - before).toBeGreaterThan(waited);
    waited = (Date.now() - before) * 0.75; // whatever the jitter
  }
  await b.answer('one', ok(1));
  expect(b.sent).toEqual(['two']);
});

test('a message that waits for long says that the server can not store', async () => {
  b.outbox.start();
  await write('one');
  await vi.advanceTimersByTimeAsync(4900);
  expect(b.outbox.stalled.value.size).toBe(0);
  await vi.advanceTimersByTimeAsync(200);
  expect(b.outbox.stalled.value.size).toBe(1);
  await b.answer('one', ok(1));
  expect(b.outbox.stalled.value.size).toBe(0);
});

test('what an earlier page has left is sent first, in its order', async () => {
  const item = (n: number): OutboxItem => ({
    n,
    id: n.toString(16).padStart(32, '0'),
    conv: 'u:bob',
    ts: n,
    media: [{ type: 0, content: { co: `kept ${n}` } }],
    state: 'waiting',
  });
  vi.spyOn(b.db, 'all').mockResolvedValue([item(2), item(1)]);
  await write('new');
  await b.outbox.restore();
  await b.outbox.restore(); // again, as when the tab gets the connection back
  b.outbox.start();
  for (const text of ['kept 1', 'kept 2', 'new']) {
    await settle();
    expect(b.sent).toEqual([text]);
    await b.answer(text, ok(1));
  }
});

test('a message that was seen as stored is not sent again', async () => {
  await write('one');
  const id = b.outbox.of('u:bob')[0]?.id ?? '';
  b.outbox.seen(id);
  b.outbox.start();
  await settle();
  expect(b.sent).toEqual([]);
});

test('what is thrown away while the database is read does not come back', async () => {
  const n = Date.now();
  const item: OutboxItem = { n, id: '00', conv: 'u:bob', ts: n, media: [], state: 'failed', error: 'No.' };
  let answer: (list: OutboxItem[]) => void = () => {};
  vi.spyOn(b.db, 'all').mockImplementation(() => new Promise((resolve) => (answer = resolve as never)));
  b.outbox.take(item);
  const restoring = b.outbox.restore();
  b.outbox.discard('00');
  answer([item]);
  await restoring;
  expect(b.outbox.all.peek()).toEqual([]);
  b.outbox.take(item); // told by a tab that has not heard of it
  expect(b.outbox.all.peek()).toEqual([]);
});

test('of each conversation it says what failed, or else what was written last', async () => {
  const outgoing = () => [...b.outbox.outgoing.peek()].map(([conv, m]) => `${conv} ${m.text} ${m.state}`);
  b.outbox.start();
  b.outbox.send('u:bob', 'one');
  b.outbox.send('u:bob', 'two');
  b.outbox.send('g:walks', 'three');
  await settle();
  expect(outgoing()).toEqual(['u:bob two waiting', 'g:walks three waiting']);
  const before = b.outbox.outgoing.peek().get('g:walks');
  await b.answer('one', new PublishError(0x87, 'No.'));
  expect(outgoing()).toEqual(['u:bob one failed', 'g:walks three waiting']);
  expect(b.outbox.outgoing.peek().get('g:walks')).toBe(before);
  await b.answer('three', ok(1));
  expect(outgoing()).toEqual(['u:bob one failed']);
});
