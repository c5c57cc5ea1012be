// The organisation's notices as they are published: server-sent events, read by fetch, as EventSource sends no access token.

import { Problem } from '../core/problem';
import { api } from './client';

export interface Notice {
  /** Counts what this page has received. */
  n: number;
  ts: string;
  topic: string;
  seq: number;
  type: number;
  data: unknown;
  /** How many were left out before this one, as the reader was too slow. */
  missed?: number;
}

/** Reads until the signal, or until the connection ends; what it throws says why. */
export async function follow(signal: AbortSignal, take: (n: Omit<Notice, 'n'>) => void): Promise<void> {
  const answer = await api.authorized(async (token) => {
    const headers = { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' };
    const r = await fetch(api.address('/api/v1/admin/notices'), { headers, signal });
    if (!r.ok) throw Problem.of(r.status, await r.json().catch(() => ({})));
    return r;
  });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) return;
    const lines = (rest + part.value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) take(JSON.parse(line.slice(6)));
  }
}
