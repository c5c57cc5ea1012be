/** What this browser remembers. Storage can be blocked or full: then a choice lasts as long as the page. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(`magpie.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`magpie.${key}`, value);
  } catch {
    // Not worth a word to the person.
  }
}
