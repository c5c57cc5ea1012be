// Makes the npm package of the client in build/client: `npm run package`, then `npm pack ./build/client`.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../../..');
const out = process.argv[2] ? resolve(process.argv[2]) : join(root, 'build/client');

await build({
  configFile: false,
  logLevel: 'warn',
  publicDir: false,
  build: {
    outDir: out,
    emptyOutDir: true,
    target: 'es2023',
    minify: false,
    lib: { entry: resolve(here, '../index.ts'), formats: ['es'], fileName: 'index' },
    rolldownOptions: { external: ['@preact/signals-core'], output: { chunkFileNames: '[name].js' } },
  },
});

const types = join(out, 'types');
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', here, '--outDir', types], {
  stdio: 'inherit',
});
keepReached();
for (const name of ['package.json', 'README.md']) copyFileSync(join(here, name), join(out, name));
copyFileSync(join(root, 'LICENSE'), join(out, 'LICENSE'));

/** Of the declarations only those stay that the first one needs; Node's own resolution wants their names whole. */
function keepReached() {
  const reached = new Map();
  const reach = (/** @type {string} */ file) => {
    if (reached.has(file)) return;
    reached.set(file, '');
    const text = readFileSync(file, 'utf8').replace(/(from |import\()(['"])(\.[^'"]*)\2/g, (_, before, quote, to) => {
      reach(`${resolve(dirname(file), to)}.d.ts`);
      return `${before}${quote}${to}.js${quote}`;
    });
    reached.set(file, text);
  };
  reach(join(types, 'index.d.ts'));
  rmSync(types, { recursive: true });
  for (const [file, text] of reached) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const known = readdirSync(types, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  console.log(`${relative(root, out)}: ${known.length} declarations`);
}
