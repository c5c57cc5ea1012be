// Changes of a thing that others change too, by buttons that need no form.

import { Problem } from '../core/problem';
import { api } from './client';

interface Change {
  method?: 'PATCH' | 'DELETE';
  /** After /api/v1. */
  path: string;
  body?: object;
  /** That which one sees. */
  version: number;
}

/**
 * Makes a change of the version that one sees. Throws Problem: when somebody else was faster (412), after `now` has had the thing as they made it, so
 * that one sees that, and the next try is of it.
 */
export async function change<T>(
  { method = 'PATCH', path, body, version }: Change,
  now: (current: T) => void,
): Promise<T> {
  try {
    return await api.request<T>(method, path, { ...(body && { body }), version });
  } catch (e) {
    if (e instanceof Problem && e.status === 412 && e.names.current) now(e.names.current as T);
    throw e;
  }
}
