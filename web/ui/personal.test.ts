import { afterEach, expect, test, vi } from 'vitest';
import { forgetPerson } from './personal';
import { fetchFiles, hold } from './source';

afterEach(() => vi.restoreAllMocks());

test('what was fetched for one person is asked for anew for the next', async () => {
  const revoked = vi.spyOn(URL, 'revokeObjectURL');
  const asked: string[] = [];
  fetchFiles(async (path) => {
    asked.push(path);
    return new Blob([path]);
  });
  const first = hold('/media/a');
  const url = await first.url;
  hold('/media/a').release();
  expect(asked).toEqual(['/media/a']);

  forgetPerson();
  await vi.waitFor(() => expect(revoked).toHaveBeenCalledWith(url));
  const second = hold('/media/a');
  expect(await second.url).not.toBe(url);
  expect(asked).toEqual(['/media/a', '/media/a']);

  first.release(); // a view that goes late takes nothing from the next
  forgetPerson();
  second.release();
});
