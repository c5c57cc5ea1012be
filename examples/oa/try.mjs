// Starts Magpie with its demo and the office beside it, and makes in Magpie what the office needs: an app with a key, a bot in the group of
// the project, and webhooks both ways. An administrator does the same at /admin/apps. Everything is gone when it ends: `make example`.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { start } from './server.mjs';
import { settingsOf } from './settings.mjs';

const program = fileURLToPath(new URL('../../bin/magpie', import.meta.url));
const app = 'oa-demo';
const bot = 'office';
const group = 'launch';
const ports = { magpie: Number(process.env.MAGPIE_PORT ?? 8080), office: Number(process.env.OA_PORT ?? 8090) };
// Two names of this machine: to a browser the office and Magpie are different sites, as they would be in the field.
const magpie = `http://localhost:${ports.magpie}`;
const office = `http://127.0.0.1:${ports.office}`;

const data = mkdtempSync(join(tmpdir(), 'magpie-example-'));
const child = await serve();
process.on('exit', () => {
  child.kill();
  rmSync(data, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit());
child.on('exit', () => process.exit(1));

const made = await prepare();
await start(
  settingsOf({
    OA_PORT: String(ports.office),
    OA_ORIGIN: office,
    MAGPIE_URL: magpie,
    MAGPIE_APP: app,
    MAGPIE_SECRET: made.secret,
    MAGPIE_GROUP: group,
    MAGPIE_WEBHOOK_SECRET: made.webhookSecret,
    MAGPIE_INCOMING_URL: made.incoming,
  }),
);
console.log(`
The office is at ${office}: sign in as alice, bob, carol or olga with the password oa-demo.
Magpie is at ${magpie}: sign in to the organisation demo as dave with magpie-demo and write to them,
or as alice, and look at ${magpie}/admin/apps/${app}.`);

/** Resolves when Magpie answers. Its demo lies in a folder that goes with this program. */
async function serve() {
  const addresses = ['--http', `127.0.0.1:${ports.magpie}`, '--mqtt', 'none'];
  // The office's webhook is on this machine, where Magpie tells nobody anything unless it is allowed to.
  const args = ['serve', '--demo', '--data', join(data, 'data'), ...addresses, '--webhook-allow', '127.0.0.0/8'];
  const p = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  p.on('error', () => {
    console.error('There is no bin/magpie: run `make build` first.');
    process.exit(1);
  });
  for await (const line of createInterface({ input: p.stdout })) if (line.startsWith('http')) break;
  p.stdout.resume();
  return p;
}

async function prepare() {
  /** @param {string} method @param {string} path @param {unknown} [body] @param {string} [token] */
  const call = async (method, path, body, token) => {
    const answer = await fetch(`http://127.0.0.1:${ports.magpie}/api/v1${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body ?? {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const login = { org: 'demo', username: 'alice', password: 'magpie-demo', terminal: 'pc' };
  const { access_token: token } = await call('POST', '/auth/login', login);
  /** @param {string} path @param {unknown} [body] */
  const make = (path, body) => call('POST', path, body, token);
  await make('/admin/apps', { id: app, name: 'Office', origins: [office], create_users: true });
  const { secret } = await make(`/admin/apps/${app}/keys`);
  await make(`/admin/apps/${app}/bots`, { uid: bot, name: 'Office' });
  await make(`/groups/${group}/members`, { uids: [bot] });
  const { url } = await make(`/admin/apps/${app}/incoming`, { name: 'Deployments', bot, conv: `g:${group}` });
  const events = ['message', 'membership', 'presence'];
  const webhook = await make(`/admin/apps/${app}/webhooks`, { url: `${office}/hooks/magpie`, events, bot });
  return { secret, incoming: url, webhookSecret: webhook.secret };
}
