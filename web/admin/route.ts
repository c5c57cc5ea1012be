import { signal } from '@preact/signals';

export const sections = [
  'overview',
  'people',
  'departments',
  'groups',
  'announcements',
  'reports',
  'policies',
  'apps',
  'sessions',
  'audit',
  'organisations',
  'backups',
] as const;
export type Section = (typeof sections)[number];

/** Where the administrator is. The address bar is the state, filters and all, so that back, reload and links work. */
export interface Place {
  section: Section | 'lost';
  /** What of the section is open. */
  id: string;
  query: Readonly<Record<string, string>>;
}

/** What `/admin` itself shows. */
const first: Section = 'overview';

export function parse(path: string, search: string): Place {
  const [root, section = first, id = '', ...rest] = path.split('/').filter(Boolean).map(decode);
  const query = Object.fromEntries(new URLSearchParams(search));
  const known = sections.find((one) => one === section);
  return root === 'admin' && known && rest.length === 0
    ? { section: known, id, query }
    : { section: 'lost', id: '', query };
}

/** The address of a section, or of one thing in it. */
export function address(section: Section, id = '', query: Record<string, string> = {}): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return `/admin/${section}${id && `/${encodeURIComponent(id)}`}${search && `?${search}`}`;
}

export const place = signal<Place>(parse(location.pathname, location.search));

export function go(to: string, how: 'push' | 'replace' = 'push'): void {
  const url = new URL(to, location.origin);
  if (url.pathname + url.search === location.pathname + location.search) return;
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', to);
  place.value = parse(url.pathname, url.search);
}

/** Opens one thing of the present section, or none, and keeps the filters. */
export function openOne(id: string): void {
  go(hrefOf(id));
}

/** The address of one thing of the present section under the present filters. */
export function hrefOf(id: string): string {
  const { section, query } = place.value;
  return section === 'lost' ? '/admin' : address(section, id, query);
}

/** Changes filters of the present section; '' takes one away. */
export function filter(change: Record<string, string>): void {
  const { section, id, query } = place.peek();
  if (section !== 'lost') go(address(section, id, { ...query, ...change }), 'replace');
}

addEventListener('popstate', () => {
  place.value = parse(location.pathname, location.search);
});

/** A click handler for links: an ordinary click stays in the page, anything else is the browser's. */
export function follow(e: MouseEvent & { currentTarget: HTMLAnchorElement }): void {
  if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || e.defaultPrevented) return;
  e.preventDefault();
  go(e.currentTarget.pathname + e.currentTarget.search);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
