import { useRef, useState } from 'preact/hooks';
import type { Person } from '../core';
import { Avatar } from '../ui/avatar';
import { Search } from '../ui/field';
import { format } from '../ui/format';
import { Name, Words } from '../ui/name';
import { t } from '../ui/prefs';
import { attempt } from '../ui/toast';
import { useCore, usePerson } from './context';
import { Departments } from './departments';
import { Directory, PersonContent } from './people';
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
