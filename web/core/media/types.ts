// The shapes of files in messages: what the server answers, what waits to be sent, what views ask for.

import type { ReadonlySignal } from '@preact/signals-core';
import type { Page } from '../types';

/** What the server says of a file that it has taken (docs/media.md). */
export interface StoredFile {
  id: string;
  url: string;
  /** Empty where there is none, as the next. */
  thumb_url: string;
  original_url: string;
  name: string;
  /** Bytes. */
  size: number;
  /** MIME type, found in the content. */
  type: string;
  /** Content type of docs/protocol.md §4. */
  kind: number;
  /** Pixels; 0 where there are none. */
  width: number;
  height: number;
  /** Seconds. */
  duration: number;
  /** A picture that moves. Older servers do not say it. */
  animated?: boolean;
  /** A thumbhash in base64. */
  placeholder: string;
}

/** A file that somebody has chosen, with what the page has found out about it. */
export interface Attachment {
  file: Blob;
  name: string;
  /** MIME type as the browser has guessed it; the server looks for itself. */
  type: string;
  /** An image whose original is to be kept and shown. */
  original?: boolean;
  /** Pixels. */
  width?: number;
  height?: number;
  /** Seconds. */
  duration?: number;
  /** Bars of a voice message, a base-36 digit each. */
  waveform?: string;
  /** A still picture of a video. */
  poster?: Blob;
}

/** A file of a message that waits. It is kept on this device until the server has it. */
export interface PendingFile {
  /** Of the file, and of a video's still picture, in the store of files. */
  key: string;
  poster?: string;
  /** Which medium of the message it is. */
  at: number;
  name: string;
  type: string;
  /** Bytes. */
  size: number;
  original?: boolean;
  width?: number;
  height?: number;
  duration?: number;
  /** Where the upload goes on: a path. */
  upload?: string;
  /** The still picture is with the server. */
  still?: { url: string; placeholder: string };
  done?: boolean;
}

/** What went wrong, as it can be kept and told to other tabs. See Problem. */
export interface KeptProblem {
  status: number;
  detail: string;
  /** `/problems/` and the name. */
  type?: string;
  /** The number that it speaks of. */
  limit?: number;
}

/** How far a file has come. */
export interface Progress {
  /** Bytes that the server has, or that are on their way. */
  sent: number;
  /** Why it does not go on; it is tried again by itself. */
  problem?: KeptProblem;
}

/** A file of a conversation, for "files and images". */
export interface SharedFile {
  seq: number;
  /** RFC 3339. */
  ts: string;
  sender: string;
  /** Which medium of the message. */
  index: number;
  type: number;
  content: Record<string, unknown>;
}

/** Bytes. Quota 0: there is none. */
export interface StorageUse {
  used: number;
  quota: number;
  /** Most bytes of one file. */
  file_limit: number;
}

export interface OrgStorageUse {
  used: number;
  quota: number;
  files: number;
  users: { uid: string; name: string; used: number }[];
}

export interface FileOptions {
  /** Goes before the files. */
  caption?: string;
  /** seq of the message that it answers. */
  reply?: number;
  mentions?: string[];
}

/** Files, as views use them. */
export interface MediaCore {
  /** Keeps the files and queues messages of at most 7 media each; the caption goes with the first. Resolves when all of it is kept. */
  send(conv: string, files: Attachment[], o?: FileOptions): Promise<void>;
  /** How far a file of a waiting message has come: by its key. */
  progress(key: string): ReadonlySignal<Progress>;
  /** A file that waits, to show it; undefined when it is no longer here. */
  local(key: string): Promise<Blob | undefined>;
  /** ids of messages with files that this device could not keep: they go with the page. */
  readonly passing: ReadonlySignal<ReadonlySet<string>>;
  /** The bytes at a path below /media/, for where there is no cookie by which an element could load them. Throws Problem. */
  load(path: string): Promise<Blob>;
  /** Tries at once what waits for its next attempt. */
  nudge(): void;
  /** Uploads a picture for a person or a group and returns its link. Throws Problem. */
  avatar(picture: Blob, signal?: AbortSignal): Promise<string>;
  /** Throws Problem. */
  shared(conv: string, kind: 'image' | 'file', cursor?: string): Promise<Page<SharedFile>>;
  storage(): Promise<StorageUse>;
  /** For administrators. */
  orgStorage(): Promise<OrgStorageUse>;
}
