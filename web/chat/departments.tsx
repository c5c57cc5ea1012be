import { useEffect, useState } from 'preact/hooks';
import type { Person } from '../core';
import { format } from '../ui/format';
import { Icon } from '../ui/icon';
import { Words } from '../ui/name';
import { t } from '../ui/prefs';
import { explain } from '../ui/problem';
import { useCore } from './context';
import { PeopleSkeleton } from './people';

/** Pages of the directory that are read on the way to the departments; beyond them, search finds the others. */
const pageLimit = 24;
/** Up to so many people every department stands open. */
const openLimit = 60;

interface DepartmentsProps {
  render(p: Person): preact.ComponentChildren;
}

/** Everyone in the organisation, by department. */
export function Departments({ render }: DepartmentsProps) {
  const core = useCore();
  const text = t.value.people;
  const [found, setFound] = useState<{ people: Person[]; whole: boolean }>();
  const [error, setError] = useState('');

  useEffect(() => {
    let gone = false;
    const read = async () => {
      const people: Person[] = [];
      let cursor: string | undefined;
      for (let i = 0; i < pageLimit; i++) {
        const page = await core.directory('', cursor);
        if (gone) return;
        people.push(...page.items);
        cursor = page.next ?? undefined;
        if (!cursor) break;
      }
      setFound({ people, whole: !cursor });
    };
    read().catch((e) => !gone && setError(explain(e)));
    return () => {
      gone = true;
    };
  }, [core]);

  if (error) {
    return (
      <p class="callout error list-callout" role="alert">
        {error}
      </p>
    );
  }
  if (!found) return <PeopleSkeleton />;
  const open = found.people.length <= openLimit;
  return (
    <>
      {byDepartment(found.people, format.value.collator).map(([name, people]) => (
        <Department key={name} name={name || text.noDepartment} people={people} open={open} render={render} />
      ))}
      {!found.whole && <p class="list-hint">{text.searchOthers}</p>}
    </>
  );
}

/** Departments in the order of their names, those without one last. */
export function byDepartment(people: readonly Person[], collator: Intl.Collator): [string, Person[]][] {
  const all = new Map<string, Person[]>();
  for (const p of people) {
    const list = all.get(p.department) ?? [];
    list.push(p);
    all.set(p.department, list);
  }
  return [...all].sort(([a], [b]) => Number(a === '') - Number(b === '') || collator.compare(a, b));
}

interface DepartmentProps extends DepartmentsProps {
  name: string;
  people: Person[];
  open: boolean;
}

function Department({ name, people, open: first, render }: DepartmentProps) {
  const [open, setOpen] = useState(first);
  return (
    <section>
      <h3>
        <button type="button" class="department" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name="next" />
          <Words class="ellipsis">{name}</Words>
          <span>{format.value.number.format(people.length)}</span>
        </button>
      </h3>
      {open && <ul class="rows-list">{people.map(render)}</ul>}
    </section>
  );
}
