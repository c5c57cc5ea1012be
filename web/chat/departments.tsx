import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Department, Person } from '../core';
import { format } from '../ui/format';
import { Icon } from '../ui/icon';
import { Words } from '../ui/name';
import { t } from '../ui/prefs';
import { explain } from '../ui/problem';
import { attempt } from '../ui/toast';
import { useCore } from './context';
import { Directory, PeopleSkeleton } from './people';

/** Up to so many people every department stands open. */
const openLimit = 60;

interface DepartmentsProps {
  render(p: Person): preact.ComponentChildren;
}

interface Branch {
  department: Department;
  below: Branch[];
  /** How many people are in it and below it. */
  people: number;
}

/** The organisation by departments, as a tree. */
export function Departments({ render }: DepartmentsProps) {
  const core = useCore();
  const text = t.value.people;
  const [all, setAll] = useState<Department[]>();
  const [error, setError] = useState('');
  useEffect(() => {
    let gone = false;
    core.departments().then(
      (found) => !gone && setAll(found),
      (e) => !gone && setError(explain(e)),
    );
    return () => {
      gone = true;
    };
  }, [core]);
  const branches = useMemo(() => tree(all ?? [], ''), [all]);

  if (error) {
    return (
      <p class="callout error list-callout" role="alert">
        {error}
      </p>
    );
  }
  if (!all) return <PeopleSkeleton />;
  if (all.length === 0) return <Directory query="" render={render} />;
  const open = branches.reduce((n, b) => n + b.people, 0) <= openLimit;
  return (
    <>
      {branches.map((b) => (
        <DepartmentPart key={b.department.id} branch={b} depth={0} open={open} render={render} />
      ))}
      {/* Not everybody is in a department. */}
      <Part name={text.everyone} depth={0} open={false}>
        {() => <Directory query="" render={render} />}
      </Part>
    </>
  );
}

function tree(all: readonly Department[], parent: string): Branch[] {
  return all
    .filter((d) => d.parent === parent)
    .map((department) => {
      const below = tree(all, department.id);
      return { department, below, people: below.reduce((n, b) => n + b.people, department.members) };
    });
}

interface DepartmentProps extends DepartmentsProps {
  branch: Branch;
  depth: number;
  open: boolean;
}

function DepartmentPart({ branch, depth, open, render }: DepartmentProps) {
  const { department, below, people } = branch;
  return (
    <Part name={department.name} count={people} depth={depth} open={open}>
      {() => (
        <>
          {department.members > 0 && <Members id={department.id} render={render} />}
          {below.map((b) => (
            <DepartmentPart key={b.department.id} branch={b} depth={depth + 1} open={open} render={render} />
          ))}
        </>
      )}
    </Part>
  );
}

interface PartProps {
  name: string;
  count?: number;
  depth: number;
  open: boolean;
  /** Made when it is opened: what is closed reads nothing. */
  children(): preact.ComponentChildren;
}

function Part({ name, count, depth, open: first, children }: PartProps) {
  const [open, setOpen] = useState(first);
  return (
    <section style={{ '--depth': depth }}>
      <h3>
        <button type="button" class="department" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name="next" />
          <Words class="ellipsis">{name}</Words>
          {count !== undefined && <span>{format.value.number.format(count)}</span>}
        </button>
      </h3>
      {open && children()}
    </section>
  );
}

function Members({ id, render }: DepartmentsProps & { id: string }) {
  const core = useCore();
  const [found, setFound] = useState<{ people: Person[]; next: string | null }>();
  const [error, setError] = useState('');
  const read = async (cursor?: string) => {
    const page = await core.directory('', cursor, id);
    setFound((before) => ({ people: [...(cursor ? (before?.people ?? []) : []), ...page.items], next: page.next }));
  };
  useEffect(() => {
    read().catch((e) => setError(explain(e)));
  }, [core, id]);
  if (error) return <p class="callout error list-callout">{error}</p>;
  if (!found) return <PeopleSkeleton />;
  const { next } = found;
  return (
    <>
      <ul class="rows-list">{found.people.map(render)}</ul>
      {next && (
        <button type="button" class="button plain list-more" onClick={() => attempt(read(next))}>
          {t.value.people.more}
        </button>
      )}
    </>
  );
}
