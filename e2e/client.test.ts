// The npm package of the client, as somebody else uses it: packed, installed, type-checked, run in Node and in a page of another origin.

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { app, HostPage } from './pages/host-page';
import { launch } from './pages/person';
import { Server } from './server';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');

let folder: string;
let server: Server;
let host: HostPage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'magpie-client-'));
  server = await Server.start();
  host = await HostPage.start(server);
  await run('node', ['web/core/package/build.mjs', join(folder, 'built')], { cwd: root });
});
afterAll(async () => {
  host?.stop();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const consumer = `
import { createCore, Problem, type Core, type Message } from '@magpie/client';
import type { ReadonlySignal } from '@preact/signals-core';

declare const process: { env: Record<string, string> };
const { BASE = '', TOKEN_URL = '', SENDS = '' } = process.env;

const core: Core = createCore({
  base: BASE,
  app: '${app}',
  token: async () => {
    const answer = await fetch(TOKEN_URL, { method: 'POST' });
    return answer.status === 401 ? null : ((await answer.json()) as { token: string }).token;
  },
});
export function never(): void {
  // @ts-expect-error: a view can't write what only the server says
  core.unreadTotal.value = 3;
}
core.on('message', (m: Message, c) => console.log('heard', c.conv, m.text));
function until<T>(s: ReadonlySignal<T>, good: (value: T) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = s.subscribe((value) => {
      if (good(value)) queueMicrotask(() => (stop(), resolve()));
    });
  });
}
await core.start();
await until(core.connection, (c) => c.state === 'online');
core.send('u:bob', SENDS);
const view = core.open('u:bob');
await until(view.items, (all) => all.some((i) => 'state' in i && i.text === SENDS && i.state === 'stored'));
view.close();
await core.logout();
console.log(core.account.value.status, core.account.value.problem instanceof Problem);
`;

const page = `
import { createCore } from '/client/index.js';
import { effect } from '@preact/signals-core';

const base = document.querySelector('script[src$="loader.js"]').src.replace(/\\/embed.*/, '');
const token = async () => (await (await fetch('/im-token', { method: 'POST' })).json()).token;
const core = createCore({ base, app: '${app}', token });
await core.start();
let done = false;
effect(() => {
  if (done || !core.current.value || core.conversations.value.length === 0) return;
  done = true;
  void look();
});

async function look() {
  const [file] = (await core.media.shared('u:bob', 'file')).items;
  const { size } = await core.media.load(file.content.co);
  const kept = (await indexedDB.databases()).length;
  const conversations = core.conversations.peek().length;
  console.log('seen', JSON.stringify({ who: core.account.peek().me.uid, conversations, size, kept }));
}
`;

test('it installs, its types hold, and it signs in and sends from Node', async () => {
  await run('npm', ['pack', join(folder, 'built'), '--pack-destination', folder], { cwd: folder });
  const packed = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '';
  const home = await mkdtemp(join(folder, 'consumer-'));
  await writeFile(join(home, 'package.json'), '{"type":"module","private":true}');
  // What it needs is taken from here, so that no registry is asked.
  const signals = join(home, 'signals-core');
  await cp(join(modules, '@preact/signals-core'), signals, { recursive: true });
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, packed), signals], { cwd: home });

  await writeFile(join(home, 'main.ts'), consumer);
  const strict = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--lib', 'es2023,dom', '--types', ''];
  await run('node', [join(modules, 'typescript/bin/tsc'), ...strict, 'main.ts'], { cwd: home });

  // Node 20 has no WebSocket.
  const socket = `globalThis.WebSocket ??= (await import(${JSON.stringify(join(modules, 'ws/wrapper.mjs'))})).WebSocket;`;
  await writeFile(join(home, 'run.mjs'), `${socket}\nawait import('./main.js');\n`);
  const env = { ...process.env, BASE: server.http, TOKEN_URL: `${host.origin}/im-token`, SENDS: 'by the package' };
  const { stdout } = await run('node', ['run.mjs'], { cwd: home, env });
  expect(stdout.split('\n').filter((line) => !line.startsWith('heard'))).toEqual(['out false', '']);

  const { access_token } = await server.login('bob');
  const { items } = await server.call<{ items: { sender: string; media: unknown }[] }>(
    'GET',
    '/conversations/u:alice/messages?limit=1',
    access_token,
  );
  expect(items).toMatchObject([{ sender: 'alice', media: [{ content: { co: 'by the package' } }] }]);
});

test('a page of an allowed origin uses it across origins: the API, files, the socket', async () => {
  for (const name of await readdir(join(folder, 'built'))) {
    if (name.endsWith('.js')) host.scripts.set(`/client/${name}`, await readFile(join(folder, 'built', name), 'utf8'));
  }
  const signals = await readFile(join(modules, '@preact/signals-core/dist/signals-core.mjs'), 'utf8');
  host.scripts.set('/signals.js', signals);
  host.scripts.set('/page.js', page);
  const { access_token: token } = await server.login('bob');
  const form = new FormData();
  form.append('file', new Blob(['x'.repeat(5000)], { type: 'text/plain' }), 'notes.txt');
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${server.http}/api/v1/media`, { method: 'POST', headers, body: form });
  const { url, kind, name } = (await answer.json()) as { url: string; kind: number; name: string };
  const media = [{ type: kind, content: { co: url, fn: name } }];
  await server.call('POST', '/conversations/u:alice/messages', token, { media });
  host.head = '<script type="importmap">{"imports":{"@preact/signals-core":"/signals.js"}}</script>';
  host.body = '<script type="module" src="/page.js"></script>';
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const said: string[] = [];
    page.on('console', (m) => said.push(m.text()));
    await page.goto(host.origin);
    await expect.poll(() => said.filter((one) => one.startsWith('seen')), { message: said.join() }).toHaveLength(1);
    const seen = JSON.parse(said.find((one) => one.startsWith('seen'))?.slice(5) ?? '');
    expect(seen).toMatchObject({ who: 'alice', kept: 0 });
    expect(seen.conversations).toBeGreaterThan(3);
    expect(seen.size).toBe(5000);
  } finally {
    await browser.close();
  }
});
