import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { build, defineConfig, type Plugin, type Rolldown } from 'vite';

/** Writes into the service worker which files the app consists of (web/shell/shell.ts). */
const shell: Plugin = {
  name: 'shell',
  enforce: 'post',
  generateBundle(_options, bundle) {
    const worker = bundle['sw.js'];
    const page = bundle['index.html'];
    if (worker?.type !== 'chunk' || page?.type !== 'asset') throw new Error('There is no sw.js or no index.html.');
    const others = without(reach(bundle, ['admin', 'reset', 'embed']), reach(bundle, ['chat']));
    const assets = Object.keys(bundle).filter((name) => name.startsWith('assets/') && !others.has(name));
    const version = createHash('sha256').update(worker.code).update(page.source).update(assets.join()).digest('hex');
    const it = { version: version.slice(0, 16), assets: assets.map((name) => `/${name}`) };
    worker.code = `self.shell=${JSON.stringify(it)};\n${worker.code}`;
  },
};

// light-dark() in the styles as it is written: these are the first that know it.
const target = ['chrome123', 'edge123', 'firefox120', 'safari17.5'];

/** The one classic script for pages of others (web/widget/loader.ts): whole in itself, under a name that stays. */
const loader: Plugin = {
  name: 'loader',
  apply: 'build',
  async generateBundle() {
    const entry = fileURLToPath(new URL('web/widget/loader.ts', import.meta.url));
    const made = await build({
      configFile: false,
      publicDir: false,
      logLevel: 'warn',
      oxc: { typescript: { removeClassFieldsWithoutInitializer: true }, assumptions: { setPublicClassFields: true } },
      build: { write: false, target, lib: { entry, formats: ['iife'], name: 'magpieLoader' } },
    });
    const [output] = [made].flat() as Rolldown.RolldownOutput[];
    const [chunk, ...others] = output?.output ?? [];
    if (!chunk || others.length > 0) throw new Error('The loader is not one file.');
    this.emitFile({ type: 'asset', fileName: 'embed/loader.js', source: chunk.code });
  },
};

/** The files that entries of these names need, now or later. */
function reach(bundle: Rolldown.OutputBundle, entries: string[]): Set<string> {
  const found = new Set<string>();
  const add = (name: string) => {
    const file = bundle[name];
    if (!file || found.has(name)) return;
    found.add(name);
    if (file.type !== 'chunk') return;
    const { importedCss = [], importedAssets = [] } = file.viteMetadata ?? {};
    for (const one of [...file.imports, ...file.dynamicImports, ...importedCss, ...importedAssets]) add(one);
  };
  for (const file of Object.values(bundle)) {
    if (file.type === 'chunk' && file.isEntry && entries.includes(file.name)) add(file.fileName);
  }
  return found;
}

/** The modules that pages need before they show anything. */
function eager(entries: string[], modules: Rolldown.ChunkingContext): Set<string> {
  const found = new Set<string>();
  const add = (id: string) => {
    if (found.has(id)) return;
    found.add(id);
    for (const one of modules.getModuleInfo(id)?.importedIds ?? []) add(one);
  };
  for (const id of entries) add(id);
  return found;
}

const pages = {
  chat: fileURLToPath(new URL('static/index.html', import.meta.url)),
  admin: fileURLToPath(new URL('static/admin.html', import.meta.url)),
  reset: fileURLToPath(new URL('static/reset.html', import.meta.url)),
  embed: fileURLToPath(new URL('static/embed.html', import.meta.url)),
};

/** Names the file of the modules that the chat needs at once, and one of these other pages as well. */
function shared(name: string, ...others: (keyof typeof pages)[]): Rolldown.CodeSplittingGroup {
  let [chat, other]: Set<string>[] = [];
  return {
    debugName: name,
    name: (id, modules) => {
      chat ??= eager([pages.chat], modules);
      other ??= eager(
        others.map((page) => pages[page]),
        modules,
      );
      return chat.has(id) && other.has(id) ? name : null;
    },
  };
}

function without(all: Set<string>, some: Set<string>): Set<string> {
  return new Set([...all].filter((name) => !some.has(name)));
}

// The pages' HTML lies in static/, beside what is served as it stands (icons, manifest), and the build goes to static/dist,
// which the program embeds.
export default defineConfig({
  root: 'static',
  publicDir: false,
  plugins: [shell, loader],
  resolve: { alias: { '/web': fileURLToPath(new URL('web', import.meta.url)) } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        ...pages,
        sw: fileURLToPath(new URL('web/shell/sw.ts', import.meta.url)),
      },
      // The worker's name must stay: a browser asks for it again by its address.
      output: {
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
        // What the chat needs at once lies in two files, of which the administration needs the first as well. Left alone, the build makes one
        // for each set of pages that share a module, and the heads of so many answers weigh more than what is in them.
        codeSplitting: { groups: [shared('base', 'admin', 'reset'), shared('app', 'embed')] },
      },
    },
  },
  server: {
    fs: { allow: ['..'] },
    proxy: {
      '/api': 'http://127.0.0.1:8080',
      '/mqtt': { target: 'ws://127.0.0.1:8080', ws: true },
    },
  },
});
