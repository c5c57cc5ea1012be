import { expect, test, vi } from 'vitest';

const { get } = vi.hoisted(() => ({ get: vi.fn() }));
vi.mock('./client', () => ({ api: { get }, refused: () => false, withQuery: (path: string) => path }));

test('names that did not come are asked for again, and come to what shows them already', async () => {
  vi.useFakeTimers();
  const { named } = await import('./names');
  const { effect } = await import('@preact/signals');
  get.mockRejectedValueOnce(new TypeError('no network'));
  get.mockResolvedValueOnce({ items: [{ uid: 'ann', name: 'Ann Lee', avatar: '' }] });
  const shown: string[] = [];
  effect(() => void shown.push(named('ann').name));
  await vi.advanceTimersByTimeAsync(0);
  expect(get).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(get).toHaveBeenCalledTimes(2);
  expect(shown).toEqual(['ann', 'Ann Lee']);
  vi.useRealTimers();
});
