// Makes the npm package of the client: the folder bin/client, ready for `npm pack` and `npm publish`.

import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = new URL('../../', import.meta.url);
const to = new URL('bin/client/', root);
const path = (name, base = root) => fileURLToPath(new URL(name, base));
const { version, license, devDependencies } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
const dependencies = Object.fromEntries(['@preact/signals-core', 'idb'].map((name) => [name, devDependencies[name]]));

await rm(to, { recursive: true, force: true });
await mkdir(to, { recursive: true });
await build({
  entryPoints: [path('web/core/index.ts')],
  bundle: true,
  packages: 'external',
  format: 'esm',
  target: 'es2023',
  outfile: path('index.js', to),
});
const tsc = path('node_modules/typescript/bin/tsc');
const declarations = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', path('types', to)];
execFileSync(process.execPath, [tsc, '-p', path('web/core'), ...declarations], { stdio: 'inherit' });
await rm(new URL('types/testing/', to), { recursive: true });
// Node's own resolution of modules wants names of files, as those that it loads have them.
for (const name of await readdir(new URL('types/', to), { recursive: true })) {
  if (!name.endsWith('.d.ts')) continue;
  const file = new URL(`types/${name}`, to);
  await writeFile(file, (await readFile(file, 'utf8')).replace(/(from |import\()(['"])(\.[^'"]+)\2/g, '$1$2$3.js$2'));
}
await cp(path('web/core/README.md'), path('README.md', to));
await cp(path('LICENSE'), path('LICENSE', to));
const about = {
  name: 'magpie-client',
  version,
  description: 'The client of Magpie, without a page: sign-in, conversations, messages, files',
  license,
  type: 'module',
  sideEffects: false,
  exports: { '.': { types: './types/index.d.ts', default: './index.js' } },
  files: ['index.js', 'types'],
  dependencies,
};
await writeFile(new URL('package.json', to), `${JSON.stringify(about, null, 2)}\n`);
