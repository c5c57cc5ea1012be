import { expect, test } from 'vitest';
import { storedContent } from './content';
import type { PendingFile, StoredFile } from './types';

const file: PendingFile = { key: 'k', at: 0, name: 'funny.jpg', type: 'image/jpeg', size: 9 };
const stored: StoredFile = {
  id: 'a',
  url: '/media/a',
  thumb_url: '/media/a/thumb',
  original_url: '',
  name: 'funny.gif',
  size: 9,
  type: 'image/gif',
  kind: 1,
  width: 4,
  height: 3,
  duration: 0.5,
  placeholder: '',
};

test('a message says whether a picture moves, where the server does', () => {
  const content = (f: StoredFile) => storedContent(f, file, { type: 1, content: { re: 3 } }).content;
  const usual = { co: '/media/a', th: '/media/a/thumb', fn: 'funny.gif', ml: '9', w: 4, h: 3, re: 3 };
  expect(content({ ...stored, animated: true })).toEqual({ ...usual, an: true });
  expect(content({ ...stored, animated: false })).toEqual({ ...usual, an: false });
  expect(content(stored)).toEqual(usual);
});
