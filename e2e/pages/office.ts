// The host system of examples/oa on another site than the server, and its people at browsers that block third-party cookies.

import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Frame,
  type Locator,
  type Page,
} from 'playwright-core';
import { expect } from 'vitest';
import { app, sign } from '../host-token';
import type { Server } from '../server';
import { args } from './person';

const program = fileURLToPath(new URL('../../examples/oa/server.mjs', import.meta.url));

const bot = 'office';
const password = 'oa-demo';

/** Where the office and the server are for the browsers: other names than this machine's, so that they are two sites, and neither is trusted as such. */
const names = { office: 'oa.test', magpie: 'im.test', stranger: 'other.test' };

export class Office {
  private constructor(
    private readonly process: ChildProcess,
    private readonly port: string,
    /** Of the app's tokens. */
    readonly secret: string,
    private readonly webhookSecret: string,
    /** Access token of the administrator who made it all. */
    private readonly admin: string,
  ) {}

  /** Makes the app in a demo server, as an administrator does, and starts the office. */
  static async start(server: Server): Promise<Office> {
    const { access_token: admin } = await server.login('alice');
    const make = <T>(path: string, body: unknown = {}) => server.call<T>('POST', path, admin, body);
    await make('/admin/apps', { id: app, name: 'Office', origins: [], create_users: true });
    const { secret } = await make<{ secret: string }>(`/admin/apps/${app}/keys`);
    await make(`/admin/apps/${app}/bots`, { uid: bot, name: 'Office' });
    await make('/groups/launch/members', { uids: [bot] });
    const incoming = { name: 'Deployments', bot, conv: 'g:launch' };
    const { url } = await make<{ url: string }>(`/admin/apps/${app}/incoming`, incoming);
    // Its address is known when the office listens, which it does with the secret.
    const events = ['message', 'membership'];
    const hook = { url: 'http://127.0.0.1:9/hooks/magpie', events, bot };
    const webhook = await make<{ id: string; secret: string }>(`/admin/apps/${app}/webhooks`, hook);
    const env = {
      ...process.env,
      OA_PORT: '0',
      MAGPIE_URL: server.http.replace('127.0.0.1', names.magpie),
      MAGPIE_APP: app,
      MAGPIE_SECRET: secret,
      MAGPIE_WEBHOOK_SECRET: webhook.secret,
      MAGPIE_INCOMING_URL: `${server.http}${new URL(url).pathname}`,
    };
    const p = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let port = '';
    for await (const line of createInterface({ input: p.stdout })) {
      port = /:(\d+)$/.exec(line)?.[1] ?? '';
      if (port) break;
    }
    p.stdout.resume();
    const office = new Office(p, port, secret, webhook.secret, admin);
    await office.allow(server, office.at());
    const own = `http://127.0.0.1:${port}/hooks/magpie`;
    await server.change(`/admin/apps/${app}/webhooks/${webhook.id}`, admin, { url: own });
    return office;
  }

  /** Lets pages of another origin show the chat too. */
  async allow(server: Server, origin: string): Promise<void> {
    const { origins } = await server.call<{ origins: string[] }>('GET', `/admin/apps/${app}`, this.admin);
    await server.change(`/admin/apps/${app}`, this.admin, { origins: [...origins, origin] });
  }

  /** Its origin for the browsers. */
  at(name: keyof typeof names = 'office'): string {
    return `http://${names[name]}:${this.port}`;
  }

  /** Tells the office something as Magpie would, with headers of its own. Resolves with the status. */
  async tell(event: object, o: { at?: number; secret?: string } = {}): Promise<number> {
    const body = JSON.stringify(event);
    const timestamp = String(Math.floor((o.at ?? Date.now()) / 1000));
    const mac = createHmac('sha256', o.secret ?? this.webhookSecret)
      .update(`${timestamp}.${body}`)
      .digest('hex');
    const headers = { 'Magpie-Timestamp': timestamp, 'Magpie-Signature': `v1=${mac}` };
    return (await fetch(`http://127.0.0.1:${this.port}/hooks/magpie`, { method: 'POST', headers, body })).status;
  }

  /** A token as the office makes it, with other claims or another secret. */
  token(claims?: object, secret = this.secret, head?: object): string {
    return sign(secret, claims, head);
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill();
    await ended;
  }
}

/** Somebody at a page of the office. */
export class Visitor {
  /** What went wrong in the page or the panel; the tests hold it to be empty. */
  readonly errors: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly office: Office,
    private readonly folder: string,
  ) {
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (e) => this.errors.push(String(e.stack ?? e)));
    page.on('console', (m) => {
      if (/Content Security Policy|Refused to/.test(m.text())) this.errors.push(m.text());
    });
  }

  /**
   * At a browser of their own whose settings block what other sites would keep in it. Closed shadow roots are open to the tests, which look for
   * what people see, unless they ask for the page as it is.
   */
  static async open(office: Office, asItIs = false, o: BrowserContextOptions = {}): Promise<Visitor> {
    const folder = await mkdtemp(join(tmpdir(), 'magpie-browser-'));
    const preferences = { profile: { block_third_party_cookies: true, cookie_controls_mode: 1 } };
    await mkdir(join(folder, 'Default'));
    await writeFile(join(folder, 'Default', 'Preferences'), JSON.stringify(preferences));
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        ...args,
        '--test-third-party-cookie-phaseout',
        `--host-resolver-rules=${Object.values(names)
          .map((name) => `MAP ${name} 127.0.0.1`)
          .join(', ')}`,
      ],
      locale: 'en-GB',
      viewport: { width: 1280, height: 800 },
      ...o,
    });
    if (!asItIs) await reveal(context);
    return new Visitor(context.pages()[0] ?? (await context.newPage()), office, folder);
  }

  /** Signs in at the office. */
  async signIn(uid: string, at = this.office.at()): Promise<void> {
    await this.page.goto(`${at}/sign-in`);
    await this.page.getByLabel('Name').fill(uid);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByRole('heading', { name: 'Dashboard' }).waitFor();
  }

  /** The button at the corner. */
  bubble(name: string | RegExp): Locator {
    return this.page.locator('magpie-launcher').getByRole('button', { name });
  }

  /** The page within the frame of the bubble, or of an element, once it is there. */
  async panel(within = 'magpie-launcher'): Promise<Frame> {
    const frame = await (await this.page.locator(`${within} iframe`).elementHandle())?.contentFrame();
    if (!frame) throw new Error(`There is no panel in ${within}.`);
    return frame;
  }

  /** Calls the page's own global, as its scripts do. */
  call(method: string, ...rest: unknown[]): Promise<unknown> {
    return this.page.evaluate(
      ([name, more]) => (window as unknown as { Magpie: (...a: unknown[]) => unknown }).Magpie(name, ...more),
      [method, rest] as const,
    );
  }

  /** Resolves with what went wrong. */
  async close(): Promise<string[]> {
    await this.page.context().close();
    await rm(this.folder, { recursive: true, force: true });
    return this.errors;
  }
}

async function reveal(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function (o) {
      return attach.call(this, { ...o, mode: 'open' });
    };
  });
}

/** Waits until something written stands in a conversation. */
export async function stands(where: Page | Frame, text: string): Promise<void> {
  await where.locator('.message').getByText(text, { exact: true }).waitFor();
}

export async function write(where: Page | Frame, text: string): Promise<void> {
  await where.locator('.composer-input').fill(text);
  await where.locator('.composer-input').press('Enter');
  await expect.poll(() => where.locator('.message').getByText(text, { exact: true }).count()).toBe(1);
}
