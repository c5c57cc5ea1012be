// Parts that are loaded when they are first needed.

import { type Signal, signal } from '@preact/signals';
import type { ComponentType, VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { t } from '../../ui/prefs';
import { toast } from '../../ui/toast';

/** ms between two attempts to load. */
const again = 3000;

/** A component that comes with a chunk of its own; `instead` stands in its place until then. A load that fails is tried again while a view waits for it. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>, instead?: (p: P) => VNode | null) {
  const found: Signal<ComponentType<P> | undefined> = signal(undefined);
  let asked = false;
  const begin = async () => {
    if (asked) return;
    asked = true;
    try {
      found.value = await load();
    } catch {
      asked = false;
    }
  };
  function Lazy(p: P) {
    const Found = found.value;
    useEffect(() => {
      if (Found) return;
      const timer = setInterval(begin, again);
      return () => clearInterval(timer);
    }, [Found]);
    if (Found) return <Found {...p} />;
    void begin();
    return instead?.(p) ?? null;
  }
  return Object.assign(Lazy, { load: begin });
}

/** Runs what has to be loaded first; that it could not be is said. */
export function withPart<T>(load: Promise<T>, f: (part: T) => void): void {
  load.then(f, () => toast(t.peek().problem.network));
}
