import type { KeptProblem } from '../../core';
import { t } from '../../ui/prefs';

/** Why the server has not taken a file, in the chosen language; its own sentence where nothing better is known. */
export function refusal(p: KeptProblem): string {
  const text = t.value.media;
  const kind = p.type?.replace(/^.*\//, '') ?? '';
  if (/quota|storage-full/.test(kind) || p.status === 507) return text.refusedQuota;
  if (p.status === 413) return text.refusedLarge;
  if (p.status === 410) return text.refusedGone;
  if (p.status === 415 || p.status === 422) return text.refusedType;
  return p.detail;
}
