// The part of a server that takes files, for tests: POST /media and tus, in memory. It can be told to fail.

import type { Answer, Request } from '../media/transfer';
import { noAnswer } from '../media/transfer';
import type { StoredFile } from '../media/types';

interface Upload {
  size: number;
  parts: Uint8Array[];
  offset: number;
  name: string;
  media?: StoredFile;
  problem?: { status: number; type: string; detail: string };
}

export class FakeFiles {
  readonly calls: string[] = [];
  readonly uploads = new Map<string, Upload>();
  readonly taken: { name: string; bytes: number; fields: Record<string, string> }[] = [];
  /** Why no file can be made of one that has come in whole. */
  spoils: (name: string) => Upload['problem'] | undefined = () => undefined;
  /** The links of all files that were made. */
  readonly stored: string[] = [];
  /** Looked at before every call: what it returns is the answer; undefined: the call goes through; 'none': nothing answers. */
  before: (r: Request, path: string) => Answer | 'none' | undefined | Promise<Answer | 'none' | undefined> = () =>
    undefined;
  /** After a call has done its work, its answer is lost. */
  losesAnswer: (r: Request, path: string) => boolean = () => false;
  /** Most calls that were under way at a time. */
  most = 0;
  private now = 0;
  private last = 0;

  readonly transfer = async (r: Request): Promise<Answer> => {
    const path = new URL(r.url).pathname.replace('/api/v1', '');
    this.calls.push(`${r.method} ${path}`);
    this.most = Math.max(this.most, ++this.now);
    try {
      const said = await this.before(r, path);
      if (r.signal?.aborted) throw r.signal.reason;
      if (said === 'none') throw noAnswer();
      const a = said ?? (await this.answer(r, path));
      if (this.losesAnswer(r, path)) throw noAnswer();
      return a;
    } finally {
      this.now--;
    }
  };

  private async answer(r: Request, path: string): Promise<Answer> {
    if (r.method === 'POST' && path === '/media') {
      const form = r.body as FormData;
      const file = form.get('file') as File;
      const fields = Object.fromEntries([...form].filter(([k]) => k !== 'file')) as Record<string, string>;
      this.taken.push({ name: file.name, bytes: file.size, fields });
      return json(201, this.store(file.name, file.size, Number(fields.duration ?? 0)));
    }
    if (r.method === 'POST' && path === '/uploads') {
      const id = String(++this.last);
      const name = atob(/filename (\S+?)(,|$)/.exec(r.headers['Upload-Metadata'] ?? '')?.[1] ?? '');
      this.uploads.set(id, { size: Number(r.headers['Upload-Length']), parts: [], offset: 0, name });
      return {
        status: 201,
        text: '',
        header: (h) => (h === 'Location' ? `http://elsewhere/api/v1/uploads/${id}` : null),
      };
    }
    const id = path.replace('/uploads/', '');
    const u = this.uploads.get(id);
    if (!u) return json(404, { detail: 'There is no such upload.' });
    if (r.method === 'DELETE') {
      this.uploads.delete(id);
      return json(204, undefined);
    }
    if (r.method === 'GET') {
      const state = u.media ? 'done' : u.problem ? 'failed' : 'uploading';
      return json(200, { state, offset: u.offset, size: u.size, media: u.media, problem: u.problem });
    }
    if (Number(r.headers['Upload-Offset']) !== u.offset) return json(409, { detail: 'Not there.' });
    const piece = new Uint8Array(await (r.body as Blob).arrayBuffer());
    u.parts.push(piece);
    u.offset += piece.length;
    if (u.offset === u.size) {
      const problem = this.spoils(u.name);
      if (problem) {
        u.problem = problem;
        return json(problem.status, problem);
      }
      u.media = this.store(u.name, u.size, 0);
    }
    return { status: 204, text: '', header: (h) => (h === 'Upload-Offset' ? String(u.offset) : null) };
  }

  private store(name: string, size: number, duration: number): StoredFile {
    const id = `m${++this.last}`;
    this.stored.push(`/media/${id}`);
    const image = /\.(png|jpg)$/.test(name);
    const kind = image ? 1 : name.endsWith('.webm') ? 2 : name.endsWith('.mp4') ? 3 : 15;
    return {
      id,
      url: `/media/${id}`,
      thumb_url: image ? `/media/${id}/thumb` : '',
      original_url: '',
      name,
      size,
      type: '',
      kind,
      width: image ? 40 : 0,
      height: image ? 30 : 0,
      duration,
      placeholder: image ? 'aGFzaA==' : '',
    };
  }
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  const all: Record<string, string> = { 'Content-Type': 'application/json', ...headers };
  return { status, text: JSON.stringify(body) ?? '', header: (name) => all[name] ?? null };
}
