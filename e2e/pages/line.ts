// A line to a server over which one can count the bytes, and hold them back.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class Line {
  /** Bytes that have come from the server, heads and all. */
  received = 0;
  private held = false;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor(to: URL) {
    this.server = createServer((near) => {
      const far = connect(Number(to.port), to.hostname);
      far.on('data', (b) => {
        this.received += b.length;
      });
      near.pipe(far).pipe(near);
      for (const s of [near, far]) {
        this.sockets.add(s);
        if (this.held) s.pause();
        // The other end has room again: no reason to go on.
        s.on('resume', () => {
          if (this.held) s.pause();
        });
        s.on('error', () => {});
        s.on('close', () => {
          near.destroy();
          far.destroy();
          this.sockets.delete(s);
        });
      }
    });
  }

  /** A line to a server's address. */
  static async lay(to: string): Promise<Line> {
    const line = new Line(new URL(to));
    await new Promise<void>((resolve) => {
      line.server.listen(0, '127.0.0.1', resolve);
    });
    return line;
  }

  get http(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Lets nothing through any more, in either direction; connections are taken all the same. */
  hold(): void {
    this.held = true;
    for (const s of this.sockets) s.pause();
  }

  release(): void {
    this.held = false;
    for (const s of this.sockets) s.resume();
  }

  close(): void {
    for (const s of this.sockets) s.destroy();
    this.server.close();
  }
}
