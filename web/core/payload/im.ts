// The payload of an instant message (docs/protocol.md §4). What decodes encodes back to the same bytes.

import { MalformedPayload, parseObject } from './json';

export const imPair = 1;
export const imGroup = 2;
export const contentText = 0x00;
const maxMedia = 7;
const uidForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** One part of a message: a content type and a JSON object, as the bytes that came. */
export interface RawMedium {
  type: number;
  content: Uint8Array;
}

export interface IM {
  /** Seconds since 1970 UTC. */
  ts: number;
  /** imPair or imGroup. */
  type: number;
  media: RawMedium[];
  /** uid */
  sender: string;
}

/** Throws MalformedPayload. The contents of the result are views of b, not copies. */
export function decodeIM(b: Uint8Array): IM {
  if (b.length < 5) throw new MalformedPayload('The message is too short.');
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const head = b[4] as number;
  const m: IM = { ts: view.getUint32(0), type: head >> 4, media: [], sender: '' };
  const count = head & 0x0f;
  checkHead(m.type, count);
  let at = 5;
  for (let i = 0; i < count; i++) {
    if (b.length - at < 5) throw new MalformedPayload('The message is truncated in its media.');
    const size = view.getUint32(at + 1);
    if (size > b.length - at - 5) {
      throw new MalformedPayload('A content length of the message points beyond its end.');
    }
    const content = b.subarray(at + 5, at + 5 + size);
    parseObject(content);
    m.media.push({ type: b[at] as number, content });
    at += 5 + size;
  }
  if (at === b.length) throw new MalformedPayload('The message is truncated before its sender.');
  const size = b[at] as number;
  at++;
  if (b.length - at < size) throw new MalformedPayload('The message is truncated in its sender.');
  if (b.length - at > size) throw new MalformedPayload('The message has trailing bytes after its sender.');
  for (; at < b.length; at++) m.sender += String.fromCharCode(b[at] as number);
  checkSender(m.sender);
  return m;
}

/** Throws MalformedPayload for what decodeIM would refuse. */
export function encodeIM(m: IM): Uint8Array<ArrayBuffer> {
  checkHead(m.type, m.media.length);
  checkSender(m.sender);
  let size = 6 + m.sender.length;
  for (const medium of m.media) {
    parseObject(medium.content);
    size += 5 + medium.content.length;
  }
  const b = new Uint8Array(size);
  const view = new DataView(b.buffer);
  view.setUint32(0, m.ts);
  b[4] = (m.type << 4) | m.media.length;
  let at = 5;
  for (const medium of m.media) {
    b[at] = medium.type;
    view.setUint32(at + 1, medium.content.length);
    b.set(medium.content, at + 5);
    at += 5 + medium.content.length;
  }
  b[at++] = m.sender.length;
  for (let i = 0; i < m.sender.length; i++) b[at + i] = m.sender.charCodeAt(i);
  return b;
}

/** Makes a medium of an object. Lone surrogates in its texts become escapes, which is what JSON.stringify does. */
export function medium(type: number, content: Record<string, unknown>): RawMedium {
  return { type, content: new TextEncoder().encode(JSON.stringify(content)) };
}

function checkHead(type: number, media: number): void {
  if (type !== imPair && type !== imGroup) {
    throw new MalformedPayload("The message's type must be 1 (one to one) or 2 (group).");
  }
  if (media < 1 || media > maxMedia) throw new MalformedPayload("The message's media count must be 1 to 7.");
}

function checkSender(uid: string): void {
  if (!uidForm.test(uid)) throw new MalformedPayload("The message's sender is not a valid user id.");
}
