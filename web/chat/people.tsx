import { useEffect, useState } from 'preact/hooks';
import type { Person } from '../core';
import { Avatar } from '../ui/avatar';
import { Name, Words } from '../ui/name';
import { t } from '../ui/prefs';
import { explain } from '../ui/problem';
import { attempt } from '../ui/toast';
import { BotTag } from './bot-tag';
import { useCore } from './context';

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
    // Unless something else was searched for meanwhile, or this page has come already.
    setFound((now) => (now && now === found ? { people: [...now.people, ...page.items], next: page.next } : now));
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

/** Picture, name, and what the person does. */
export function PersonContent({ person }: { person: Person }) {
  const what = [person.title, person.department].filter(Boolean).join(' · ');
  return (
    <>
      <Avatar id={person.uid} name={person.name} src={person.avatar} status={person.presence.status} />
      <span class="row-text">
        <span class="name-line">
          <Name class="row-name ellipsis" name={person.name} uid={person.uid} />
          <BotTag uid={person.uid} />
        </span>
        <Words class="row-sub ellipsis">{what || person.uid}</Words>
      </span>
    </>
  );
}
