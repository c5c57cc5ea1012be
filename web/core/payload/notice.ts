// The payload of a notice (docs/protocol.md §8). What decodes encodes back to the same bytes.

import { MalformedPayload, parseObject } from './json';

export const noticeType = {
  refused: 0x20,
  forcedOffline: 0x28,
  adminOffline: 0x29,
  contacts: 0x30,
  terminals: 0x31,
  profile: 0x32,
  contactRequest: 0x33,
  groupAdded: 0x35,
  groupData: 0x36,
  groupJoined: 0x37,
  groupLeft: 0x38,
  groupDissolved: 0x39,
  groupRole: 0x3a,
  recalled: 0x40,
  edited: 0x41,
  read: 0x43,
  conversation: 0x45,
  announcement: 0x50,
} as const;

export interface Notice {
  /** Seconds since 1970 UTC. */
  ts: number;
  type: number;
  /** A JSON object as the bytes that came; empty for forcedOffline, which has none. */
  content: Uint8Array;
}

/** Throws MalformedPayload. Types that are not known decode too. The content of the result is a view of b, not a copy. */
export function decodeNotice(b: Uint8Array): Notice {
  if (b.length < 5) throw new MalformedPayload('The notice is too short.');
  const ts = new DataView(b.buffer, b.byteOffset, b.byteLength).getUint32(0);
  const n = { ts, type: b[4] as number, content: b.subarray(5) };
  checkNotice(n);
  return n;
}

/** Throws MalformedPayload for what decodeNotice would refuse. */
export function encodeNotice(n: Notice): Uint8Array<ArrayBuffer> {
  checkNotice(n);
  const b = new Uint8Array(5 + n.content.length);
  new DataView(b.buffer).setUint32(0, n.ts);
  b[4] = n.type;
  b.set(n.content, 5);
  return b;
}

function checkNotice(n: Notice): void {
  if (n.type !== noticeType.forcedOffline) parseObject(n.content);
  else if (n.content.length > 0) {
    throw new MalformedPayload('The notice has trailing bytes: its type carries no content.');
  }
}
