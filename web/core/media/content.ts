// What a message says of a file (docs/protocol.md §4), before and after the server has it; and how files are shared out over messages.

import { contentText } from '../payload/im';
import type { Medium } from '../types';
import type { Attachment, FileOptions, PendingFile, StoredFile } from './types';

export const contentImage = 0x01;
export const contentAudio = 0x02;
export const contentVideo = 0x03;
export const contentFile = 0x0f;

/** Media in one message: docs/protocol.md §4. */
export const mediaLimit = 7;

/** The content type as the name and the browser's guess have it. The server's word counts once it has the file. */
export function guessType(mime: string): number {
  if (/^image\/(jpeg|png|gif|webp)$/.test(mime)) return contentImage;
  if (mime.startsWith('audio/')) return contentAudio;
  if (mime.startsWith('video/')) return contentVideo;
  return mime === 'application/pdf' ? 0x07 : contentFile;
}

/** What a waiting message shows of a file. */
export function pendingContent(a: Attachment): Medium {
  const type = guessType(a.type);
  const { width: w, height: h } = a;
  return {
    type,
    content: {
      fn: a.name,
      ml: String(a.file.size),
      ...((type === contentImage || type === contentVideo) && w && h && { w, h }),
      ...((type === contentAudio || type === contentVideo) && a.duration !== undefined && { si: seconds(a.duration) }),
      ...(type === contentAudio && a.waveform && { wf: a.waveform }),
    },
  };
}

/** What the message says once the server has the file. before: what the waiting message showed. */
export function storedContent(f: StoredFile, file: PendingFile, before: Medium): Medium {
  const { re, at, wf } = before.content;
  const first = { ...(re !== undefined && { re }), ...(at !== undefined && { at }) };
  const named = { fn: f.name, ml: String(f.size) };
  const size = f.width > 0 && f.height > 0 ? { w: f.width, h: f.height } : {};
  const si = seconds(f.duration || file.duration || 0);
  const pictured = { ...named, ...size };
  switch (f.kind) {
    case contentImage: {
      const ph = f.placeholder && { ph: f.placeholder };
      const an = f.animated !== undefined && { an: f.animated };
      const or = f.original_url && { or: f.original_url };
      return {
        type: f.kind,
        content: { co: f.url, th: f.thumb_url || f.url, ...or, ...pictured, ...an, ...ph, ...first },
      };
    }
    case contentVideo: {
      const { width: w, height: h, still } = file;
      const th = still && { th: still.url };
      const ph = still?.placeholder && { ph: still.placeholder };
      const known = w && h ? { w, h } : {};
      return { type: f.kind, content: { co: f.url, ...th, ...pictured, ...known, ...(si && { si }), ...ph, ...first } };
    }
    case contentAudio:
      return { type: f.kind, content: { co: f.url, ...named, ...(si && { si }), ...(wf ? { wf } : {}), ...first } };
    default:
      return { type: f.kind, content: { co: f.url, ...named, ...first } };
  }
}

/** What one message is to carry. */
export interface Parcel {
  media: Medium[];
  /** files[i] is medium first + i. */
  files: Attachment[];
  first: number;
}

/** Shares files out over as few messages as there must be. The caption, the answer and the mentions go with the first. */
export function parcels(files: Attachment[], o: FileOptions = {}): Parcel[] {
  const list: Parcel[] = [];
  const caption = o.caption?.trim();
  for (let from = 0; from < files.length; ) {
    const text: Medium[] = from === 0 && caption ? [{ type: contentText, content: { co: caption } }] : [];
    const some = files.slice(from, from + mediaLimit - text.length);
    list.push({ media: [...text, ...some.map(pendingContent)], files: some, first: text.length });
    from += some.length;
  }
  const content = list[0]?.media[0]?.content;
  if (content && o.reply !== undefined) content.re = o.reply;
  if (content && o.mentions?.length) content.at = o.mentions;
  return list;
}

/** To a tenth, so that a short sound is not nothing. */
function seconds(n: number): number {
  return Math.round(n * 10) / 10;
}
