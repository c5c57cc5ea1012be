// Requests with a body of bytes whose progress can be watched, which fetch does not tell.

import type { Api } from '../api/http';
import { Problem, type ProblemBody } from '../problem';

export interface Answer {
  status: number;
  header(name: string): string | null;
  text: string;
}

export interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: Blob | FormData;
  /** Bytes of the body that are on their way. */
  onProgress?: ((sent: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Rejects with Problem 0 when no answer comes, with the signal's reason when it is aborted. Any answer resolves. */
export type Transfer = (r: Request) => Promise<Answer>;

/** A connection that has moved no byte for so many ms is dead. */
const patience = 60_000;

export const xhr: Transfer = (r) =>
  new Promise((resolve, reject) => {
    if (r.signal?.aborted) return reject(r.signal.reason);
    const x = new XMLHttpRequest();
    x.open(r.method, r.url);
    for (const [name, value] of Object.entries(r.headers)) x.setRequestHeader(name, value);
    let timer: ReturnType<typeof setTimeout>;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => x.abort(), patience);
    };
    const stop = () => x.abort();
    r.signal?.addEventListener('abort', stop);
    x.upload.onprogress = (e) => {
      alive();
      r.onProgress?.(e.loaded);
    };
    x.onload = () => resolve({ status: x.status, header: (name) => x.getResponseHeader(name), text: x.responseText });
    x.onerror = () => reject(noAnswer());
    x.onabort = () => reject(r.signal?.aborted ? r.signal.reason : noAnswer());
    x.onloadend = () => {
      clearTimeout(timer);
      r.signal?.removeEventListener('abort', stop);
    };
    alive();
    x.send(r.body ?? null);
  });

/** A request with an access token, renewed where it is refused. path begins with a slash. Throws Problem for an answer of 400 and above. */
export function authorized(api: Api, transfer: Transfer, path: string, r: Omit<Request, 'url'>): Promise<Answer> {
  return api.authorized(async (token) => {
    const url = api.address(path);
    const a = await transfer({ ...r, url, headers: { ...r.headers, Authorization: `Bearer ${token}` } });
    if (a.status >= 400 || a.status === 0) throw refused(a);
    return a;
  });
}

export function noAnswer(): Problem {
  return new Problem(0, 'No connection', "The server can't be reached. Please check your connection and try again.");
}

function refused(a: Answer): Problem {
  let p: ProblemBody = {};
  try {
    if (a.header('Content-Type')?.includes('json')) p = JSON.parse(a.text);
  } catch {
    // Not of our server: a proxy's page, say.
  }
  return Problem.of(a.status, p, Number(a.header('Retry-After')) || undefined);
}
