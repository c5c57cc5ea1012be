// The payload of a presence (docs/protocol.md §7). What decodes encodes back to the same bytes.

import { decodeText, MalformedPayload } from './json';

export interface RawPresence {
  /** 1 basic, 2 detailed: a context follows. */
  type: number;
  /** 1 not custom, 2 custom. */
  flag: number;
  /** 1 online, 2 offline, 3 busy, 4 away, 15 custom. */
  status: number;
  context: string;
}

export const statusNames = { 1: 'online', 2: 'offline', 3: 'busy', 4: 'away', 15: 'custom' } as const;
const maxContext = 140;

/** Throws MalformedPayload. */
export function decodePresence(b: Uint8Array): RawPresence {
  if (b.length === 0) throw new MalformedPayload('The presence is too short.');
  const head = b[0] as number;
  const context = decodeText(b.subarray(1));
  if (context === undefined) throw new MalformedPayload("The presence's context is not UTF-8.");
  const p = { type: head >> 6, flag: (head >> 4) & 3, status: head & 0x0f, context };
  checkPresence(p, b.length - 1);
  return p;
}

/** Throws MalformedPayload for what decodePresence would refuse. */
export function encodePresence(p: RawPresence): Uint8Array<ArrayBuffer> {
  const context = new TextEncoder().encode(p.context);
  checkPresence(p, context.length);
  const b = new Uint8Array(1 + context.length);
  b[0] = (p.type << 6) | (p.flag << 4) | p.status;
  b.set(context, 1);
  return b;
}

function checkPresence(p: RawPresence, bytes: number): void {
  const problem =
    p.type !== 1 && p.type !== 2
      ? 'type must be 1 (basic) or 2 (detailed).'
      : p.flag !== 1 && p.flag !== 2
        ? 'flag must be 1 (not custom) or 2 (custom).'
        : !(p.status in statusNames)
          ? 'status must be 1 to 4, or 15 for custom.'
          : (p.flag === 2) !== (p.status === 15)
            ? 'custom flag and its status contradict each other.'
            : p.type === 1 && bytes > 0
              ? 'form has trailing bytes: only a detailed one has a context.'
              : p.type === 2 && bytes === 0
                ? 'detailed form has no context.'
                : bytes > maxContext
                  ? 'context has more than 140 bytes.'
                  : '';
  if (problem) throw new MalformedPayload(`The presence's ${problem}`);
}
