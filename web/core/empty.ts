// What a view shows that lives a moment longer than the login.

import { signal } from '@preact/signals-core';
import type * as t from './types';

export function emptyView(conv: string): t.ConversationView {
  const no = signal(false);
  return {
    conv,
    items: signal([]),
    hasOlder: no,
    loading: no,
    error: signal(undefined),
    typing: signal([]),
    loadOlder: async () => {},
    hasNewer: no,
    loadNewer: async () => {},
    loadAround: async () => false,
    loadNewest: async () => {},
    written: signal(0),
    markRead() {},
    follow() {},
    close() {},
  };
}
