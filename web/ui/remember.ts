/** The page stands in a page of somebody else: it remembers nothing, and changes nothing of what pages of our own remember. */
export const framed = globalThis.parent !== globalThis.self;

/** What this browser remembers. Storage can be blocked or full: then a choice lasts as long as the page. */
export function recall(key: string): string | null {
  try {
    return framed ? null : localStorage.getItem(`magpie.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    if (!framed) localStorage.setItem(`magpie.${key}`, value);
  } catch {
    // Not worth a word to the person.
  }
}

/** Calls take when another tab of this browser remembers something else. */
export function followed(key: string, take: () => void): void {
  if (framed) return;
  globalThis.addEventListener?.('storage', (e) => {
    if (e.key === `magpie.${key}`) take();
  });
}
