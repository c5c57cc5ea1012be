import { beforeAll, expect, test, vi } from 'vitest';

beforeAll(() => {
  vi.stubGlobal('location', { origin: 'https://chat.example' });
});

test('only files of this server are loaded', async () => {
  vi.stubGlobal('navigator', { languages: ['en'] });
  vi.stubGlobal('document', { documentElement: { dataset: {} } });
  const { link } = await import('./describe');
  const co = (value: unknown) => link({ co: value }, 'co');
  expect(co('/media/a1-B_2')).toBe('/media/a1-B_2');
  expect(co('https://chat.example/media/a1/thumb')).toBe('/media/a1/thumb');
  for (const foreign of [
    'https://evil.example/media/a1',
    '//evil.example/media/a1',
    '/media/../api/v1/me',
    '/api/v1/me',
    '/media/a1/other',
    'javascript:alert(1)',
    '/\\evil.example/media/a1',
    '',
    7,
    undefined,
  ])
    expect(co(foreign)).toBe('');
});

test('how long and how large, in words', async () => {
  const { duration } = await import('./describe');
  const { bytes } = await import('../../ui/format');
  expect([0.4, 12, 59.6, 61, 3723].map(duration)).toEqual(['0:00', '0:12', '1:00', '1:01', '1:02:03']);
  expect([0, 999, 1024, 3500, 12_345_678, 100 * 1024 ** 2, 2 ** 31].map(bytes)).toEqual([
    '0 B',
    '999 B',
    '1 KB',
    '3.4 KB',
    '12 MB',
    '100 MB',
    '2 GB',
  ]);
});

test('a picture that moves is shown itself, by what the sender says of it, or else by its name', async () => {
  const { shownLink } = await import('./describe');
  const shown = (content: Record<string, unknown>, type = 1) =>
    shownLink({ type, content: { co: '/media/a', th: '/media/a/thumb', ml: '1000', ...content } });
  expect(shown({ fn: 'funny.jpg', an: true })).toBe('/media/a');
  expect(shown({ fn: 'still.webp', an: false })).toBe('/media/a/thumb');
  expect(shown({ fn: 'old.gif' })).toBe('/media/a');
  expect(shown({ fn: 'old.png' })).toBe('/media/a/thumb');
  expect(shown({ fn: 'huge.gif', an: true, ml: '20000000' })).toBe('/media/a/thumb');
  expect(shown({ fn: 'clip.gif', an: true }, 3)).toBe('/media/a/thumb');
});
