// What the server says is wrong, in the words of the chosen language. Its own sentences are English, and stand where nothing better is known.

import { Problem } from '../core/problem';
import { language, t } from './prefs';

type Names = Record<string, string | ((limit: number) => string)>;

/** HTTP status of a failure, 0 when no answer came at all. */
export function statusOf(e: unknown): number {
  return e instanceof Problem ? e.status : 0;
}

/** The name of a problem (docs/http-api.md), or ''. */
export function nameOf(e: { type?: string | undefined } | undefined): string {
  return e?.type?.startsWith('/problems/') ? e.type.slice('/problems/'.length) : '';
}

interface Words {
  names: Names;
  fields: Names;
}

let further: () => Words = () => ({ names: {}, fields: {} });

/** Gives words for problems that only some pages meet. */
export function explainMore(more: () => Words): void {
  further = more;
}

function words(kind: keyof Words, name: string, limit = 0): string | undefined {
  const names: Names[] = [further()[kind], t.value.problem[kind]];
  const found = names.find((one) => Object.hasOwn(one, name))?.[name];
  return typeof found === 'function' ? found(limit) : found;
}

/** What is wrong with single fields of a form, by the fields' names. */
export function fieldErrors(e: unknown): Record<string, string> {
  if (!(e instanceof Problem)) return {};
  const { codes = {}, params = {} } = e.names;
  const all: Record<string, string> = {};
  for (const [field, message] of Object.entries(e.errors ?? {})) {
    all[field] = words('fields', codes[field] ?? '', params[field]?.limit) ?? sentence(message);
  }
  return all;
}

/** A failure in the words of the chosen language. */
export function explain(e: unknown): string {
  const text = t.value.problem;
  if (!(e instanceof Problem)) return e instanceof TypeError ? text.network : text.unknown;
  if (e.status === 0) return text.network;
  const [first] = Object.values(fieldErrors(e));
  return first ?? explainKept({ status: e.status, detail: e.detail, type: e.names.type, limit: e.names.limit });
}

interface Kept {
  status: number;
  detail: string;
  type?: string | undefined;
  limit?: number | undefined;
}

/** The same of a problem that was kept as plain data. */
export function explainKept(p: Kept): string {
  const text = t.value.problem;
  const known = words('names', nameOf(p), p.limit);
  if (known) return known;
  if (p.status === 429) return text.tooOften;
  if (p.status >= 500) return text.server;
  // An English sentence helps whoever reads English.
  if (language.value === 'en' && p.detail) return p.detail;
  return p.status === 403 ? text.forbidden : p.status === 404 ? text.gone : text.unknown;
}

/** The server's messages on fields begin with the verb: "must have at most 64 characters". */
function sentence(message: string): string {
  if (language.value !== 'en') return t.value.problem.fields.invalid;
  const whole = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** Seconds to wait before the next try, when the server said so. */
export function retryAfter(e: unknown): number | undefined {
  return e instanceof Problem ? e.retryAfter : undefined;
}
