// Where views load files from. A page of ours loads them by their path, with a cookie that scripts can't read. A panel in another page has no
// cookies: there each file is fetched with the access token, and shown as a blob.

import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { personal } from './personal';

type Fetch = (path: string) => Promise<Blob>;

interface Held {
  url: Promise<string>;
  users: number;
  /** Bytes, once it is here. */
  size: number;
}

/** Bytes of files that nothing shows any more and that are kept in case it comes back. */
const spare = 32_000_000;

/** Goes up when files may be had that could not be: somebody is signed in again, or the network is back. */
export const chances = signal(0);

let fetching: Fetch | undefined;
/** By path, the least lately used first. */
const held = new Map<string, Held>();

/** From now on files are fetched. */
export function fetchFiles(by: Fetch): void {
  fetching = by;
}

/** Whether the browser can't load a file by itself: then no address of one leads anywhere. */
export function areFetched(): boolean {
  return fetching !== undefined;
}

function isFetched(path: string): boolean {
  return areFetched() && path.startsWith('/media/');
}

export interface Source {
  /** Empty until it is known. */
  src: string;
  failure?: unknown;
}

/** What an element is to load for the file at a path; other addresses stay what they are. */
export function useSource(path = ''): Source {
  const fetched = isFetched(path);
  const [found, setFound] = useState<Source & { path: string }>();
  useEffect(() => {
    if (!fetched) return;
    let gone = false;
    const one = hold(path);
    one.url.then(
      (src) => gone || setFound({ path, src }),
      (failure) => gone || setFound({ path, src: '', failure }),
    );
    return () => {
      gone = true;
      one.release();
    };
  }, [path, fetched]);
  if (!fetched) return { src: path };
  return found?.path === path ? found : { src: '' };
}

/** The same outside a view; the address is good until it is released. */
export function hold(path: string): { url: Promise<string>; release(): void } {
  if (!fetching || !isFetched(path)) return { url: Promise.resolve(path), release() {} };
  const one = held.get(path) ?? begin(path, fetching);
  one.users++;
  held.delete(path);
  held.set(path, one);
  let released = false;
  return {
    url: one.url,
    release() {
      if (released) return;
      released = true;
      one.users--;
      tidy();
    },
  };
}

/** Has the browser save a file under a name. Throws Problem. */
export async function save(path: string, name: string): Promise<void> {
  const one = hold(path);
  const a = document.createElement('a');
  a.href = await one.url;
  a.download = name;
  a.click();
  setTimeout(one.release, 60_000); // some browsers read it only after they have asked where to put it
}

function begin(path: string, by: Fetch): Held {
  const one: Held = { users: 0, size: 0, url: Promise.resolve('') };
  one.url = by(path).then((file) => {
    one.size = file.size;
    return URL.createObjectURL(file);
  });
  one.url.catch(() => {
    if (held.get(path) === one) held.delete(path); // whoever asks next tries again
  });
  return one;
}

function tidy(): void {
  const idle = [...held].filter(([, one]) => one.users === 0);
  let size = idle.reduce((sum, [, one]) => sum + one.size, 0);
  for (const [path, one] of idle) {
    if (size <= spare) return;
    size -= one.size;
    drop(path, one);
  }
}

function drop(path: string, one: Held): void {
  held.delete(path);
  one.url.then((url) => URL.revokeObjectURL(url)).catch(() => {});
}

// Whether the next person may have a file, the server says.
personal(() => {
  for (const [path, one] of held) drop(path, one);
});
