import type { KeptProblem } from '../../core';
import { t } from '../../ui/prefs';
import { explainKept } from '../../ui/problem';

/** Why the server has not taken a message or a file of it, in the chosen language. */
export function refusal(p: KeptProblem): string {
  const text = t.value.media;
  const kind = p.type?.replace(/^.*\//, '') ?? '';
  if (/quota|storage-full/.test(kind) || p.status === 507) return text.refusedQuota;
  if (p.status === 413 && !/text|message/.test(kind)) return text.refusedLarge;
  if (p.status === 410) return text.refusedGone;
  if (p.status === 415 || p.status === 422) return text.refusedType;
  return explainKept(p);
}
