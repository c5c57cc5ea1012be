// A MinIO server for tests: the program that `make tools` builds, on free ports and an empty folder.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../bin/tools/minio', import.meta.url));
const keys = { user: 'magpie-tests', password: 'magpie-tests-secret' };

export class Minio {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly address: string,
    private readonly console: string,
  ) {}

  /** Resolves when it answers. Its keys are in the environment from then on, where Magpie looks for them. */
  static async start(): Promise<Minio> {
    await access(binary).catch(() => {
      throw new Error('There is no bin/tools/minio: run `make tools` first.');
    });
    const folder = await mkdtemp(join(tmpdir(), 'magpie-minio-'));
    const m = new Minio(folder, await freeAddress(), await freeAddress());
    process.env.MAGPIE_MEDIA_ACCESS_KEY = keys.user;
    process.env.MAGPIE_MEDIA_SECRET_KEY = keys.password;
    await m.up();
    return m;
  }

  /** kill -9. What it has taken is in its folder. */
  async down(): Promise<void> {
    const p = this.process;
    if (!p) return;
    this.process = undefined;
    const ended = once(p, 'exit');
    p.kill('SIGKILL');
    await ended;
  }

  /** Starts it, again at the same address. Resolves when it answers. */
  async up(): Promise<void> {
    if (this.process) return;
    const args = ['server', '--quiet', '--address', this.address, '--console-address', this.console, this.folder];
    const quiet = { MINIO_UPDATE: 'off', MINIO_CALLHOME_ENABLE: 'off' };
    const env = { ...process.env, ...quiet, MINIO_ROOT_USER: keys.user, MINIO_ROOT_PASSWORD: keys.password };
    const p = spawn(binary, args, { env, stdio: 'ignore' });
    this.process = p;
    while (!(await answers(`http://${this.address}/minio/health/ready`))) {
      if (p.exitCode !== null) throw new Error('MinIO did not start.');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** For `--media`. */
  get place(): string {
    return `s3://magpie-tests?endpoint=http://${this.address}`;
  }

  async stop(): Promise<void> {
    await this.down();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (r) => r.ok,
    () => false,
  );
}

async function freeAddress(): Promise<string> {
  const s = createServer().listen(0, '127.0.0.1');
  await once(s, 'listening');
  const { port } = s.address() as { port: number };
  s.close();
  await once(s, 'close');
  return `127.0.0.1:${port}`;
}
