import { type Signal, signal } from '@preact/signals-core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { About, Connection, Core } from '../core';
import { keepShell } from './register';

const own = new URL('register.ts', import.meta.url).pathname;
const workers = Object.assign(new EventTarget(), {
  startMessages() {},
  register: vi.fn(),
  controller: undefined as object | undefined,
});
const registration = { update: vi.fn(async () => {}) };
const say = (shell: string[]) => workers.dispatchEvent(new MessageEvent('message', { data: { shell } }));

let core: { about: Signal<About | undefined>; connection: Signal<Connection>; foundUpdate: () => void };

beforeEach(() => {
  workers.controller = {};
  core = {
    about: signal<About | undefined>(undefined),
    connection: signal<Connection>({ state: 'connecting', stalled: false }),
    foundUpdate: vi.fn(),
  };
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

test('the first time, what the app needs comes first', () => {
  vi.useFakeTimers();
  workers.controller = undefined;
  keepShell(core as unknown as Core);
  vi.runAllTimers();
  expect(workers.register).not.toHaveBeenCalled();
  core.connection.value = { state: 'online', stalled: false };
  expect(workers.register).not.toHaveBeenCalled();
  vi.runAllTimers();
  core.connection.value = { state: 'connecting', stalled: false };
  core.connection.value = { state: 'online', stalled: false };
  vi.runAllTimers();
  expect(workers.register).toHaveBeenCalledTimes(1);
  vi.useRealTimers();
});
