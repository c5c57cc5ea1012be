import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Calls, type Emit, type Running } from './calls';
import type { Options } from './types';

let made: { o: Options; emit: Emit; done: string[]; resolve: () => void }[];
let complaints: ReturnType<typeof vi.spyOn>;
let installed: boolean;
let calls: Calls;

beforeEach(() => {
  made = [];
  complaints = vi.spyOn(console, 'error').mockImplementation(() => {});
  installed = true;
  calls = new Calls({
    begin(o, emit): Running {
      if (o.tokenUrl === undefined) throw new Error('there is no tokenUrl');
      const done: string[] = [];
      const note =
        (what: string) =>
        (arg?: unknown): never => {
          done.push(arg === undefined ? what : `${what} ${JSON.stringify(arg)}`);
          return undefined as never;
        };
      let resolve = () => {};
      const ready = new Promise<void>((r) => {
        resolve = r;
      });
      made.push({ o, emit, done, resolve });
      return {
        app: o.app,
        ready,
        again: (o) => {
          note('again')(o.theme);
          return ready;
        },
        identify: note('identify'),
        openChat: note('openChat'),
        show: note('show'),
        hide: note('hide'),
        toggle: note('toggle'),
        setTheme: note('setTheme'),
        setLocale: note('setLocale'),
        unread: () => 3,
        logout: note('logout'),
        end: note('end'),
      };
    },
    install: () => {
      installed = true;
    },
    uninstall: () => {
      installed = false;
    },
  });
});

afterEach(() => {
  complaints.mockRestore();
});

const call = (method: unknown, ...args: unknown[]) => calls.call(method, args);
const options = { app: 'oa-prod', tokenUrl: '/t' };

describe('before the script, and before boot', () => {
  test('what was queued is done in its order, whatever shape the queue has', async () => {
    const ready = vi.fn();
    const queue: Iterable<unknown>[] = [['on', 'ready', ready], ['show'], ['openChat', { user: 'bob' }]];
    (function (..._: unknown[]) {
      // biome-ignore lint/complexity/noArguments: it is what the snippet for pages puts into the queue.
      queue.push(arguments);
    })('boot', options);
    calls.drain(queue);
    await vi.waitFor(() => expect(made[0]?.done).toEqual(['show', 'openChat {"user":"bob"}']));
    made[0]?.emit('ready', { user: 'alice' });
    expect(ready).toHaveBeenCalledWith({ user: 'alice' });
  });

  test('a call before boot waits for it', async () => {
    const unread = call('unread');
    const boot = call('boot', options);
    expect(await unread).toBe(3);
    made[0]?.resolve();
    await boot;
  });

  test('a call that waits is refused when destroy comes before boot', async () => {
    const show = call('show');
    await call('destroy');
    await expect(show).rejects.toThrow('destroyed');
  });
});

test('boot happens once for an app, and is refused for another', async () => {
  void call('boot', options);
  await vi.waitFor(() => expect(made).toHaveLength(1));
  void call('boot', { ...options, theme: 'dark' });
  await vi.waitFor(() => expect(made[0]?.done).toEqual(['again "dark"']));
  await expect(call('boot', { ...options, app: 'other' })).rejects.toMatchObject({
    code: 'call',
    message: expect.stringContaining('"oa-prod"'),
  });
  expect(made).toHaveLength(1);
});

test('boot with something that is no app, or without a source of tokens, is refused and may be called again', async () => {
  for (const bad of [undefined, null, {}, { app: 7 }, { app: 'Ü' }, { app: 'oa-prod' }]) {
    await expect(call('boot', bad), JSON.stringify(bad)).rejects.toMatchObject({ code: 'call' });
  }
  void call('boot', options);
  await vi.waitFor(() => expect(made).toHaveLength(1));
});

test('after destroy all is refused but boot, which works again', async () => {
  const heard = vi.fn();
  void call('on', 'unread', heard);
  void call('boot', options);
  await call('destroy');
  expect(made[0]?.done).toEqual(['end']);
  expect(installed).toBe(false);
  made[0]?.emit('unread', 5);
  expect(heard).not.toHaveBeenCalled();
  for (const method of ['show', 'openChat', 'unread', 'on', 'off', 'destroy', 'identify']) {
    await expect(call(method, 'unread', heard), method).rejects.toThrow('destroyed');
  }
  void call('boot', options);
  await vi.waitFor(() => expect(made).toHaveLength(2));
  expect(installed).toBe(true);
  expect(await call('unread')).toBe(3);
});

describe('events', () => {
  test('a listener is told until it is taken away, by what on gave or by off', async () => {
    const [a, b, c] = [vi.fn(), vi.fn(), vi.fn()];
    const away = (await call('on', 'unread', a)) as () => void;
    await call('on', 'unread', b);
    await call('on', 'unread', c);
    calls.emit('unread', 1);
    away();
    await call('off', 'unread', b);
    calls.emit('unread', 2);
    await call('off', 'unread');
    calls.emit('unread', 3);
    expect([a, b, c].map((f) => f.mock.calls.flat())).toEqual([[1], [1], [1, 2]]);
  });

  test('an unknown event, method or listener is said', async () => {
    const told = vi.fn();
    await call('on', 'error', told);
    await expect(call('on', 'unred', told)).rejects.toThrow('unred');
    await expect(call('on', 'unread')).rejects.toThrow('function');
    await expect(call('opn')).rejects.toThrow('opn');
    expect(told.mock.calls.map(([e]) => e.code)).toEqual(['call', 'call', 'call']);
    expect(complaints).not.toHaveBeenCalled();
  });

  test('an error that nobody listens for goes to the console, and never throws', async () => {
    await expect(call('nothing')).rejects.toThrow();
    expect(complaints).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('nothing'));
  });

  test('a listener that throws holds up no other, and its fault is the page’s to hear', async () => {
    const faults: unknown[] = [];
    const later = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((f) => {
      try {
        f();
      } catch (e) {
        faults.push(e);
      }
    });
    const after = vi.fn();
    calls.call('on', [
      'unread',
      () => {
        throw new Error('of the page');
      },
    ]);
    calls.call('on', ['unread', after]);
    calls.emit('unread', 1);
    expect(after).toHaveBeenCalledOnce();
    expect(faults).toMatchObject([{ message: 'of the page' }]);
    later.mockRestore();
  });
});
