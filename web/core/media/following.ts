import { type ReadonlySignal, signal } from '@preact/signals-core';
import { signedOut } from '../problem';
import type { Media } from './media';
import type { MediaCore } from './types';

/** The files of whoever is signed in; a view that lives a moment longer shows nothing. */
export function mediaOf(now: () => Media | undefined, passing: ReadonlySignal<ReadonlySet<string>>): MediaCore {
  const need = () => {
    const media = now();
    if (!media) throw signedOut();
    return media;
  };
  return {
    send: async (conv, files, o) => need().send(conv, files, o),
    progress: (key) => now()?.progress(key) ?? signal({ sent: 0 }),
    local: async (key) => now()?.local(key),
    passing,
    load: async (path) => need().load(path),
    nudge: () => now()?.nudge(),
    avatar: async (picture, signal) => need().avatar(picture, signal),
    shared: async (conv, kind, cursor) => need().shared(conv, kind, cursor),
    storage: async () => need().storage(),
    orgStorage: async () => need().orgStorage(),
  };
}
