import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import { Files, keyOf } from './files';

let number = 0;
const open = (name = `files-${++number}`, memory = false) => {
  const told: string[] = [];
  return { name, told, files: new Files(name, { memory, onlyHere: (key) => told.push(key) }) };
};
const blob = (text: string) => new Blob([text]);
const text = async (b: Blob | undefined) => b?.text();

test('what is kept is there for the next page, until it is deleted', async () => {
  const { name, files, told } = open();
  await files.put('a', blob('one'));
  await files.close({ wipe: false });
  const next = open(name).files;
  expect(await text(await next.get('a'))).toBe('one');
  await next.delete(['a']);
  expect(await next.get('a')).toBeUndefined();
  expect(told).toEqual([]);
  await next.close({ wipe: true });
});

test('signing out leaves nothing', async () => {
  const { name, files } = open();
  await files.put('a', blob('one'));
  await files.close({ wipe: true });
  const next = open(name).files;
  expect(await next.get('a')).toBeUndefined();
  await next.close({ wipe: true });
});

test('without a database files stand in memory, and other tabs are told', async () => {
  const { files, told } = open(undefined, true);
  await files.put('a', blob('one'));
  expect(told).toEqual(['a']);
  expect(await text(await files.get('a'))).toBe('one');
  const other = open(undefined, true).files;
  other.take('a', blob('one'));
  expect(await text(await other.get('a'))).toBe('one');
});

test('what a page that died has left is swept, but nothing that is wanted or young', async () => {
  const { files } = open();
  const [old, wanted, young] = [keyOf(1000), keyOf(2000), keyOf(9000)];
  for (const key of [old, wanted, young]) await files.put(key, blob(key));
  await files.sweep(new Set([wanted]), 5000);
  expect(await files.get(old)).toBeUndefined();
  expect(await text(await files.get(wanted))).toBe(wanted);
  expect(await text(await files.get(young))).toBe(young);
  await files.close({ wipe: true });
});
