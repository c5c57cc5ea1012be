// Tokens from the host: who is signed in there says its own server, at an address or by a function.

/** ms before the second, third, … try. */
const delays = [1000, 2000, 5000, 15_000, 60_000];

/** null: nobody is signed in at the host. */
export type GetToken = () => Promise<string | null | undefined>;

/** The host's server could not be asked, often enough to give up. */
export class NoToken extends Error {
  readonly code = 'token-url';
}

export interface Surroundings {
  fetch: typeof fetch;
  /** Whether the browser knows of a network. */
  online: () => boolean;
  /** Resolves when it does. */
  back: (signal: AbortSignal) => Promise<void>;
  /** The end of it all: nothing waits any longer. */
  signal: AbortSignal;
}

/** Asks an address: `POST`, with the host's own cookies. */
export function fromUrl(url: string, s: Pick<Surroundings, 'fetch' | 'signal'>): GetToken {
  return async () => {
    const answer = await s.fetch(url, {
      method: 'POST',
      headers: { Accept: 'application/json', 'X-Requested-With': 'magpie' },
      redirect: 'error', // to a page where one signs in, mostly: that is no token
      signal: s.signal,
    });
    if (answer.status === 401 || answer.status === 403) return null;
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}.`);
    const { token } = (await answer.json()) as { token?: unknown };
    if (typeof token !== 'string' || !token) throw new Error(`${url} answered no token.`);
    return token;
  };
}

/**
 * One token, tried for at most six times with growing pauses; a time without a network counts for nothing. Resolves with null where nobody
 * is signed in at the host. Rejects with NoToken when there is none to be had, and with the signal's reason at its end.
 */
export async function obtain(get: GetToken, s: Omit<Surroundings, 'fetch'>): Promise<string | null> {
  for (let tries = 0; ; tries++) {
    s.signal.throwIfAborted();
    if (!s.online()) await s.back(s.signal);
    try {
      const token = await get();
      s.signal.throwIfAborted();
      return token || null;
    } catch (e) {
      s.signal.throwIfAborted();
      const delay = delays[tries];
      if (delay === undefined) throw new NoToken(`No token: ${e instanceof Error ? e.message : e}`);
      await pause(delay, s.signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
