// Messages by keyboard: arrows walk from one to the next, Enter goes to what one can do with it, Esc back.

/** Handles a key in the list of messages. The list itself has the focus, or one of its messages, or one of their tools. */
export function walk(list: HTMLElement, e: KeyboardEvent): void {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
  const here = document.activeElement;
  if (here?.closest('.message-tools')) {
    among(list, here, e);
    return;
  }
  const on = here?.matches('.message') ? here : undefined;
  if (!on && here !== list) return; // a link, a picture: its keys are its own
  const all = [...list.querySelectorAll<HTMLElement>('.message')];
  const at = on ? all.indexOf(on as HTMLElement) : -1;
  let to: HTMLElement | undefined;
  if (e.key === 'ArrowUp') to = on ? all[Math.max(0, at - 1)] : lowestInSight(list, all);
  else if (e.key === 'ArrowDown') to = on ? all[at + 1] : undefined;
  else if (e.key === 'Home' && on) to = all[0];
  else if (e.key === 'End' && on) to = all.at(-1);
  else if (on && (e.key === 'Enter' || e.key === 'ContextMenu' || (e.key === 'F10' && e.shiftKey)))
    to = list.querySelector<HTMLElement>('.message-tools button') ?? undefined;
  else if (on && e.key === 'Escape') to = list;
  else return;
  if (!to) return;
  e.preventDefault();
  to.focus({ preventScroll: true });
  if (to !== list) to.scrollIntoView({ block: 'nearest' });
}

function among(list: HTMLElement, here: Element, e: KeyboardEvent): void {
  const all = [...list.querySelectorAll<HTMLElement>('.message-tools button')];
  const at = all.indexOf(here as HTMLElement);
  const key = (here.closest('.message-tools') as HTMLElement).dataset.of ?? '';
  let to: HTMLElement | null | undefined;
  if (e.key === 'ArrowRight') to = all[(at + 1) % all.length];
  else if (e.key === 'ArrowLeft') to = all.at(at - 1);
  else if (e.key === 'Escape') to = list.querySelector<HTMLElement>(`.message[data-key="${CSS.escape(key)}"]`);
  if (!to) return;
  e.preventDefault();
  to.focus({ preventScroll: true });
}

/** Up and down in a list of links. */
export function walkRows(list: HTMLElement, e: KeyboardEvent): void {
  if (e.ctrlKey || e.metaKey || e.altKey || (e.key !== 'ArrowDown' && e.key !== 'ArrowUp')) return;
  const all = [...list.querySelectorAll<HTMLElement>('a.row')];
  const at = all.indexOf(document.activeElement as HTMLElement);
  const to = at === -1 ? undefined : all[at + (e.key === 'ArrowDown' ? 1 : -1)];
  if (!to) return;
  e.preventDefault();
  to.focus();
}

/** Where one begins: the last message that is wholly to be seen. */
function lowestInSight(list: HTMLElement, all: HTMLElement[]): HTMLElement | undefined {
  const foot = list.getBoundingClientRect().bottom;
  return all.findLast((row) => row.getBoundingClientRect().bottom <= foot + 1) ?? all.at(-1);
}

/** From the search box down into what it found; Enter takes the first of it. */
export function searchKey(e: KeyboardEvent, list: HTMLElement | null): void {
  if (e.isComposing || e.defaultPrevented || e.altKey || e.ctrlKey || e.metaKey) return;
  if (e.key !== 'ArrowDown' && e.key !== 'Enter') return;
  const first = list?.querySelector<HTMLElement>('.row');
  if (!first) return;
  e.preventDefault();
  if (e.key === 'Enter') first.click();
  else first.focus();
}
