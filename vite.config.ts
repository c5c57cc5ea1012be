import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

/** Writes into the service worker which files the app consists of (web/shell/shell.ts). */
const shell: Plugin = {
  name: 'shell',
  enforce: 'post',
  generateBundle(_options, bundle) {
    const worker = bundle['sw.js'];
    const page = bundle['index.html'];
    if (worker?.type !== 'chunk' || page?.type !== 'asset') throw new Error('There is no sw.js or no index.html.');
    const assets = Object.keys(bundle).filter((name) => name.startsWith('assets/'));
    const version = createHash('sha256').update(worker.code).update(page.source).update(assets.join()).digest('hex');
    const it = { version: version.slice(0, 16), assets: assets.map((name) => `/${name}`) };
    worker.code = `self.shell=${JSON.stringify(it)};\n${worker.code}`;
  },
};

// The pages' HTML lies in static/, beside what is served as it stands (icons, manifest), and the build goes to static/dist,
// which the program embeds.
export default defineConfig({
  root: 'static',
  publicDir: false,
  plugins: [shell],
  resolve: { alias: { '/web': fileURLToPath(new URL('web', import.meta.url)) } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // light-dark() in the styles as it is written: these are the first that know it.
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        chat: fileURLToPath(new URL('static/index.html', import.meta.url)),
        sw: fileURLToPath(new URL('web/shell/sw.ts', import.meta.url)),
      },
      // The worker's name must stay: a browser asks for it again by its address.
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
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
