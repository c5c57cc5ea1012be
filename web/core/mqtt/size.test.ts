import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('the MQTT client has at most 15 kB, minified and gzipped', async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('client.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  const [file] = outputFiles;
  expect(outputFiles).toHaveLength(1);
  const size = gzipSync(file?.contents ?? '').length;
  expect(size).toBeGreaterThan(1000); // it is really in there
  expect(size).toBeLessThanOrEqual(15_000);
});
