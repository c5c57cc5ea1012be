// The service worker's part in a click on a notification.

/** What is used of a window of the app. */
export interface Page {
  url: string;
  visibilityState: string;
  focus(): Promise<unknown>;
  postMessage(message: unknown): void;
}

export interface Windows {
  matchAll(o: { type: 'window'; includeUncontrolled: boolean }): Promise<readonly Page[]>;
  openWindow(url: string): Promise<unknown>;
}

/** Pages of the app that can show a conversation; an administration page can't. */
const app = /^\/($|settings$|people$|people\/|c\/)/;

/** Shows what a notification is about: in a page that is open, the one that shows it already or is in sight before others; else in a new one. */
export async function clicked(path: unknown, windows: Windows): Promise<void> {
  if (typeof path !== 'string' || !app.test(path)) return;
  const all = await windows.matchAll({ type: 'window', includeUncontrolled: true });
  const pages = all.filter((page) => app.test(new URL(page.url).pathname));
  const page =
    pages.find((one) => new URL(one.url).pathname === path) ??
    pages.find((one) => one.visibilityState === 'visible') ??
    pages[0];
  if (!page) {
    await windows.openWindow(path);
    return;
  }
  page.postMessage({ open: path });
  await page.focus().catch(() => {}); // the browser may not allow it
}
