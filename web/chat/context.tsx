import { computed } from '@preact/signals';
import { createContext } from 'preact';
import { useContext, useMemo } from 'preact/hooks';
import type { Conversation, Core, Person } from '../core';

const CoreContext = createContext<Core | undefined>(undefined);

export const CoreProvider = CoreContext.Provider;

export function useCore(): Core {
  const core = useContext(CoreContext);
  if (!core) throw new Error('no core above this view');
  return core;
}

/** A person, followed: the view renders again when the name, picture or presence changes. */
export function usePerson(uid: string): Person {
  return useCore().person(uid).value;
}

/** What of a conversation a view shows, followed: the view renders again when that changes, not with every message. undefined: it is not in the list. */
export function useConversation<T>(conv: string, pick: (c: Conversation) => T): T | undefined {
  const core = useCore();
  const picked = useMemo(
    () =>
      computed(() => {
        const c = core.conversations.value.find((one) => one.conv === conv);
        return c && pick(c);
      }),
    [core, conv],
  );
  return picked.value;
}

/** `u:bob` → `['u', 'bob']` */
export function split(conv: string): ['u' | 'g', string] {
  return [conv[0] === 'g' ? 'g' : 'u', conv.slice(2)];
}
