import { t } from './prefs';

interface ProblemLike {
  status: number;
  detail: string;
  errors?: Record<string, string> | undefined;
  retryAfter?: number | undefined;
}

function isProblem(e: unknown): e is ProblemLike {
  return e instanceof Error && typeof (e as Partial<ProblemLike>).status === 'number';
}

/** HTTP status of a failure, 0 when no answer came at all. */
export function statusOf(e: unknown): number {
  return isProblem(e) ? e.status : 0;
}

/** What the server said about single fields of a form, by the fields' names. */
export function fieldErrors(e: unknown): Record<string, string> {
  return (isProblem(e) && e.errors) || {};
}

/**
 * A failure in the words of the chosen language. The server's sentences are English: for a kind of failure that has
 * words of its own here those go first, and its sentence only where nothing better is known.
 */
export function explain(e: unknown): string {
  const text = t.value.problem;
  if (!isProblem(e)) return e instanceof TypeError ? text.network : text.unknown;
  if (e.status === 0) return text.network;
  if (e.status === 429) return text.tooOften;
  if (e.status >= 500) return text.server;
  const first = Object.values(e.errors ?? {})[0];
  return first || e.detail || (e.status === 403 ? text.forbidden : e.status === 404 ? text.gone : text.unknown);
}

/** Seconds to wait before the next try, when the server said so. */
export function retryAfter(e: unknown): number | undefined {
  return isProblem(e) ? e.retryAfter : undefined;
}
