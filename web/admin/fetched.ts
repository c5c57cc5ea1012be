import { useCallback, useEffect, useState } from 'preact/hooks';
import { api } from './client';

export interface Fetched<T> {
  value: T | undefined;
  error: unknown;
  /** Asks again; what is there stays until the answer comes. */
  again(): void;
  put(value: T): void;
}

/** One thing of the server, by its path after /api/v1; '' asks for nothing. */
export function useFetched<T>(path: string): Fetched<T> {
  const [found, setFound] = useState<{ path: string; value?: T; error?: unknown }>({ path: '' });
  const [times, setTimes] = useState(0);
  useEffect(() => {
    if (!path) return;
    let stale = false;
    api.get<T>(path).then(
      (value) => !stale && setFound({ path, value }),
      (error) => !stale && setFound({ path, error }),
    );
    return () => {
      stale = true;
    };
  }, [path, times]);
  const again = useCallback(() => setTimes((n) => n + 1), []);
  const put = useCallback((value: T) => setFound({ path, value }), [path]);
  const mine = found.path === path;
  return { value: mine ? found.value : undefined, error: mine ? found.error : undefined, again, put };
}
