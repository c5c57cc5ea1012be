// What would take the page away by mistake, with something that is nowhere else.

import { useEffect } from 'preact/hooks';
import { useCore } from './context';

/** The browser asks before the page goes with files that it alone has, and shows none in its place that is dropped beside where files go. */
export function useStay(): void {
  const risky = useCore().media.passing.value.size > 0;
  useEffect(() => {
    if (!risky) return;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [risky]);
  useEffect(() => {
    // Before all others hear of it: where files are welcome they say so then.
    const refuse = (e: DragEvent) => {
      if (!hasFiles(e.dataTransfer)) return;
      e.preventDefault();
      e.dataTransfer.dropEffect = 'none';
    };
    addEventListener('dragover', refuse, true);
    addEventListener('drop', refuse, true);
    return () => {
      removeEventListener('dragover', refuse, true);
      removeEventListener('drop', refuse, true);
    };
  }, []);
}

export function hasFiles(data: DataTransfer | null): data is DataTransfer {
  return data?.types.includes('Files') ?? false;
}
