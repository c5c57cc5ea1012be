// The pictures of a conversation in their order: those of the messages that are here, and older ones as the server lists them.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Item, Message, SharedFile } from '../../core';
import { useCore } from '../context';
import { filesOf, image, video } from './describe';

/** A picture or film of a message that the server has. */
export interface Picture {
  seq: number;
  at: number;
  /** Milliseconds since 1970. */
  ts: number;
  sender: string;
  type: number;
  content: Record<string, unknown>;
}

export function picturesOf(items: readonly Item[]): Picture[] {
  return items
    .filter((one): one is Message & { seq: number } => !('notice' in one) && one.seq !== undefined)
    .flatMap((m) =>
      filesOf(m)
        .filter((f) => f.type === image || f.type === video)
        .map(({ at, type, content }) => ({ seq: m.seq, at, ts: m.ts, sender: m.sender, type, content })),
    );
}

export function fromShared(f: SharedFile): Picture {
  return { seq: f.seq, at: f.index, ts: Date.parse(f.ts), sender: f.sender, type: f.type, content: f.content };
}

/** Joins two lists, oldest first, each picture once. */
export function merged(a: readonly Picture[], b: readonly Picture[]): Picture[] {
  const all = new Map([...a, ...b].map((p) => [`${p.seq} ${p.at}`, p]));
  return [...all.values()].sort((x, y) => x.seq - y.seq || x.at - y.at);
}

/** All pictures as far as they are known; `older` asks the server for more, newest first, until there are some before the oldest. */
export function useGallery(conv: string, begin: Picture[]): { pictures: Picture[]; older(): void } {
  const core = useCore();
  const [pictures, setPictures] = useState(begin);
  const state = useRef<{ cursor: string | null | undefined; busy: boolean }>({ cursor: undefined, busy: false });
  useEffect(() => {
    const view = core.open(conv);
    setPictures((now) => merged(now, picturesOf(view.items.peek())));
    return () => view.close();
  }, [core, conv]);
  const older = async () => {
    const s = state.current;
    if (s.busy || s.cursor === null) return;
    s.busy = true;
    try {
      const page = await core.media.shared(conv, 'image', s.cursor);
      s.cursor = page.next;
      setPictures((now) => merged(now, page.items.map(fromShared)));
    } catch {
      // What is here can be looked at; the next step asks again.
    } finally {
      s.busy = false;
    }
  };
  return { pictures, older: () => void older() };
}
