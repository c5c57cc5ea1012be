import { vi } from 'vitest';
import type { Core } from '../types';
import type { FakeServer } from './server';

/** Signs all out while time is faked, so that nothing of a test goes on behind it; time is real again after that. */
export async function leave(server: FakeServer, cores: Core[]): Promise<void> {
  server.offline = false;
  server.slow = async () => {};
  let out = false;
  void Promise.all(cores.map((c) => c.logout())).then(() => {
    out = true;
  });
  while (!out) {
    await vi.advanceTimersByTimeAsync(100);
    await new Promise(setImmediate);
  }
  vi.useRealTimers();
}
