// Another system's page that shows the chat: a server on another site (localhost, as ours is 127.0.0.1), which signs tokens for an app.

import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { demo, type Server } from '../server';

export const app = 'oa-test';

export class HostPage {
  /** What the token URL does: signs for this person, says that nobody is there, fails. */
  user: string | undefined = 'alice';
  failing = false;
  /** How often it was asked. */
  asked = 0;
  /** The page: what stands in its head, its body, and further headers. */
  head = '';
  body = '<h1>Office</h1>';
  attributes = '';
  csp = '';
  /** A policy that is tried out. */
  reportOnly = '';
  direction = 'ltr';
  /** Where the loader comes from. */
  from = '';
  /** Scripts of its own, by their paths. */
  readonly scripts = new Map<string, string>();

  private constructor(
    private readonly magpie: Server,
    private readonly server: ReturnType<typeof createServer>,
    private secret: string,
  ) {}

  /** Starts the host and makes its app in the demo organisation. */
  static async start(magpie: Server): Promise<HostPage> {
    let page: HostPage | undefined;
    const server = createServer((req, res) => page?.answer(req, res));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    page = new HostPage(magpie, server, '');
    const { access_token } = await magpie.login('alice');
    await magpie.call('POST', '/admin/apps', access_token, { id: app, name: 'Office', origins: [page.origin] });
    const { secret } = await magpie.call<{ secret: string }>('POST', `/admin/apps/${app}/keys`, access_token, {});
    page.secret = secret;
    return page;
  }

  /** A page that has nothing to do with any app, on a site of its own. */
  static async plain(body: string): Promise<{ origin: string; stop(): void }> {
    const server = createServer((_, res) => {
      res.writeHead(200, { 'Content-Type': 'text/html' }).end(`<!doctype html><body>${body}</body>`);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const stop = () => {
      server.closeAllConnections();
      server.close();
    };
    return { origin: `http://evil.localhost:${(server.address() as AddressInfo).port}`, stop };
  }

  get origin(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** A token for somebody, as a host's server makes it. */
  token(uid: string, claims: object = {}): string {
    const now = Math.floor(Date.now() / 1000);
    const all = {
      iss: app,
      aud: 'magpie',
      sub: uid,
      org: demo.org,
      jti: randomUUID(),
      iat: now,
      exp: now + 60,
      ...claims,
    };
    const part = (o: object) => Buffer.from(JSON.stringify(o)).toString('base64url');
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(all)}`;
    return `${signed}.${createHmac('sha256', this.secret).update(signed).digest('base64url')}`;
  }

  private answer(req: IncomingMessage, res: ServerResponse): void {
    if (req.url === '/im-token') {
      this.asked++;
      const status = this.failing ? 500 : this.user ? 200 : 401;
      res.writeHead(status, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(status === 200 ? { token: this.token(this.user ?? '') } : {}));
      return;
    }
    const script = this.scripts.get(req.url ?? '');
    if (script !== undefined) {
      res.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script);
      return;
    }
    if (req.url !== '/') {
      res.writeHead(404).end();
      return;
    }
    res.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      ...(this.csp && { 'Content-Security-Policy': this.csp }),
      ...(this.reportOnly && { 'Content-Security-Policy-Report-Only': this.reportOnly }),
    });
    res.end(`<!doctype html><html lang="en"${this.direction === 'rtl' ? ' dir="rtl"' : ''}><head><meta charset="utf-8"><title>Office</title>
<meta name="viewport" content="width=device-width, initial-scale=1">${this.head}
<script async src="${this.from || this.magpie.http}/embed/v1/loader.js" ${this.attributes}></script></head><body>${this.body}</body></html>`);
  }
}
