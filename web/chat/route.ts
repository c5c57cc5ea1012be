import { signal } from '@preact/signals';

/** Where the person is. The address bar is the state, so that back, reload and links work. */
export type Route =
  | { view: 'chats'; conv?: string; info?: boolean }
  | { view: 'people'; uid?: string }
  | { view: 'settings' }
  | { view: 'setup' }
  /** An invitation link. */
  | { view: 'join' }
  /** An address that leads nowhere. */
  | { view: 'lost' };

/** Ids of users and groups: docs/protocol.md §1. */
const id = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function parse(path: string): Route {
  const [first, second, third] = path.split('/').filter(Boolean).map(decode);
  switch (first) {
    case 'c':
      if (!second) return { view: 'chats' };
      return /^[ug]:/.test(second) && id.test(second.slice(2))
        ? { view: 'chats', conv: second, info: third === 'info' }
        : { view: 'lost' };
    case 'people':
      if (!second) return { view: 'people' };
      return id.test(second) ? { view: 'people', uid: second } : { view: 'lost' };
    case 'settings':
      return { view: 'settings' };
    case 'join':
      return { view: 'join' };
    case 'setup':
      return { view: 'setup' };
    case undefined:
      return { view: 'chats' };
    default:
      return { view: 'lost' };
  }
}

export const href = {
  chats: '/',
  people: '/people',
  settings: '/settings',
  conv: (conv: string, info = false) => `/c/${encode(conv)}${info ? '/info' : ''}`,
  person: (uid: string) => `/people/${encode(uid)}`,
};

export const route = signal<Route>(parse(location.pathname));

/** In a panel, whose address and history are another page's: our own pages up to this one. */
let trail: string[] | undefined;
/** Where one may go there. */
let allowed: (r: Route) => boolean = () => true;

/** Leaves the address alone from now on. may: a route that it refuses leads nowhere. */
export function keepInside(path: string, may: (r: Route) => boolean): void {
  trail = [path];
  allowed = may;
  route.value = parse(path);
}

// How many of our own pages lie before this one: with none, "back" has to go up instead of leaving the site.
const depth = () => (history.state as { depth?: number } | null)?.depth ?? 0;

export function go(path: string, how: 'push' | 'replace' = 'push'): void {
  if (trail) {
    if (path === trail.at(-1) || !allowed(parse(path))) return;
    if (how === 'replace') trail.pop();
    trail.push(path);
    route.value = parse(path);
    return;
  }
  if (path === location.pathname) return;
  if (how === 'push') history.pushState({ depth: depth() + 1 }, '', path);
  else history.replaceState({ depth: depth() }, '', path);
  route.value = parse(path);
}

/** One step back in our own pages, or to `parent` when this page was opened from outside. */
export function back(parent: string): void {
  if (trail && trail.length > 1) {
    trail.pop();
    route.value = parse(trail.at(-1) ?? parent);
  } else if (!trail && depth() > 0) history.back();
  else go(parent, 'replace');
}

addEventListener('popstate', () => {
  if (!trail) route.value = parse(location.pathname);
});

/** A click handler for links: an ordinary click stays in the page, anything else is the browser's. */
export function follow(e: MouseEvent & { currentTarget: HTMLAnchorElement }): void {
  if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || e.defaultPrevented) return;
  e.preventDefault();
  go(e.currentTarget.pathname);
}

function encode(name: string): string {
  return encodeURIComponent(name).replace('%3A', ':');
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
