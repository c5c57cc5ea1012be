// Uploads that go on where they stopped: tus 1.0 (https://tus.io/protocols/resumable-upload), with creation and termination, and the
// server's answer of what became of the file (docs/media.md).

import type { Api } from '../api/http';
import { Problem, type ProblemBody } from '../problem';
import { authorized, type Transfer } from './transfer';
import type { StoredFile } from './types';

const prefix = '/api/v1/uploads';
const version = { 'Tus-Resumable': '1.0.0' };
const mebi = 1024 * 1024;
/** Bytes of one PATCH. The size follows the speed: what breaks off has to be sent again. */
const smallest = mebi;
const largest = 16 * mebi;
/** ms that one PATCH should take. */
const pace = 2000;
/** ms between two questions whether the server has made a medium of the bytes. */
const pollDelay = 500;

export interface TusOptions {
  api: Api;
  transfer: Transfer;
  signal: AbortSignal;
  /** Where the upload goes on, or undefined to begin. */
  upload: string | undefined;
  metadata: Record<string, string>;
  /** The upload has an address. */
  onCreated: (upload: string) => void;
  /** Bytes that the server has or that are on their way. */
  onProgress: (sent: number) => void;
  now: () => number;
  wait: (ms: number) => Promise<void>;
}

interface State {
  state: 'uploading' | 'done' | 'failed';
  offset: number;
  media?: StoredFile;
  problem?: ProblemBody;
}

/** Throws Problem: 0 and 5xx can be tried again and go on; what is below is final. */
export async function upload(file: Blob, o: TusOptions): Promise<StoredFile> {
  let path = o.upload;
  let offset = 0;
  if (path) {
    const s = await state(path, o);
    if (s === undefined)
      path = undefined; // expired, or of another server's data
    else {
      const made = finished(s);
      if (made) return made;
      offset = s.offset;
    }
  }
  if (!path) {
    path = await create(file, o);
    o.onCreated(path);
  }
  let size = smallest;
  for (;;) {
    o.onProgress(offset);
    if (offset < file.size) {
      const began = o.now();
      offset = await patch(path, file, offset, size, o);
      const took = o.now() - began;
      size = Math.min(largest, Math.max(smallest, took < pace / 2 ? size * 2 : took > pace * 2 ? size / 2 : size));
      continue;
    }
    const s = await state(path, o);
    const made = s && finished(s);
    if (made) return made;
    if (!s) throw new Problem(503, 'Gone', 'The upload is no more. It begins anew.');
    if (s.offset < file.size)
      offset = s.offset; // the server lost power before all of it was on its disk
    else await o.wait(pollDelay);
  }
}

/** Ends an upload that is no longer wanted. Throws Problem. */
export async function terminate(path: string, o: { api: Api; transfer: Transfer }): Promise<void> {
  await authorized(o.api, o.transfer, path, { method: 'DELETE', headers: version });
}

async function create(file: Blob, o: TusOptions): Promise<string> {
  const metadata = Object.entries(o.metadata).map(([key, value]) => `${key} ${base64(value)}`);
  const headers = { ...version, 'Upload-Length': String(file.size), 'Upload-Metadata': metadata.join(',') };
  const a = await authorized(o.api, o.transfer, prefix, { method: 'POST', headers, signal: o.signal });
  const location = a.header('Location');
  // Of an address only the path is used: a server behind a proxy may not know its own name.
  const path = location && new URL(location, o.api.address(`${prefix}/`)).pathname;
  if (!path?.startsWith(`${prefix}/`)) throw new Problem(502, 'Bad answer', 'The server named no place to upload to.');
  return path;
}

/** Sends one piece. Returns where the next begins. A conflict shows that an answer was lost: the next attempt asks where to go on. */
async function patch(path: string, file: Blob, offset: number, size: number, o: TusOptions): Promise<number> {
  const headers = { ...version, 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' };
  const body = file.slice(offset, offset + size);
  const onProgress = (sent: number) => o.onProgress(offset + Math.min(sent, body.size));
  const a = await authorized(o.api, o.transfer, path, { method: 'PATCH', headers, body, onProgress, signal: o.signal });
  const next = Number(a.header('Upload-Offset'));
  if (next > offset && next <= file.size) return next;
  throw new Problem(502, 'Bad answer', 'The server did not say how much of the file it has.');
}

/** undefined: there is no such upload. */
async function state(path: string, o: TusOptions): Promise<State | undefined> {
  try {
    const headers = { Accept: 'application/json' };
    return JSON.parse((await authorized(o.api, o.transfer, path, { method: 'GET', headers, signal: o.signal })).text);
  } catch (e) {
    if (e instanceof Problem && (e.status === 404 || e.status === 410)) return undefined;
    throw e;
  }
}

function finished(s: State): StoredFile | undefined {
  if (s.state === 'failed') {
    const p = s.problem ?? {};
    throw Problem.of(p.status ?? 422, { detail: 'The server could not use this file.', ...p });
  }
  return s.state === 'done' ? s.media : undefined;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
