import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

// The pages' HTML lies in static/, beside what is served as it stands (icons, manifest), and the build goes to static/dist,
// which the program embeds.
export default defineConfig({
  root: 'static',
  publicDir: false,
  resolve: { alias: { '/web': fileURLToPath(new URL('web', import.meta.url)) } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // light-dark() in the styles as it is written: these are the first that know it.
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { chat: fileURLToPath(new URL('static/index.html', import.meta.url)) } },
  },
  server: {
    fs: { allow: ['..'] },
    proxy: {
      '/api': 'http://127.0.0.1:8080',
      '/mqtt': { target: 'ws://127.0.0.1:8080', ws: true },
    },
  },
});
