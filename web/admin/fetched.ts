import { useCallback, useEffect, useState } from 'preact/hooks';
import { statusOf } from '../ui/problem';
import { api } from './client';

export interface Fetched<T> {
  value: T | undefined;
  /** What went wrong the last time: beside a value, that is as it was before. */
  error: unknown;
  /** Asks again; what is there stays until another answer comes, or until the server says that it is gone. */
  again(): void;
  put(value: T): void;
}

interface Found<T> {
  path: string;
  value?: T;
  error?: unknown;
}

/** What is there after a request for a path has failed. */
export function failed<T>(before: Found<T>, path: string, error: unknown): Found<T> {
  return before.path === path && statusOf(error) !== 404 ? { ...before, error } : { path, error };
}

/** One thing of the server, by its path after /api/v1; '' asks for nothing. */
export function useFetched<T>(path: string): Fetched<T> {
  const [found, setFound] = useState<Found<T>>({ path: '' });
  const [times, setTimes] = useState(0);
  useEffect(() => {
    if (!path) return;
    let stale = false;
    api.get<T>(path).then(
      (value) => !stale && setFound({ path, value }),
      (error) => !stale && setFound((before) => failed(before, path, error)),
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
