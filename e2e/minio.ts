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
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly address: string,
  ) {}

  /** Resolves when it answers. Its keys are in the environment from then on, where Magpie looks for them. */
  static async start(): Promise<Minio> {
    await access(binary).catch(() => {
      throw new Error('There is no bin/tools/minio: run `make tools` first.');
    });
    const folder = await mkdtemp(join(tmpdir(), 'magpie-minio-'));
    const address = await freeAddress();
    const args = ['server', '--quiet', '--address', address, '--console-address', await freeAddress(), folder];
    const quiet = { MINIO_UPDATE: 'off', MINIO_CALLHOME_ENABLE: 'off' };
    const env = { ...process.env, ...quiet, MINIO_ROOT_USER: keys.user, MINIO_ROOT_PASSWORD: keys.password };
    const p = spawn(binary, args, { env, stdio: 'ignore' });
    process.env.MAGPIE_MEDIA_ACCESS_KEY = keys.user;
    process.env.MAGPIE_MEDIA_SECRET_KEY = keys.password;
    while (!(await answers(`http://${address}/minio/health/ready`))) {
      if (p.exitCode !== null) throw new Error('MinIO did not start.');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return new Minio(p, folder, address);
  }

  /** For `--media`. */
  get place(): string {
    return `s3://magpie-tests?endpoint=http://${this.address}`;
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
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
