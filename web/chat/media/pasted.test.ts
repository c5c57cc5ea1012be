import { expect, test } from 'vitest';
import { pastedFiles } from './pasted';

const one = new File(['x'], 'x.png');
const pasted = (...types: string[]) => pastedFiles({ types, files: [one] as unknown as FileList });

test.each<[string, string[], boolean]>([
  ['a screenshot', ['Files'], true],
  ['a file from Finder, with its name', ['text/plain', 'Files'], true],
  ['a picture copied in a browser', ['text/html', 'Files'], true],
  ['a table, with its picture', ['text/plain', 'text/html', 'text/rtf', 'Files'], false],
  ['a formatted text, with its picture', ['text/plain', 'text/rtf', 'Files'], false],
  ['a page, with its picture', ['text/plain', 'text/html', 'Files'], false],
])('%s', (_what, types, file) => {
  expect(pasted(...types)).toEqual(file ? [one] : []);
});

test('nothing at all', () => {
  expect(pastedFiles(null)).toEqual([]);
});
