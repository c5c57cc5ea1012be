// What a message's media are, as far as lists, rows and players ask: no pictures, no sound.

import type { Medium, Message, PendingFile } from '../../core';
import { clean } from '../../ui/name';
import { t } from '../../ui/prefs';

export const image = 0x01;
export const audio = 0x02;
export const video = 0x03;
const pdf = 0x07;

/** A file of a message. */
export interface Shown {
  /** Which medium of the message. */
  at: number;
  type: number;
  content: Record<string, unknown>;
  /** It waits to be uploaded. */
  pending?: PendingFile | undefined;
}

/** Types that carry a link to a file: docs/protocol.md §4. */
export function isFile(type: number): boolean {
  return (type >= 0x01 && type <= 0x07) || type === 0x0f;
}

export function filesOf(m: Message): Shown[] {
  return m.media.flatMap(({ type, content }, at) =>
    isFile(type) ? [{ at, type, content, pending: m.files?.find((f) => f.at === at && !f.done) }] : [],
  );
}

/** A key of the content, if it is a text. */
export function words(content: Medium['content'], key: string): string {
  const value = content[key];
  return typeof value === 'string' ? value : '';
}

/** A key of the content, if it is a sensible amount. Numbers may come as text. */
export function amount(content: Medium['content'], key: string): number {
  const n = Number(content[key]);
  return Number.isFinite(n) && n > 0 ? n : 0;
}

/**
 * The link of a file, where it may be loaded: one of this server. Another site would learn who looks, and when. Only links
 * that /media/ begins are files of ours; a message may say anything.
 */
export function link(content: Medium['content'], key: 'co' | 'th' | 'or'): string {
  const value = words(content, key);
  if (!value || !URL.canParse(value, location.origin)) return '';
  const url = new URL(value, location.origin);
  return url.origin === location.origin && /^\/media\/[\w-]+(\/thumb|\/original)?$/.test(url.pathname)
    ? url.pathname
    : '';
}

export function fileName(content: Medium['content']): string {
  const name = words(content, 'fn');
  return name ? clean(name) : t.value.media.unnamed;
}

/** Moving pictures have no moving thumbnail: they are shown themselves, unless they are huge. Bytes. */
const movingLimit = 16_000_000;

/** What stands for a picture or film in a conversation. */
export function shownLink({ type, content }: Pick<Shown, 'type' | 'content'>): string {
  const thumb = link(content, 'th');
  if (type === video) return thumb;
  // Clients that do not say whether it moves leave its name to go by.
  const moves = typeof content.an === 'boolean' ? content.an : /\.(gif|webp)$/i.test(words(content, 'fn'));
  return (moves && amount(content, 'ml') < movingLimit ? link(content, 'co') : '') || thumb || link(content, 'co');
}

/** Minutes and seconds: "0:12". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const h = Math.floor(whole / 3600);
  const m = Math.floor(whole / 60) % 60;
  const s = String(whole % 60).padStart(2, '0');
  return h ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`;
}

/** A sound that was recorded for this, and not a file of music. */
export function isVoice({ type, content }: Pick<Shown, 'type' | 'content'>): boolean {
  return type === audio && (words(content, 'wf') !== '' || words(content, 'fn') === '');
}

export function isPdf(one: Shown): boolean {
  return one.type === pdf;
}

/** One line for a message with files: what they are; its caption, where it has one, says more. */
export function mediaSummary(m: Message): string {
  const files = filesOf(m);
  const text = t.value.media;
  const [first] = files;
  if (!first) return '';
  if (files.length > 1) {
    if (files.every((f) => f.type === image)) return text.photos(files.length);
    return text.files(files.length);
  }
  if (isVoice(first)) return text.voice(duration(amount(first.content, 'si')));
  if (first.type === image) return text.photoWord;
  if (first.type === video) return text.videoWord;
  return fileName(first.content);
}

/** The icon that stands for a message's files in one line. */
export function mediaIcon(m: Message): 'image' | 'video' | 'mic' | 'file' | undefined {
  const [first, ...others] = filesOf(m);
  if (!first) return undefined;
  if (others.some((f) => f.type !== first.type)) return 'file';
  if (first.type === image) return 'image';
  if (first.type === video) return 'video';
  return isVoice(first) ? 'mic' : 'file';
}
