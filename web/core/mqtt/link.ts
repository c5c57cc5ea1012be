// One connection: a WebSocket that carries packets, kept alive by pings (MQTT 5 §3.1.2.10, §6).

import { disconnectPacket, type Incoming, pingPacket, readPacket } from './packets';
import type { Properties } from './properties';
import { Splitter, violation, WireError } from './wire';

/** What is used of a WebSocket. */
export interface Socket {
  binaryType: string;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  onopen: ((e: never) => void) | null;
  onmessage: ((e: never) => void) | null;
  onclose: ((e: never) => void) | null;
  onerror: ((e: never) => void) | null;
}

/** Why a connection is over. */
export interface Closed {
  by: 'server' | 'client' | 'network';
  /** Reason code of the DISCONNECT that was received or sent, or of a CONNACK that refused; 0 where there was none. */
  code: number;
  /** For a log; the server's Reason String where it gave one. */
  reason: string;
}

/** How long the answer to a ping may take, in ms. */
const pingTimeout = 10_000;

export class Link {
  private readonly splitter: Splitter;
  private over = false;
  private opened = false;
  private lastSent = 0;
  private lastReceived = 0;
  private pingDue = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly o: {
      /** Bytes of the largest packet that is taken. */
      maxPacket: number;
      onOpen: () => void;
      /** May throw WireError, which ends the connection. */
      onPacket: (p: Incoming) => void;
      /** Called once. */
      onClosed: (c: Closed) => void;
    },
  ) {
    this.splitter = new Splitter(o.maxPacket);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      if (this.over) return;
      this.opened = true;
      o.onOpen();
    };
    socket.onmessage = (e: { data: unknown }) => this.receive(e.data);
    socket.onclose = (e: { code: number; reason: string }) =>
      this.end({ by: 'network', code: 0, reason: e.reason || `closed (${e.code})` });
    socket.onerror = () => {}; // a close event follows
  }

  send(packet: Uint8Array<ArrayBuffer>): void {
    if (this.over) return;
    this.lastSent = performance.now();
    this.socket.send(packet);
  }

  /** Sends DISCONNECT and closes. */
  close(code: number, reason: string, p?: Properties): void {
    if (this.over) return;
    if (this.opened) this.send(disconnectPacket(code, p));
    this.end({ by: 'client', code, reason });
  }

  /** Ends the connection without DISCONNECT. */
  end(c: Closed): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.o.onClosed(c);
  }

  /** Begins to ping where nothing else is sent for a while. seconds: 0 for never. */
  keepAlive(seconds: number): void {
    if (seconds === 0) return;
    const half = seconds * 500;
    const tick = () => {
      const now = performance.now();
      if (Math.max(now - this.lastSent, now - this.lastReceived) >= half) this.ping();
      this.timer = setTimeout(tick, half / 2);
    };
    this.timer = setTimeout(tick, half / 2);
  }

  /** Makes sure that the other side is there: unless it answers within `timeout` ms, the connection ends. */
  ping(timeout = pingTimeout): void {
    const now = performance.now();
    if (this.over || (this.pingDue > 0 && this.pingDue <= now + timeout)) return;
    const due = now + timeout;
    this.pingDue = due;
    this.send(pingPacket());
    setTimeout(() => {
      if (this.pingDue === due) this.end({ by: 'network', code: 0, reason: 'The server does not answer.' });
    }, timeout);
  }

  private receive(data: unknown): void {
    if (this.over) return;
    this.lastReceived = performance.now();
    this.pingDue = 0; // whatever it sends, it is there
    try {
      if (!(data instanceof ArrayBuffer)) throw violation('The server sent a text frame.');
      for (const [first, body] of this.splitter.push(new Uint8Array(data))) {
        this.o.onPacket(readPacket(first, body));
        if (this.over) return;
      }
    } catch (e) {
      if (!(e instanceof WireError)) throw e;
      this.close(e.code, e.message);
    }
  }
}
