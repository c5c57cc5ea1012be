// The page's side of the service worker.

import type { Core } from '../core';

/** ms for the conversations to come in. */
const patience = 2000;

/** Keeps the app's files in the browser, where it allows that (secure contexts), and tells the core when there is a new version of them. */
export function keepShell(core: Core): void {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!import.meta.env.PROD || !workers) return;
  workers.addEventListener('message', (e) => {
    const { shell } = e.data as { shell?: string[] };
    // The page itself may be the new one: it came from the server, before the worker that keeps it.
    if (shell && !shell.includes(new URL(import.meta.url).pathname)) core.foundUpdate();
  });
  workers.startMessages();
  const register = () =>
    workers.register('/sw.js', { updateViaCache: 'none' }).then(
      (registration) => {
        // The core asks the server about itself with every connection: the moment to look for a new version.
        core.about.subscribe((about) => {
          if (about) registration.update().catch(() => {});
        });
      },
      () => {}, // forbidden by the browser's settings: the app works without
    );
  if (workers.controller) {
    void register();
    return;
  }
  // The first time, the worker fetches the parts of the app that are not needed yet: after what is.
  let first = true;
  core.connection.subscribe(({ state }) => {
    if (!first || state !== 'online') return;
    first = false;
    setTimeout(register, patience);
  });
}
