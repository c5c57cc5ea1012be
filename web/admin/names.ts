// Names of people whom other things speak of by their uids, read in batches when they are first shown.

import { type Signal, signal } from '@preact/signals';
import { api, refused, withQuery } from './client';
import type { Account } from './types';

interface Named {
  name: string;
  avatar: string;
}

/** The server's bound of one request. */
const batch = 100;

/** ms until those are asked for again whose names did not come. */
const pause = 5000;

const known = new Map<string, Signal<Named | undefined>>();
let wanted: string[] = [];

/** Somebody's name and picture; the uid stands for the name until it is known. Followed by signals. */
export function named(uid: string): Named {
  let one = known.get(uid);
  if (!one) {
    one = signal(undefined);
    known.set(uid, one);
    want([uid]);
  }
  return one.value ?? { name: uid, avatar: '' };
}

function want(uids: string[]): void {
  if (wanted.length === 0) queueMicrotask(read);
  wanted.push(...uids);
}

async function read(): Promise<void> {
  const all = wanted;
  wanted = [];
  for (let i = 0; i < all.length; i += batch) {
    const part = all.slice(i, i + batch);
    try {
      const path = withQuery('/users', { limit: batch, uids: part.join(',') });
      const { items } = await api.get<{ items: Account[] }>(path);
      for (const { uid, name, avatar } of items) {
        const one = known.get(uid);
        if (one) one.value = { name, avatar };
      }
    } catch (e) {
      // The uids stand for them meanwhile.
      if (!refused(e)) setTimeout(() => want(part), pause);
    }
  }
}
