// What pages of others have to load, as it is built.

import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { beforeAll, expect, test } from 'vitest';

let files: Map<string, Rolldown.OutputChunk | Rolldown.OutputAsset>;

beforeAll(async () => {
  const configFile = fileURLToPath(new URL('../../vite.config.ts', import.meta.url));
  const root = fileURLToPath(new URL('../../static', import.meta.url));
  const made = (await build({
    configFile,
    root,
    logLevel: 'error',
    build: { write: false },
  })) as Rolldown.RolldownOutput;
  files = new Map(made.output.map((file) => [file.fileName, file]));
});

function bytes(name: string): number {
  const file = files.get(name);
  if (!file) throw new Error(`${name} was not built.`);
  return gzipSync(file.type === 'chunk' ? file.code : file.source).length;
}

test('the loader is one script of at most 8 kB, gzipped, that defers nothing and asks for nothing', () => {
  expect(bytes('embed/loader.js')).toBeGreaterThan(1000); // it is really in there
  expect(bytes('embed/loader.js')).toBeLessThanOrEqual(8000);
  const code = String((files.get('embed/loader.js') as Rolldown.OutputAsset).source);
  // What a strict policy of a page would refuse.
  expect(code).not.toMatch(/\beval\(|new Function|innerHTML|\bimport\(|style\.cssText|setAttribute\([`'"]style/);
});

test('the panel’s first load is at most 120 kB, gzipped, with 10 kB of it left for the conversations', () => {
  const wanted = new Set<string>(['embed.html']);
  const add = (name: string) => {
    const file = files.get(name);
    if (wanted.has(name) || file?.type !== 'chunk') return;
    wanted.add(name);
    for (const css of file.viteMetadata?.importedCss ?? []) wanted.add(css);
    file.imports.forEach(add);
  };
  for (const file of files.values())
    if (
      file.type === 'chunk' &&
      (file.name === 'embed' ? file.isEntry : file.facadeModuleId?.endsWith('/ui/text/zh.ts'))
    )
      add(file.fileName);
  expect(wanted.size).toBeGreaterThan(3);
  const size = [...wanted].reduce((sum, name) => sum + bytes(name), 0);
  expect(size).toBeLessThanOrEqual(110_000);
});

test('the service worker keeps neither of them', () => {
  const worker = String((files.get('sw.js') as Rolldown.OutputChunk).code);
  const [list = ''] = /self\.shell=.*/.exec(worker) ?? [];
  expect(list).toContain('assets/');
  expect(list).not.toMatch(/embed|loader/);
});
