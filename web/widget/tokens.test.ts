import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fromUrl, NoToken, obtain, type Surroundings } from './tokens';

let ending: AbortController;
let online: boolean;
let comeBack: () => void;
let s: Surroundings;

beforeEach(() => {
  vi.useFakeTimers();
  ending = new AbortController();
  online = true;
  s = {
    fetch: () => Promise.reject(new Error('not here')),
    online: () => online,
    back: () =>
      new Promise((resolve) => {
        comeBack = () => {
          online = true;
          resolve();
        };
      }),
    signal: ending.signal,
  };
});
afterEach(() => {
  vi.useRealTimers();
});

/** What a promise has become so far. */
function watch(p: Promise<unknown>) {
  const seen: { value?: unknown; error?: unknown } = {};
  p.then(
    (value) => {
      seen.value = value;
    },
    (error) => {
      seen.error = error;
    },
  );
  return seen;
}

test('a token that fails is tried six times, ever later, and then given up', async () => {
  const get = vi.fn(async () => {
    throw new Error('500');
  });
  const seen = watch(obtain(get, s));
  await vi.advanceTimersByTimeAsync(0);
  for (const [i, wait] of [1000, 2000, 5000, 15_000, 60_000].entries()) {
    await vi.advanceTimersByTimeAsync(wait - 1);
    expect(get).toHaveBeenCalledTimes(i + 1);
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(seen.error).toBeInstanceOf(NoToken);
  expect((seen.error as Error).message).toContain('500');
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect(get).toHaveBeenCalledTimes(6);
});

test('it comes as soon as the host answers again', async () => {
  let left = 2;
  const get = async () => {
    if (left-- > 0) throw new TypeError('Failed to fetch');
    return 'a.b.c';
  };
  const seen = watch(obtain(get, s));
  await vi.advanceTimersByTimeAsync(3000);
  expect(seen.value).toBe('a.b.c');
});

test('without a network nothing is tried or counted', async () => {
  online = false;
  const get = vi.fn(async () => 'a.b.c');
  const seen = watch(obtain(get, s));
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(get).not.toHaveBeenCalled();
  comeBack();
  await vi.advanceTimersByTimeAsync(0);
  expect(seen.value).toBe('a.b.c');
});

test('nobody signed in is an answer, and is not asked again', async () => {
  for (const none of [null, undefined, '']) {
    const get = vi.fn(async () => none);
    expect(await obtain(get, s)).toBe(null);
    expect(get).toHaveBeenCalledOnce();
  }
});

test('the end leaves no timer', async () => {
  const get = vi.fn(async () => {
    throw new Error('500');
  });
  const seen = watch(obtain(get, s));
  await vi.advanceTimersByTimeAsync(500);
  ending.abort(new Error('gone'));
  await vi.advanceTimersByTimeAsync(0);
  expect(seen.error).toMatchObject({ message: 'gone' });
  expect(vi.getTimerCount()).toBe(0);
});

test('an address is asked by POST, as the host’s own pages ask', async () => {
  const fetch = vi.fn<(...a: Parameters<typeof globalThis.fetch>) => Promise<Response>>(async () =>
    Response.json({ token: 'a.b.c' }),
  );
  expect(await fromUrl('https://oa.example/t', { ...s, fetch })()).toBe('a.b.c');
  expect(fetch.mock.calls[0]).toMatchObject([
    'https://oa.example/t',
    { method: 'POST', headers: { 'X-Requested-With': 'magpie' }, redirect: 'error' },
  ]);
});

test.each([401, 403])('%s says that nobody is signed in', async (status) => {
  expect(await fromUrl('https://oa.example/t', { ...s, fetch: async () => new Response('', { status }) })()).toBe(null);
});

test.each([
  ['an error', () => new Response('', { status: 502 })],
  ['a page', () => new Response('<!doctype html>')],
  ['no token', () => Response.json({ jwt: 'a.b.c' })],
  ['a token that is none', () => Response.json({ token: 7 })],
  ['nothing', () => Response.json(null)],
])('%s in the place of a token is a failure', async (_, answer) => {
  await expect(fromUrl('https://oa.example/t', { ...s, fetch: async () => answer() })()).rejects.toThrow();
});
