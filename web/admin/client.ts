// Who is signed in at this browser, and the calls that administrators make. The login is the chat's: the same cookie, and one lock for renewing it.

import { computed, signal } from '@preact/signals';
import type { Me } from '../core';
import { Api } from '../core/api/http';
import { alone, renewal } from '../core/db/device';
import { Problem } from '../core/problem';
import { loginMark } from '../ui/login-mark';

/** What a role allows, in the words of docs/administration.md. The server decides; the pages only leave out what would be refused. */
export type Right = 'read' | 'change' | 'system';

interface Account {
  status: 'unknown' | 'out' | 'in';
  me?: Me;
  org?: { eid: string; name: string; logo?: string };
  /** Why it is not known: no answer came. */
  error?: unknown;
}

export const account = signal<Account>({ status: 'unknown' });

export const api = new Api({
  base: location.origin,
  fetch: (...a) => fetch(...a),
  now: Date.now,
  locks: navigator.locks ?? null,
  alone,
  renewal,
  mark: loginMark,
  patience: 5 * 60_000, // what concerns thousands of people takes its time
  onSignedIn: ({ user, org }) => {
    account.value = { status: 'in', me: user, org };
  },
  onSignedOut: () => {
    account.value = { status: 'out' };
  },
});

/** Takes up the login of this browser. */
export async function begin(): Promise<void> {
  account.value = { status: 'unknown' };
  try {
    await api.refresh();
  } catch (error) {
    account.value = refused(error) ? { status: 'out' } : { status: 'unknown', error };
  }
}

/** Whether a failure is the server's answer, which another try would not change. */
export function refused(error: unknown): boolean {
  return error instanceof Problem && error.status > 0 && error.status < 500 && error.status !== 429;
}

const roles: Record<Right, Me['role'][]> = {
  read: ['auditor', 'admin', 'system'],
  change: ['admin', 'system'],
  system: ['system'],
};

const rights = computed(() => {
  const role = account.value.me?.role;
  return new Set((Object.keys(roles) as Right[]).filter((right) => role && roles[right].includes(role)));
});

export function can(right: Right): boolean {
  return rights.value.has(right);
}

/** Fetches a file and hands it to the browser to keep. path begins after /api/v1. Throws Problem. */
export async function download(path: string, name: string, method: 'GET' | 'POST' = 'GET'): Promise<void> {
  const blob = await raw(method, path, undefined, (answer) => answer.blob());
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Uploads a picture of a person, group or organisation, and returns its address. Throws Problem. */
export async function uploadPicture(file: Blob): Promise<string> {
  const form = new FormData();
  form.append('purpose', 'avatar');
  form.append('file', file, 'picture');
  const stored = await raw('POST', '/media', { content: form }, (answer) => answer.json() as Promise<{ url: string }>);
  return stored.url;
}

interface Body {
  /** That of a form the browser says itself. */
  type?: string;
  content: Blob | FormData;
}

/** A call whose body or answer is not JSON. Throws Problem. */
export function raw<T>(
  method: string,
  path: string,
  body: Body | undefined,
  read: (answer: Response) => Promise<T>,
): Promise<T> {
  return api.authorized(async (token) => {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
    if (body?.type) headers['Content-Type'] = body.type;
    let answer: Response;
    try {
      answer = await fetch(api.address(`/api/v1${path}`), { method, headers, body: body?.content ?? null });
      if (answer.ok) return await read(answer);
    } catch {
      throw new Problem(0, 'No connection', "The server can't be reached. Please check your connection and try again.");
    }
    const problem = await answer.json().catch(() => ({}));
    throw Problem.of(answer.status, problem, Number(answer.headers.get('Retry-After')) || undefined);
  });
}

/** A path with a query: what is empty is left out. */
export function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') q.set(name, String(value));
  const text = q.toString();
  return text ? `${path}?${text}` : path;
}
