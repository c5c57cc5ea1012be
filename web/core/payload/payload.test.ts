import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeIM, encodeIM } from './im';
import { MalformedPayload } from './json';
import { decodeNotice, encodeNotice } from './notice';
import { decodePresence, encodePresence } from './presence';

interface Vector {
  name: string;
  kind: 'im' | 'notice' | 'presence';
  hex: string;
  value?: unknown;
  error?: string;
}

// The server's files: both codecs are held to the same ones.
const load = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../server/payload/testdata/${name}`, import.meta.url), 'utf8'));
const vectors: Record<'im' | 'notice' | 'presence' | 'malformed', Vector[]> = load('vectors.json');
const good = [...vectors.im, ...vectors.notice, ...vectors.presence];
const bytes = (v: Vector) => new Uint8Array(Buffer.from(v.hex, 'hex'));
const json = (b: Uint8Array) => (b.length ? JSON.parse(Buffer.from(b).toString()) : null);

/** Decodes, encodes what came out, and returns both. */
function recode(kind: Vector['kind'], b: Uint8Array): { out: Uint8Array; value: unknown } {
  if (kind === 'im') {
    const m = decodeIM(b);
    const media = m.media.map((x) => ({ type: x.type, content: json(x.content) }));
    return { out: encodeIM(m), value: { ...m, media } };
  }
  if (kind === 'notice') {
    const n = decodeNotice(b);
    return { out: encodeNotice(n), value: { ...n, content: json(n.content) } };
  }
  const p = decodePresence(b);
  return { out: encodePresence(p), value: p };
}

describe('vectors', () => {
  test.each(good.map((v) => [v.name, v] as const))('%s', (_, v) => {
    const { out, value } = recode(v.kind, bytes(v));
    expect(Buffer.from(out).toString('hex')).toBe(v.hex);
    expect(value).toEqual(v.value);
  });

  test.each(vectors.malformed.map((v) => [v.name, v] as const))('refused: %s', (_, v) => {
    let error: unknown;
    try {
      recode(v.kind, bytes(v));
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(MalformedPayload);
    const words = (v.error ?? '').split(' or ');
    expect(words.some((w) => (error as Error).message.includes(w))).toBe(true);
  });

  test.each([...vectors.im, ...vectors.notice].map((v) => [v.name, v] as const))('prefixes and more of: %s', (_, v) => {
    const b = bytes(v);
    for (let n = 0; n < b.length; n++) expect(() => recode(v.kind, b.subarray(0, n))).toThrow(MalformedPayload);
    for (let c = 0; c < 256; c++) expect(() => recode(v.kind, new Uint8Array([...b, c]))).toThrow(MalformedPayload);
  });
});

describe('JSON objects', () => {
  const nest = (n: number) => `${'{"a":'.repeat(n - 1)}{}${'}'.repeat(n - 1)}`;
  test.each([
    ['white space inside', '{ "co" :\t"x"\r\n}', true],
    ['repeated keys', '{"co":"x","co":"y"}', true],
    ['lone surrogate escape', '{"co":"\\ud800"}', true],
    ['number beyond every float', '{"n":1e999}', true],
    ['brackets in strings', `{"co":"${'[{'.repeat(40)}"}`, true],
    ['32 deep', nest(32), true],
    ['33 deep', nest(33), false],
    ['100,000 deep', nest(100_000), false],
    ['white space before', ' {}', false],
    ['white space after', '{}\n', false],
    ['byte order mark', '\ufeff{}', false],
    ['comma at the end', '{"co":"x",}', false],
    ['leading zero', '{"n":01}', false],
    ['no-break space between', '{\u00a0}', false],
  ])('%s', (_, content, ok) => {
    const b = new Uint8Array([0, 0, 0, 0, 0x30, ...new TextEncoder().encode(content)]);
    if (ok) expect(Buffer.from(decodeNotice(b).content).toString()).toBe(content);
    else expect(() => decodeNotice(b)).toThrow(MalformedPayload);
  });
});

// The inputs and the digest are defined, bit for bit, in server/payload/mutations_test.go.
test('verdicts on seeded mutations equal those of the server', () => {
  const want: { seed: number; count: number; accepted: number; digests: string[] } = load('mutations.json');
  expect(want.count).toBeGreaterThanOrEqual(100_000);
  const sources = [...good, ...vectors.malformed];
  const below = random(want.seed);
  let h = 2166136261;
  const feed = (c: number) => {
    h = Math.imul(h ^ c, 16777619) >>> 0;
  };
  const got = { seed: want.seed, count: want.count, accepted: 0, digests: [] as string[] };
  for (let i = 1; i <= want.count; i++) {
    const source = sources[below(sources.length)] as Vector;
    const b = new Uint8Array(mutate([...bytes(source)], below));
    try {
      const { out } = recode(source.kind, b);
      got.accepted++;
      feed(1);
      out.forEach(feed);
    } catch (e) {
      if (!(e instanceof MalformedPayload)) throw e;
      feed(0);
    }
    if (i % (want.count / 10) === 0) got.digests.push(h.toString(16).padStart(8, '0'));
  }
  expect(got).toEqual(want);
});

const special = [...Buffer.from('0001090a20222c2d2e30313a5b5c5d65757b7d7f80edefff', 'hex')];

function random(seed: number): (n: number) => number {
  let x = seed;
  return (n) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x = (x ^ (x << 5)) >>> 0;
    return x % n;
  };
}

function mutate(source: number[], below: (n: number) => number): number[] {
  let b = source;
  for (let rounds = 1 + below(3); rounds > 0; rounds--) {
    const op = below(8);
    if (b.length === 0 && (op < 3 || op === 4 || op === 6)) continue;
    if (op === 0) {
      const p = below(b.length);
      b[p] = (b[p] as number) ^ (1 << below(8));
    } else if (op === 1) {
      const p = below(b.length);
      b[p] = below(256);
    } else if (op === 2) {
      const p = below(b.length);
      b[p] = special[below(24)] as number;
    } else if (op === 3) {
      const p = below(b.length + 1);
      b.splice(p, 0, below(256));
    } else if (op === 4) {
      b.splice(below(b.length), 1);
    } else if (op === 5) {
      b = b.slice(0, below(b.length + 1));
    } else if (op === 6) {
      const p = below(b.length);
      const n = 1 + below(Math.min(8, b.length - p));
      b.splice(p, 0, ...b.slice(p, p + n));
    } else if (b.length >= 10) {
      const head = new DataView(new Uint8Array(b.slice(6, 10)).buffer);
      const size = head.getUint32(0);
      if (size > b.length - 10) continue;
      const p = 10 + below(size + 1);
      const v = special[below(24)] as number;
      head.setUint32(0, size + 1);
      b.splice(6, 4, ...new Uint8Array(head.buffer));
      b.splice(p, 0, v);
    }
  }
  return b;
}
