// A server in front of the real one that can pretend to be a newer version of it: the app's script has another name, and the old one is gone.

import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

const script = /chat-[\w-]+\.js/g;
const newer = 'chat-thenext.js';

export class Front {
  /** Whether it is the newer version by now. */
  upgraded = false;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  /** The name of the script as it was built. */
  private older = '';

  private constructor(private readonly behind: URL) {
    this.server = createServer(async (req, res) => {
      const r = await this.ask(req).catch(() => undefined);
      if (!r) {
        res.writeHead(502).end();
        return;
      }
      res.writeHead(r.status, r.headers);
      res.end(r.body);
    });
    this.server.on('upgrade', (req, socket: Socket, head) => {
      const up = connect(Number(behind.port), behind.hostname, () => {
        const lines = [`${req.method} ${req.url} HTTP/1.1`];
        for (let i = 0; i < req.rawHeaders.length; i += 2) lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}`);
        up.write(`${lines.join('\r\n')}\r\n\r\n`);
        up.write(head);
        up.pipe(socket).pipe(up);
      });
      for (const s of [up, socket]) {
        this.sockets.add(s);
        s.on('error', () => {});
        s.on('close', () => {
          up.destroy();
          socket.destroy();
          this.sockets.delete(s);
        });
      }
    });
  }

  static async start(behind: string): Promise<Front> {
    const f = new Front(new URL(behind));
    await new Promise<void>((resolve) => {
      f.server.listen(0, '127.0.0.1', resolve);
    });
    return f;
  }

  get http(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Ends all connections of MQTT, as a server does that is replaced. */
  cut(): void {
    for (const s of this.sockets) s.destroy();
  }

  stop(): void {
    this.cut();
    this.server.closeAllConnections();
    this.server.close();
  }

  private async ask(req: IncomingMessage) {
    const gone = this.upgraded && req.url === `/assets/${this.older}`;
    const url = this.upgraded ? req.url?.replace(newer, this.older) : req.url;
    const { status, headers, body } = await this.forward(req, gone ? '/assets/gone.js' : (url ?? '/'));
    if (req.url !== '/sw.js' && !headers['content-type']?.includes('html')) return { status, headers, body };
    const text = body.toString();
    this.older = text.match(script)?.[0] ?? this.older;
    return { status, headers, body: this.upgraded ? text.replace(script, newer) : text };
  }

  private forward(req: IncomingMessage, path: string) {
    return new Promise<{ status: number; headers: Record<string, string>; body: Buffer }>((resolve, reject) => {
      // Uncompressed, and never "not modified".
      const { 'accept-encoding': _a, 'if-none-match': _b, ...rest } = req.headers;
      const { hostname, port } = this.behind;
      const up = request({ hostname, port, path, method: req.method, headers: rest }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (p: Buffer) => parts.push(p));
        answer.on('end', () => {
          const headers = { ...answer.headers } as Record<string, string>;
          for (const h of ['content-length', 'transfer-encoding', 'connection', 'etag']) delete headers[h];
          resolve({ status: answer.statusCode ?? 502, headers, body: Buffer.concat(parts) });
        });
      });
      up.on('error', reject);
      req.pipe(up);
    });
  }
}
