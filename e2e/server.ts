// Starts the real program with a demo organisation, on free ports and an empty folder.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const binary = fileURLToPath(new URL('../bin/magpie', import.meta.url));

/** The demo organisation and the password of everyone in it. */
export const demo = { org: 'demo', password: 'magpie-demo' };

export interface SignIn {
  access_token: string;
  refresh_token?: string;
  mqtt: { url: string; tcp_url: string; client_id: string; username: string };
}

export class Server {
  private process: ChildProcess | undefined;
  private lines: Record<string, string> = {};
  /** What the program wrote to its log. */
  log = '';

  private constructor(
    private readonly folder: string,
    private readonly args: string[],
  ) {}

  /** Resolves when the program answers. Stop it, whatever happens. */
  static async start(...args: string[]): Promise<Server> {
    await access(binary).catch(() => {
      throw new Error('There is no bin/magpie: run `make build` first.');
    });
    const s = new Server(await mkdtemp(join(tmpdir(), 'magpie-e2e-')), args);
    await s.up('127.0.0.1:0', '127.0.0.1:0');
    return s;
  }

  /** `http://127.0.0.1:40123` */
  get http(): string {
    return this.lines.http ?? '';
  }

  /** `ws://127.0.0.1:40123/mqtt` */
  get ws(): string {
    return `${this.http.replace('http', 'ws')}/mqtt`;
  }

  /** `mqtt://127.0.0.1:40124` */
  get tcp(): string {
    return (this.lines.mqtt ?? '').replace('tcp:', 'mqtt:');
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Starts it again on the same folder and ports. */
  async restart(): Promise<void> {
    await this.end('SIGTERM');
    const ports = [new URL(this.http).host, new URL(this.tcp).host] as const;
    // A connection of anybody's may have been given one of the ports meanwhile, for a moment.
    for (let tries = 1; ; tries++) {
      try {
        return await this.up(...ports);
      } catch (e) {
        if (tries === 40) throw e;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  /** Ends the program in order and removes its folder. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Runs a command of the program on the same data, as an administrator of the machine does. */
  async shell(...args: string[]): Promise<void> {
    await promisify(execFile)(binary, [...args, '--data', join(this.folder, 'data')]);
  }

  /** A call of the HTTP API; path begins after /api/v1. */
  async call<T>(method: string, path: string, token?: string, body?: unknown, more: object = {}): Promise<T> {
    const answer = await fetch(`${this.http}/api/v1${path}`, {
      method,
      headers: { ...(token && { Authorization: `Bearer ${token}` }), 'Content-Type': 'application/json', ...more },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** Changes something that has a version, as it is at the moment. */
  async change<T>(path: string, token: string, body: unknown): Promise<T> {
    const { version } = await this.call<{ version: number }>('GET', path, token);
    return this.call('PATCH', path, token, body, { 'If-Match': `"${version}"` });
  }

  /** Signs one of the demo's people in. */
  login(uid: string, terminal = 'pc'): Promise<SignIn> {
    return this.call('POST', '/auth/login', undefined, {
      org: demo.org,
      username: uid,
      password: demo.password,
      terminal,
    });
  }

  private async up(http: string, mqtt: string): Promise<void> {
    const args = ['serve', '--demo', '--data', join(this.folder, 'data'), '--http', http, '--mqtt', mqtt];
    // Tests fill conversations over HTTP faster than any person changes things.
    args.push('--limit-write-rate', '0', ...this.args);
    const p = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = p;
    p.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    this.lines = {};
    for await (const line of createInterface({ input: p.stdout })) {
      const [name = '', ...rest] = line.split(/ +/);
      this.lines[name] = rest.join(' ');
      if (this.lines.http && this.lines.mqtt) break;
    }
    if (!this.lines.mqtt) throw new Error(`The program did not start:\n${this.log}`);
    p.stdout.resume();
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const p = this.process;
    this.process = undefined;
    if (!p || p.exitCode !== null || p.signalCode !== null) return;
    const ended = once(p, 'exit');
    p.kill(signal);
    await ended;
  }
}
