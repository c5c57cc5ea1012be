// What would take the page away by mistake, with something that is nowhere else.

import { useEffect } from 'preact/hooks';
import { useCore } from './context';

/** The browser asks before the page goes with files that it alone has. */
export function useStay(): void {
  const risky = useCore().media.passing.value.size > 0;
  useEffect(() => {
    if (!risky) return;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [risky]);
}
