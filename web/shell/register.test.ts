import { type Signal, signal } from '@preact/signals-core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { About, Core } from '../core';
import { keepShell } from './register';

const own = new URL('register.ts', import.meta.url).pathname;
const workers = Object.assign(new EventTarget(), { startMessages() {}, register: vi.fn() });
const registration = { update: vi.fn(async () => {}) };
const say = (shell: string[]) => workers.dispatchEvent(new MessageEvent('message', { data: { shell } }));

let core: { about: Signal<About | undefined>; foundUpdate: () => void };

beforeEach(() => {
  core = { about: signal<About | undefined>(undefined), foundUpdate: vi.fn() };
  vi.stubEnv('PROD', true);
  vi.stubGlobal('navigator', { serviceWorker: workers });
  workers.register.mockReset().mockResolvedValue(registration);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

test('a worker of another version means that there is a new one', () => {
  keepShell(core as unknown as Core);
  say(['/assets/other.js', own]);
  expect(core.foundUpdate).not.toHaveBeenCalled();
  say(['/assets/other.js']);
  expect(core.foundUpdate).toHaveBeenCalledTimes(1);
});

test('looks for a new version with every connection', async () => {
  keepShell(core as unknown as Core);
  await Promise.resolve();
  expect(workers.register).toHaveBeenCalledWith('/sw.js', { updateViaCache: 'none' });
  for (const version of ['1', '1', '2']) core.about.value = { name: 'Magpie', version, demo: false, setup: false };
  expect(registration.update).toHaveBeenCalledTimes(3);
});

test('goes without where the browser allows none', () => {
  workers.register.mockRejectedValue(new DOMException('no', 'SecurityError'));
  expect(() => keepShell(core as unknown as Core)).not.toThrow();
  vi.stubGlobal('navigator', {}); // a page that came over plain HTTP
  expect(() => keepShell(core as unknown as Core)).not.toThrow();
});
