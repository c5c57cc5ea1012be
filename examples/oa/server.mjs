// A small office system that shows Magpie's chat on its pages. It has sign-in, sessions and pages of its own, and nothing of Magpie's but its address
// and the app's secret. Node's standard library alone: node server.mjs

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { dashboard, eventsPage, project, signInPage } from './pages.mjs';
import { directory } from './people.mjs';
import { Sessions } from './sessions.mjs';
import { settingsOf } from './settings.mjs';
import { signToken } from './token.mjs';
import { Events, isGenuine } from './webhook.mjs';

/** Bytes of a body: Magpie's events have at most 256 KiB. */
const bodyLimit = 256 * 1024 + 1024;

const files = { '/office.js': 'text/javascript; charset=utf-8', '/office.css': 'text/css; charset=utf-8' };

/** An answer other than 200 that ends the handling of a request. */
class Refusal extends Error {
  /** @param {number} status @param {string} text */
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/**
 * Starts it. Resolves with where it is, and how to stop it.
 *
 * @param {ReturnType<typeof settingsOf>} settings
 */
export async function start(settings) {
  const { people, signIn } = directory(settings.password);
  const sessions = new Sessions(settings.origin.startsWith('https:'));
  const events = new Events();
  // The strictest policy that a host can have: Magpie needs no more than these two mentions of it.
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${settings.magpie}`,
    `frame-src ${settings.magpie}`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

  /** @typedef {import('node:http').IncomingMessage} Request */
  /** @typedef {import('node:http').ServerResponse} Response */

  /** @param {Response} response @param {number} status @param {string} type @param {string | Buffer} body */
  const answer = (response, status, type, body) => response.writeHead(status, { 'Content-Type': type }).end(body);
  /** @param {Response} response @param {string} text */
  const showPage = (response, text, status = 200) => answer(response, status, 'text/html; charset=utf-8', text);
  /** @param {Response} response @param {string} to @param {Record<string, string>} [headers] */
  const redirect = (response, to, headers = {}) => response.writeHead(303, { Location: to, ...headers }).end();

  /** Refuses what another site's page has sent: browsers say where a POST comes from. @param {Request} request */
  const fromHere = (request) => {
    const { origin = '', host } = request.headers;
    if (origin !== (settings.origin || `http://${host}`)) throw new Refusal(403, 'This came from another site.');
  };

  /** @type {Record<string, (request: Request, response: Response) => unknown>} */
  const routes = {
    'GET /sign-in': (_, response) => showPage(response, signInPage({ settings, wrong: false })),
    'POST /sign-in': async (request, response) => {
      fromHere(request);
      const form = new URLSearchParams((await bodyOf(request)).toString());
      const person = signIn(form.get('uid') ?? '', form.get('password') ?? '');
      if (!person) return showPage(response, signInPage({ settings, wrong: true }), 401);
      redirect(response, '/', { 'Set-Cookie': sessions.begin(person) });
    },
    'POST /sign-out': (request, response) => {
      fromHere(request);
      redirect(response, '/sign-in', { 'Set-Cookie': sessions.end(request) });
    },
    'GET /': (request, response) => {
      const person = sessions.of(request);
      if (!person) return redirect(response, '/sign-in');
      showPage(response, dashboard({ settings, person, people }));
    },
    'GET /project': (request, response) => {
      const person = sessions.of(request);
      if (!person) return redirect(response, '/sign-in');
      showPage(response, project({ settings, person }));
    },

    // What the loader asks for: who is at this page? Its own session says so, nothing that the page sends.
    'POST /api/im-token': (request, response) => {
      fromHere(request);
      const person = sessions.of(request);
      if (!person) throw new Refusal(401, 'Nobody is signed in.');
      answer(response, 200, 'application/json', JSON.stringify({ token: signToken(settings, person) }));
    },

    // Magpie tells what happens in the conversations of the app's bot.
    'POST /hooks/magpie': async (request, response) => {
      const body = await bodyOf(request);
      const genuine = isGenuine({
        secret: settings.webhookSecret,
        timestamp: String(request.headers['magpie-timestamp'] ?? ''),
        signature: String(request.headers['magpie-signature'] ?? ''),
        body,
      });
      if (!settings.webhookSecret || !genuine) throw new Refusal(401, 'The signature is not right.');
      events.add(JSON.parse(body.toString()));
      response.writeHead(204).end();
    },
    'GET /events': (request, response) => {
      const person = sessions.of(request);
      if (!person) return redirect(response, '/sign-in');
      showPage(response, eventsPage({ settings, person, events: events.newest }));
    },
    'GET /events/new': (request, response) => {
      if (!sessions.of(request)) throw new Refusal(401, 'Nobody is signed in.');
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
      // What the page has already; a browser that connects again says it by itself.
      const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const last = String(request.headers['last-event-id'] ?? searchParams.get('after'));
      const stop = events.watch(last, (event) => response.write(`id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`));
      response.on('close', stop);
    },
    // And this tells Magpie something, by an address that posts to one conversation.
    'POST /events': async (request, response) => {
      fromHere(request);
      const person = sessions.of(request);
      if (!person) return redirect(response, '/sign-in');
      const form = new URLSearchParams((await bodyOf(request)).toString());
      const posted = await post(settings.incoming, `${form.get('text')} (${person.name})`);
      showPage(response, eventsPage({ settings, person, events: events.newest, posted }));
    },
  };

  const server = createServer(async (request, response) => {
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cache-Control', 'no-store');
    try {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const type = files[/** @type {keyof typeof files} */ (pathname)];
      const route = routes[`${request.method} ${pathname}`];
      if (type) answer(response, 200, type, await readFile(new URL(`public${pathname}`, import.meta.url)));
      else if (route) await route(request, response);
      else throw new Refusal(404, 'There is nothing here.');
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      const [status, text] = error instanceof Refusal ? [error.status, error.message] : [500, 'Something went wrong.'];
      if (response.headersSent) response.destroy();
      else answer(response, status, 'text/plain; charset=utf-8', text);
    }
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(settings.port, settings.host, () => resolve(undefined));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    port,
    events,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** @param {import('node:http').IncomingMessage} request */
async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > bodyLimit) throw new Refusal(413, 'This is too large.');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Posts to an incoming webhook of Magpie. Resolves with what to say of it. @param {string} url @param {string} text */
async function post(url, text) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ text }),
  });
  return answer.ok ? 'Posted.' : `Magpie answered ${answer.status}.`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const settings = settingsOf(process.env);
  const { port } = await start(settings);
  console.log(`The office is at ${settings.origin || `http://${settings.host}:${port}`}`);
}
