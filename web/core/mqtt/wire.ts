// Bytes and the data types of MQTT 5 §1.5.

/** Bytes that are no MQTT 5, or that MQTT 5 does not allow here. */
export class WireError extends Error {
  override readonly name = 'WireError';

  constructor(
    /** The reason code to disconnect with: 0x81 malformed, 0x82 protocol error, 0x94 topic alias, 0x95 too large, … */
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

export const malformed = (message: string): WireError => new WireError(0x81, message);
export const violation = (message: string): WireError => new WireError(0x82, message);

const encoder = new TextEncoder();
// Fatal: ill-formed UTF-8 is a malformed packet (§1.5.4). A byte order mark is a character and stays.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class Writer {
  private b = new Uint8Array(64);
  length = 0;

  private room(n: number): number {
    const at = this.length;
    this.length += n;
    if (this.length > this.b.length) {
      const bigger = new Uint8Array(Math.max(this.length, 2 * this.b.length));
      bigger.set(this.b.subarray(0, at));
      this.b = bigger;
    }
    return at;
  }

  u8(n: number): this {
    const at = this.room(1);
    this.b[at] = n;
    return this;
  }

  u16(n: number): this {
    return this.u8(n >>> 8).u8(n);
  }

  u32(n: number): this {
    return this.u16(n >>> 16).u16(n);
  }

  /** Variable byte integer, at most 268,435,455. */
  varint(n: number): this {
    if (n > 0x0fffffff) throw new WireError(0x95, 'A packet of this size can not be sent.');
    for (; n > 127; n >>>= 7) this.u8(n | 128);
    return this.u8(n);
  }

  raw(a: Uint8Array): this {
    const at = this.room(a.length);
    this.b.set(a, at);
    return this;
  }

  /** Binary data of at most 65,535 bytes. */
  bin(a: Uint8Array): this {
    if (a.length > 0xffff) throw malformed('Binary data or a string is longer than 65,535 bytes.');
    return this.u16(a.length).raw(a);
  }

  str(s: string): this {
    if (s.includes('\0')) throw malformed('A string holds U+0000.');
    return this.bin(encoder.encode(s));
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.b.subarray(0, this.length);
  }

  /** What was written, as the body of a packet. */
  packet(first: number): Uint8Array<ArrayBuffer> {
    return new Writer().u8(first).varint(this.length).raw(this.bytes()).bytes();
  }
}

export class Reader {
  constructor(
    private readonly b: Uint8Array,
    private at = 0,
  ) {}

  get left(): number {
    return this.b.length - this.at;
  }

  u8(): number {
    if (this.left < 1) throw malformed('A packet ends too early.');
    return this.b[this.at++] as number;
  }

  u16(): number {
    return (this.u8() << 8) | this.u8();
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16();
  }

  varint(): number {
    let n = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const d = this.u8();
      n |= (d & 127) << shift;
      if (d < 128) {
        if (d === 0 && shift > 0) throw malformed('A variable byte integer is longer than it need be.');
        return n;
      }
    }
    throw malformed('A variable byte integer has more than four bytes.');
  }

  /** A view, not a copy. */
  take(n: number): Uint8Array {
    if (n > this.left) throw malformed('A packet ends too early.');
    this.at += n;
    return this.b.subarray(this.at - n, this.at);
  }

  bin(): Uint8Array {
    return this.take(this.u16());
  }

  /** A reader of the next n bytes alone. */
  sub(n: number): Reader {
    return new Reader(this.take(n));
  }

  str(): string {
    let s: string;
    try {
      s = decoder.decode(this.bin());
    } catch (e) {
      throw e instanceof WireError ? e : malformed('A string is not UTF-8.');
    }
    if (s.includes('\0')) throw malformed('A string holds U+0000.');
    return s;
  }

  end(): void {
    if (this.left > 0) throw malformed('A packet has bytes after its end.');
  }
}

/** Cuts a stream of bytes into packets, whatever pieces it comes in. */
export class Splitter {
  private rest: Uint8Array = new Uint8Array(0);

  /** max: bytes of the largest packet that is taken. */
  constructor(private readonly max: number) {}

  /** Returns the packets that are complete: their first byte and their body, a view of the input. */
  push(piece: Uint8Array): [number, Uint8Array][] {
    let b = piece;
    if (this.rest.length > 0) {
      b = new Uint8Array(this.rest.length + piece.length);
      b.set(this.rest);
      b.set(piece, this.rest.length);
    }
    const out: [number, Uint8Array][] = [];
    let at = 0;
    for (;;) {
      const size = this.size(b, at);
      if (!size) break;
      const [head, body] = size;
      if (b.length - at < head + body) break;
      out.push([b[at] as number, b.subarray(at + head, at + head + body)]);
      at += head + body;
    }
    this.rest = b.subarray(at);
    return out;
  }

  /** Lengths of the fixed header and the body of the packet at a place, if its fixed header is complete. */
  private size(b: Uint8Array, at: number): [number, number] | undefined {
    let n = 1;
    while (n < 5 && at + n < b.length && (b[at + n] as number) > 127) n++;
    if (n < 5 && at + n >= b.length) return undefined;
    const body = new Reader(b.subarray(at + 1, at + 6)).varint();
    if (1 + n + body > this.max) throw new WireError(0x95, `A packet has more than ${this.max} bytes.`);
    return [1 + n, body];
  }
}
