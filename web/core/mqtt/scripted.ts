// For tests: the server's side of a socket, which says byte for byte what it is told to say and remembers what it was sent.

import type { Socket } from './link';
import { type AckType, ackPacket, type Publish, publishPacket, readPacket } from './packets';
import { on, type Properties, readProperties, writeProperties } from './properties';
import { Reader, Splitter, Writer } from './wire';

/** What a client sends, as far as the tests look at it. */
export type Heard = { type: string; [key: string]: unknown };

export class Scripted implements Socket {
  binaryType = '';
  onopen: ((e: never) => void) | null = null;
  onmessage: ((e: never) => void) | null = null;
  onclose: ((e: never) => void) | null = null;
  onerror: ((e: never) => void) | null = null;
  /** The client has closed it. */
  closed = false;
  private readonly splitter = new Splitter(1 << 28);
  private readonly packets: Heard[] = [];

  /** What the client has sent since the last call. */
  heard(): Heard[] {
    return this.packets.splice(0);
  }

  open(): void {
    this.onopen?.({} as never);
  }

  /** The network breaks. */
  break(): void {
    this.onclose?.({ code: 1006, reason: '' } as never);
  }

  say(...packets: Uint8Array[]): void {
    for (const p of packets) this.onmessage?.({ data: p.slice().buffer } as never);
  }

  sayText(text: string): void {
    this.onmessage?.({ data: text } as never);
  }

  connack(o: { present?: boolean; code?: number; properties?: Properties } = {}): void {
    this.say(writeProperties(new Writer().u8(o.present ? 1 : 0).u8(o.code ?? 0), o.properties).packet(0x20));
  }

  publish(p: Partial<Publish>): void {
    const payload = new Uint8Array([1]);
    this.say(publishPacket({ topic: 't', payload, qos: 0, retain: false, dup: false, id: 0, properties: {}, ...p }));
  }

  ack(type: AckType, id: number, code = 0, properties?: Properties): void {
    const plain = ackPacket(type, id, code);
    if (!properties) this.say(plain);
    else this.say(writeProperties(new Writer().u16(id).u8(code), properties).packet(plain[0] as number));
  }

  send(b: Uint8Array<ArrayBuffer>): void {
    if (this.closed) throw new Error('The client sends on a socket that it has closed.');
    for (const [first, body] of this.splitter.push(b.slice())) this.packets.push(hear(first, body));
  }

  close(): void {
    this.closed = true;
  }
}

function hear(first: number, body: Uint8Array): Heard {
  const r = new Reader(body);
  switch (first >> 4) {
    case 1: {
      r.take(7);
      const flags = r.u8();
      const keepAlive = r.u16();
      const properties = readProperties(r, on.connect);
      return { type: 'connect', cleanStart: (flags & 2) > 0, keepAlive, properties, clientId: r.str() };
    }
    case 8: {
      const id = r.u16();
      readProperties(r, on.subscribe);
      const filters: string[] = [];
      for (; r.left > 0; r.u8()) filters.push(r.str());
      return { type: 'subscribe', id, filters };
    }
    case 10: {
      const id = r.u16();
      readProperties(r, on.unsubscribe);
      const filters: string[] = [];
      while (r.left > 0) filters.push(r.str());
      return { type: 'unsubscribe', id, filters };
    }
    case 12:
      return { type: 'pingreq' };
    default:
      return { ...readPacket(first, body) };
  }
}
