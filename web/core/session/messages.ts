// Messages as they come over MQTT and HTTP, turned into what views show.

import type { WireMessage } from '../api/shapes';
import type { OutboxItem } from '../db/database';
import { type Received, userProperty } from '../mqtt/client';
import { contentText, decodeIM, encodeIM, imGroup, imPair, medium } from '../payload/im';
import { parseObject } from '../payload/json';
import type { Medium, Message } from '../types';

export type StoredMessage = Message & { seq: number };

/** The text of the text media, for lists and for search in what is here. */
export function textOf(media: Medium[]): string {
  const texts = media.filter((m) => m.type === contentText && typeof m.content.co === 'string');
  return texts.map((m) => m.content.co as string).join('\n');
}

/** Whether a message mentions someone. */
export function mentions(m: Message, uid: string): boolean {
  const at = m.media[0]?.content.at;
  return Array.isArray(at) && (at.includes(uid) || at.includes('*'));
}

/** What is left of a message that was taken back. */
export function recalled<M extends Message>(m: M, by: string): M {
  return { ...m, media: [], text: '', recalledBy: by };
}

/** What a message is that its author has changed. */
export function edited<M extends Message>(m: M, media: Medium[], at: number): M {
  return m.recalledBy || (m.editedAt ?? 0) > at ? m : { ...m, media, text: textOf(media), editedAt: at };
}

/** Of two copies of a message the one that is newer: a page may be read before a change and come after it. */
export function newer<M extends Message>(known: M | undefined, m: M): M {
  if (!known || m.recalledBy) return m;
  return known.recalledBy || (known.editedAt ?? 0) > (m.editedAt ?? 0) ? known : m;
}

export function fromWire(conv: string, m: WireMessage, uid: string): StoredMessage {
  const found: StoredMessage = {
    id: m.id || `seq:${m.seq}`,
    conv,
    seq: m.seq,
    ts: Date.parse(m.ts),
    sender: m.sender,
    mine: m.sender === uid,
    media: m.media,
    text: textOf(m.media),
    state: 'stored',
    ...(m.edited_at && { editedAt: Date.parse(m.edited_at) }),
  };
  return m.recalled_by ? recalled(found, m.recalled_by) : found;
}

/** Reads a delivered message. conv is the conversation as its reader sees it. Throws MalformedPayload. */
export function fromPacket(p: Received, topic: { kind: 'u' | 'g'; name: string }, uid: string): Message {
  const im = decodeIM(p.payload);
  const mine = im.sender === uid;
  const media = im.media.map((m) => ({ type: m.type, content: parseObject(m.content) }));
  const seq = Number(userProperty(p.properties, 'seq'));
  const known = Number.isSafeInteger(seq) && seq > 0;
  const cid = p.properties.correlationData;
  // What is delivered of a message that was taken back: docs/protocol.md §4.
  const { rc: by, ed } = media[0]?.content ?? {};
  const found: Message = {
    id: cid?.length ? hex(cid) : `seq:${known ? seq : ''}`,
    conv: topic.kind === 'g' ? `g:${topic.name}` : `u:${mine ? topic.name : im.sender}`,
    ...(known && { seq }),
    ts: im.ts * 1000,
    sender: im.sender,
    mine,
    media,
    text: textOf(media),
    state: 'stored',
    ...(typeof ed === 'number' && { editedAt: ed }),
  };
  return typeof by === 'string' && by ? recalled(found, by) : found;
}

/** The PUBLISH payload of a message that waits. The server writes its own time into it. */
export function toPayload(item: OutboxItem, uid: string): Uint8Array {
  return encodeIM({
    ts: Math.floor(item.ts / 1000),
    type: item.conv.startsWith('g:') ? imGroup : imPair,
    media: item.media.map((m) => medium(m.type, m.content)),
    sender: uid,
  });
}

export function fromOutbox(item: OutboxItem, uid: string): Message {
  return {
    id: item.id,
    conv: item.conv,
    ts: item.ts,
    sender: uid,
    mine: true,
    media: item.media,
    text: textOf(item.media),
    state: item.state,
    ...(item.error !== undefined && { error: item.error }),
    ...(item.problem && { problem: item.problem }),
    ...(item.files && { files: item.files }),
  };
}

export function hex(b: Uint8Array): string {
  return Array.from(b, (c) => c.toString(16).padStart(2, '0')).join('');
}

export function unhex(s: string): Uint8Array {
  return Uint8Array.from(s.match(/../g) ?? [], (x) => Number.parseInt(x, 16));
}

/** A topic of docs/protocol.md §3 in this organisation: `im/u/bob` is {area: 'im', kind: 'u', name: 'bob'}. */
export function parseTopic(topic: string, eid: string): { area: string; kind: string; name: string } | undefined {
  const [empty, e, org, area, kind, name, ...rest] = topic.split('/');
  if (empty !== '' || e !== 'e' || org !== eid || !area || !kind || !name || rest.length > 0) return undefined;
  return { area, kind, name };
}

/** `/e/{eid}/{area}/u/bob` for conversation `u:bob`. */
export function topicOf(eid: string, area: 'im' | 'typing', conv: string): string {
  return `/e/${eid}/${area}/${conv.slice(0, 1)}/${conv.slice(2)}`;
}
