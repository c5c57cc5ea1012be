// Who is signed in: a random id in a cookie, the rest in memory.

import { randomBytes } from 'node:crypto';

const name = 'oa_session';
/** ms. */
const life = 8 * 3600_000;

export class Sessions {
  /** @type {Map<string, { person: any, ends: number }>} */
  #all = new Map();

  /** @param {boolean} secure whether the pages come by https */
  constructor(secure) {
    this.attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  }

  /** A new session. Returns the Set-Cookie header. @param {unknown} person */
  begin(person) {
    const now = Date.now();
    for (const [id, { ends }] of this.#all) if (ends < now) this.#all.delete(id);
    const id = randomBytes(32).toString('base64url');
    this.#all.set(id, { person, ends: now + life });
    return `${name}=${id}; Max-Age=${life / 1000}; ${this.attributes}`;
  }

  /** Who sent this request, or undefined. @param {import('node:http').IncomingMessage} request */
  of(request) {
    const found = this.#all.get(idOf(request));
    return found && found.ends > Date.now() ? found.person : undefined;
  }

  /** Returns the Set-Cookie header. @param {import('node:http').IncomingMessage} request */
  end(request) {
    this.#all.delete(idOf(request));
    return `${name}=; Max-Age=0; ${this.attributes}`;
  }
}

/** @param {import('node:http').IncomingMessage} request */
function idOf(request) {
  const pairs = (request.headers.cookie ?? '').split(/; */).map((pair) => pair.split('='));
  return pairs.find(([key]) => key === name)?.[1] ?? '';
}
