import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Core, Person } from '../core';

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

/** `u:bob` → `['u', 'bob']` */
export function split(conv: string): ['u' | 'g', string] {
  return [conv[0] === 'g' ? 'g' : 'u', conv.slice(2)];
}
