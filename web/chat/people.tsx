import { useEffect, useRef, useState } from 'preact/hooks';
import type { Person } from '../core';
import { Avatar } from '../ui/avatar';
import { Search } from '../ui/field';
import { format } from '../ui/format';
import { Name, Words } from '../ui/name';
import { t } from '../ui/prefs';
import { explain } from '../ui/problem';
import { attempt } from '../ui/toast';
import { useCore, usePerson } from './context';
import { Departments } from './departments';
import { follow, href, route } from './route';
import { searchKey, walkRows } from './walk';

/** One's contacts, and with something in the search box everyone in the organisation. */
export function PeopleList() {
  const core = useCore();
  const [query, setQuery] = useState('');
  const nav = useRef<HTMLElement>(null);
  const text = t.value.people;
  const above = new Set(query.trim() === '' ? core.contacts.value.map((p) => p.uid) : []);
  const row = (p: Person) => <PersonRow key={p.uid} uid={p.uid} known={p} again={above.has(p.uid)} />;
  return (
    <>
      <header class="pane-bar">
        <h1 class="pane-title">{text.title}</h1>
      </header>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the search box inside. */}
      <div class="pane-search" onKeyDown={(e) => searchKey(e, nav.current)}>
        <Search label={text.search} value={query} onInput={setQuery} />
      </div>
      <nav ref={nav} class="pane-scroll" aria-label={text.title} onKeyDown={(e) => walkRows(e.currentTarget, e)}>
        {query.trim() === '' && (
          <>
            <Requests />
            <h2 class="list-heading">{text.contacts}</h2>
            {core.contacts.value.length === 0 ? (
              <div class="empty">
                <strong>{text.noContacts}</strong>
                <span>{text.noContactsHint}</span>
              </div>
            ) : (
              <ul class="rows-list">
                {sorted(core.contacts.value).map((p) => (
                  <PersonRow key={p.uid} uid={p.uid} />
                ))}
              </ul>
            )}
            <h2 class="list-heading">{text.directory}</h2>
          </>
        )}
        {query.trim() === '' ? <Departments render={row} /> : <Directory query={query} render={row} />}
      </nav>
    </>
  );
}

function sorted(people: Person[]): Person[] {
  const here = (p: Person) => (p.presence.status === 'offline' ? 1 : 0);
  return people.toSorted((a, b) => here(a) - here(b) || format.value.collator.compare(a.name, b.name));
}

interface DirectoryProps {
  query: string;
  /** Who is left out. */
  hidden?(p: Person): boolean;
  /** Said when nobody is left although nothing was searched for. */
  alone?: string;
  render(p: Person): preact.ComponentChildren;
}

interface Found {
  people: Person[];
  next: string | null;
}

/** The first page of the organisation's directory that matches, asked for when the typing pauses; undefined until it is here. */
export function useDirectory(query: string): { found: Found | undefined; error: string; more(): Promise<void> } {
  const core = useCore();
  const [found, setFound] = useState<Found>();
  const [error, setError] = useState('');
  const wanted = query.trim();

  useEffect(() => {
    let stale = false;
    const ask = async () => {
      try {
        const page = await core.directory(wanted);
        if (stale) return;
        setError('');
        setFound({ people: page.items, next: page.next });
      } catch (e) {
        if (!stale) setError(explain(e));
      }
    };
    const pause = setTimeout(ask, wanted && found ? 180 : 0);
    return () => {
      stale = true;
      clearTimeout(pause);
    };
  }, [core, wanted]);

  const more = async () => {
    const page = await core.directory(wanted, found?.next ?? undefined);
    setFound((before) => ({ people: [...(before?.people ?? []), ...page.items], next: page.next }));
  };
  return { found, error, more };
}

/** Pages of the organisation's directory that match the query. */
export function Directory({ query, hidden, alone, render }: DirectoryProps) {
  const { found, error, more } = useDirectory(query);
  const text = t.value.people;
  const wanted = query.trim();

  if (error) {
    return (
      <p class="callout error list-callout" role="alert">
        {error}
      </p>
    );
  }
  if (!found) return <PeopleSkeleton />;
  const { next } = found;
  const people = hidden ? found.people.filter((p) => !hidden(p)) : found.people;
  if (people.length === 0 && !next && wanted === '' && alone) return <p class="list-hint">{alone}</p>;
  if (people.length === 0 && !next) {
    return (
      <div class="empty">
        <strong>{text.noneFound}</strong>
        <span>{text.noneFoundHint}</span>
      </div>
    );
  }
  return (
    <>
      <ul class="rows-list">{people.map(render)}</ul>
      {next && (
        <button type="button" class="button plain list-more" onClick={() => attempt(more())}>
          {text.more}
        </button>
      )}
    </>
  );
}

/** Rows as people will have them, so that nothing moves when they come. */
export function PeopleSkeleton() {
  return (
    <div class="rows-list" aria-hidden="true">
      {[0, 1, 2, 3, 4].map((i) => (
        <div key={i} class="row">
          <span class="avatar skeleton round" />
          <span class="row-text skeleton bar" />
        </div>
      ))}
    </div>
  );
}

/** `again`: the person stands in the list further up already, where the row is marked as the one in view. */
function PersonRow({ uid, known, again }: { uid: string; known?: Person; again?: boolean }) {
  const followed = usePerson(uid);
  const person = followed.name === uid && known ? known : followed;
  const here = !again && route.value.view === 'people' && route.value.uid === uid;
  return (
    <li>
      <a class="row" href={href.person(uid)} onClick={follow} aria-current={here ? 'page' : undefined}>
        <PersonContent person={person} />
      </a>
    </li>
  );
}

/** Picture, name, and what the person does. */
export function PersonContent({ person }: { person: Person }) {
  const what = [person.title, person.department].filter(Boolean).join(' · ');
  return (
    <>
      <Avatar id={person.uid} name={person.name} src={person.avatar} status={person.presence.status} />
      <span class="row-text">
        <Name class="row-name ellipsis" name={person.name} uid={person.uid} />
        <Words class="row-sub ellipsis">{what || person.uid}</Words>
      </span>
    </>
  );
}

function Requests() {
  const core = useCore();
  const requests = core.contactRequests.value;
  const text = t.value.people;
  if (requests.length === 0) return null;
  return (
    <>
      <h2 class="list-heading">{text.requests}</h2>
      <ul class="rows-list">
        {requests.map((r) => (
          <li key={r.uid} class="row">
            <Avatar id={r.uid} name={r.name} src={r.avatar} />
            <span class="row-text">
              <Name class="row-name ellipsis" name={r.name} uid={r.uid} />
              <Words class="row-sub ellipsis">{r.message}</Words>
            </span>
            <button type="button" class="button small primary" onClick={() => attempt(core.addContact(r.uid))}>
              {text.accept}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
