// What runs in a page before its own scripts.

/** Notes what the page says at its foot for a while, as it may be gone before a test looks. */
export function noting(): void {
  const told: string[] = [];
  Object.assign(window, { told });
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes) if (node instanceof Element && node.matches('.toast')) told.push(node.textContent);
  }).observe(document, { childList: true, subtree: true });
}

/** Counts what is added to the page and not taken away again. */
export function counting(): void {
  if (top !== self) return;
  const w = window as unknown as { left: () => string[]; Magpie?: unknown };
  // What has been added to the page's own objects and not been taken away again.
  const listeners = new Set<string>();
  const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
  const name = (target: unknown, type: string, f: unknown) =>
    `${Object.prototype.toString.call(target)} ${type} ${String(f).slice(0, 60)}`;
  const watched = (target: unknown) =>
    target === window ||
    target === undefined ||
    target instanceof Document ||
    target instanceof HTMLHtmlElement ||
    target instanceof HTMLBodyElement;
  EventTarget.prototype.addEventListener = function (type: string, f: never, o?: boolean | AddEventListenerOptions) {
    const one = name(this ?? window, type, f);
    if (watched(this)) {
      listeners.add(one);
      if (typeof o === 'object' && o.signal) add.call(o.signal, 'abort', () => listeners.delete(one));
    }
    return add.call(this ?? window, type, f, o);
  };
  EventTarget.prototype.removeEventListener = function (type: string, f: never, o?: boolean | EventListenerOptions) {
    listeners.delete(name(this ?? window, type, f));
    return remove.call(this ?? window, type, f, o);
  };
  const timers = new Set<unknown>();
  const { setTimeout: set, clearTimeout: clear } = window;
  window.setTimeout = ((f: () => void, ms: number) => {
    const id = set(() => {
      timers.delete(id);
      f();
    }, ms);
    timers.add(id);
    return id;
  }) as never;
  window.clearTimeout = ((id: number) => {
    timers.delete(id);
    clear(id);
  }) as never;
  w.left = () => [
    ...listeners,
    ...[...timers].map(String),
    ...('Magpie' in w ? ['Magpie'] : []),
    ...[...document.querySelectorAll('magpie-launcher, iframe')].map((el) => el.localName),
  ];
}

/** Timers of so many ms never end: what they wait for is as quick as it would be on a machine that nobody else uses. */
export function withoutTimers(ms: number): void {
  const { setTimeout: set } = window;
  window.setTimeout = ((f: () => void, after?: number) => (after === ms ? 0 : set(f, after))) as never;
}

/** Queues calls before the loader is there, and notes all events. */
export function listening(): void {
  if (top !== self) return;
  const w = window as unknown as { heard: string[]; Magpie: ((...a: unknown[]) => void) & { q: unknown[] } };
  w.heard = [];
  const queue = Object.assign((...call: unknown[]) => queue.q.push(call), { q: [] as unknown[] });
  w.Magpie = queue as never;
  for (const event of ['ready', 'open', 'close', 'unread', 'message', 'connection', 'auth-expired', 'error'])
    queue('on', event, (it: { code?: string } | undefined) =>
      w.heard.push(`${event} ${JSON.stringify(it instanceof Error ? it.code : (it ?? ''))}`),
    );
}
