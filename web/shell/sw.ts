// The service worker, /sw.js.

import { clicked } from './clicked';
import { type Shell, ShellCache } from './shell';

declare const self: ServiceWorkerGlobalScope & { shell: Shell };

const cache = new ShellCache(self.shell, {
  origin: self.location.origin,
  caches: self.caches,
  fetch: (...a) => self.fetch(...a),
});

// A new version takes over at once. Pages that are open keep the files of theirs, and are told.
self.addEventListener('install', (e) => {
  e.waitUntil(cache.install().then(() => self.skipWaiting()));
});

self.addEventListener('activate', (e) => {
  e.waitUntil(
    (async () => {
      await cache.clean();
      await self.clients.claim();
      for (const page of await self.clients.matchAll({ type: 'window' }))
        page.postMessage({ shell: self.shell.assets });
    })(),
  );
});

self.addEventListener('fetch', (e) => {
  const answer = cache.answer(e.request);
  if (answer) e.respondWith(answer);
});

self.addEventListener('notificationclick', (e) => {
  e.notification.close();
  e.waitUntil(clicked((e.notification.data as { path?: unknown } | null)?.path, self.clients));
});
