// The npm package of the client: built, typed, and used by a program that is signed in by an app.

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket as NodeSocket } from 'ws';
import { until } from './core-pages';
import { app, sign } from './host-token';
import { Server } from './server';

const root = fileURLToPath(new URL('..', import.meta.url));
let server: Server;
let folder: string;

beforeAll(async () => {
  server = await Server.start();
  execFileSync(process.execPath, [join(root, 'web/core/pack.mjs')], { stdio: 'inherit' });
  folder = await mkdtemp(join(root, 'bin', 'uses-'));
  await mkdir(join(folder, 'node_modules'));
  const settings = {
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'dom'],
    types: [],
    noEmit: true,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: settings }));
  await symlink(join(root, 'bin', 'client'), join(folder, 'node_modules', 'magpie-client'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await server?.stop();
});

test('its types say what is wrong, in the strictest settings', async () => {
  const check = async (line: string) => {
    const source = `import { type Core, createCore } from 'magpie-client';
const core: Core = createCore({ base: 'https://im.example', app: 'oa', token: async () => null });
${line}\n`;
    await writeFile(join(folder, 'uses.mts'), source);
    try {
      execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]);
      return '';
    } catch (e) {
      return String((e as { stdout: Buffer }).stdout);
    }
  };
  expect(await check("core.send('g:launch', 'Hello');")).toBe('');
  expect(await check('core.conversations.value[0].unread.toUpperCase();')).toContain(
    "'toUpperCase' does not exist on type 'number'",
  );
});

test('somebody whom a host has signed for writes and reads by it', async () => {
  const { access_token: admin } = await server.login('alice');
  await server.call('POST', '/admin/apps', admin, { id: app, name: 'Dashboard', origins: [] });
  const { secret } = await server.call<{ secret: string }>('POST', `/admin/apps/${app}/keys`, admin);
  const { createCore } = (await import(
    /* @vite-ignore */ join(root, 'bin/client/index.js')
  )) as typeof import('../web/core');
  const core = createCore({
    base: server.http,
    app,
    token: async () => sign(secret),
    socket: (url) => new NodeSocket(url, 'mqtt') as unknown as WebSocket,
  });
  try {
    await core.start();
    await until(core.account, (a) => a.status === 'in' && a.me?.uid === 'bob');
    await until(core.conversations, (all) => all.some((c) => c.conv === 'u:alice'));
    core.send('u:alice', 'Written by a program of the host.');
    await expect
      .poll(async () => {
        const path = '/conversations/u%3Abob/messages?limit=1';
        const { items } = await server.call<{ items: { media: { content: { co: string } }[] }[] }>('GET', path, admin);
        return items[0]?.media[0]?.content.co;
      })
      .toBe('Written by a program of the host.');
  } finally {
    await core.logout();
  }
});
