import { useEffect, useMemo, useState } from 'preact/hooks';
import { Problem } from '../../core/problem';
import { Avatar } from '../../ui/avatar';
import { Confirm } from '../../ui/dialog';
import { EditDialog } from '../../ui/edit';
import { Field, Search } from '../../ui/field';
import { format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Name, Words } from '../../ui/name';
import { attempt, toast } from '../../ui/toast';
import { api, can } from '../client';
import {
  type Branch,
  carried,
  department,
  departmentOptions,
  departments,
  departmentsError,
  dropped,
  type Move,
  needDepartments,
  pathOf,
  readDepartments,
  tree,
} from '../departments';
import { useDraft } from '../draft';
import { useFetched } from '../fetched';
import { usePages } from '../pages';
import { Form, Select } from '../parts/form';
import { PeoplePicker } from '../parts/people-picker';
import { Block, Pane, PaneProblem, Split } from '../parts/split';
import { address, follow, openOne, place } from '../route';
import { a } from '../text';
import type { Account, Department } from '../types';
import { DepartmentTree } from './department-tree';

/** Up to so many departments all stand open at first. */
const openLimit = 60;

export function Departments() {
  const { id } = place.value;
  const text = a.value.departments;
  const all = departments.value;
  const [closed, setClosed] = useState<ReadonlySet<string>>();
  const [making, setMaking] = useState(false);
  const [query, setQuery] = useState('');
  useEffect(needDepartments, []);
  const wanted = query.trim().toLocaleLowerCase();
  const branches = useMemo(() => tree(all ?? []), [all]);
  const shown = wanted ? matching(branches, wanted) : branches;
  const shut = wanted ? new Set<string>() : (closed ?? firstClosed(all ?? []));
  // What is found stands among sisters that are not shown.
  const movable = can('change') && !wanted;
  const chosen = id ? department(id) : undefined;
  return (
    <Split
      title={a.value.nav.departments}
      note={all && <p class="count">{text.count(all.length)}</p>}
      actions={
        can('change') && (
          <button type="button" class="button primary" onClick={() => setMaking(true)}>
            <Icon name="plus" />
            {text.add}
          </button>
        )
      }
      pane={
        id &&
        (chosen ? (
          <DepartmentPane key={id} d={chosen} />
        ) : (
          all && (
            <Pane label={text.one} head={<h2 class="row-text">{text.one}</h2>}>
              <PaneProblem error={new Problem(404, '', '')} again={() => void readDepartments()} />
            </Pane>
          )
        ))
      }
    >
      <div class="filters">
        <Search label={text.search} value={query} onInput={setQuery} />
        {can('change') && <p class="field-hint not-phone">{wanted ? text.noMoving : text.keys}</p>}
      </div>
      <div class="table-box">
        {departmentsError.value && !all ? (
          <PaneProblem error={departmentsError.value} again={() => void readDepartments()} />
        ) : !all ? (
          <div class="skeleton device-skeleton" />
        ) : shown.length > 0 ? (
          <DepartmentTree
            branches={shown}
            closed={shut}
            onClosed={setClosed}
            open={id}
            carry={movable ? (one, arrow) => attempt(move((now) => carried(now, one, arrow))) : undefined}
            drop={movable ? (one, onto, where) => attempt(move((now) => dropped(now, one, onto, where))) : undefined}
          />
        ) : (
          <div class="empty">
            <strong>{wanted ? text.noMatch : text.none}</strong>
            <span>{wanted ? text.noMatchHint : text.noneHint}</span>
          </div>
        )}
      </div>
      {making && <MakeDepartment parent="" onClose={() => setMaking(false)} />}
    </Split>
  );
}

function firstClosed(all: readonly Department[]): Set<string> {
  return all.length <= openLimit ? new Set() : new Set(all.map((d) => d.id));
}

/** Branches whose name has the words, with what stands above them. */
function matching(branches: Branch[], wanted: string): Branch[] {
  return branches.flatMap((b) => {
    const below = matching(b.below, wanted);
    const here = b.department.name.toLocaleLowerCase().includes(wanted);
    return here || below.length > 0 ? [{ department: b.department, below }] : [];
  });
}

/** The moves before, which one that comes quickly after them waits for. */
let moves: Promise<void> = Promise.resolve();

/** Moves a department of the tree as it is once the moves before are done; the tree is read again however it ends. */
function move(where: (all: readonly Department[]) => Move | undefined): Promise<void> {
  const one = moves.then(async () => {
    const to = where(departments.value ?? []);
    const d = to && department(to.id);
    if (!d || (d.parent === to.parent && d.position === to.position)) return;
    const { parent, position } = to;
    try {
      await api.request('PATCH', `/admin/departments/${d.id}`, { body: { parent, position }, version: d.version });
    } finally {
      await readDepartments();
    }
  });
  moves = one.catch(() => {}); // told to whoever asked for it
  return one;
}

function MakeDepartment({ parent, onClose }: { parent: string; onClose(): void }) {
  const text = a.value.departments;
  return (
    <EditDialog
      title={parent ? text.addBelow(department(parent)?.name ?? '') : text.add}
      label={text.name}
      value=""
      maxLength={64}
      required={a.value.people.required}
      action={text.create}
      onClose={onClose}
      save={async (name) => {
        const made = await api.request<Department>('POST', '/admin/departments', { body: { name, parent } });
        await readDepartments();
        openOne(made.id);
      }}
    />
  );
}

function DepartmentPane({ d }: { d: Department }) {
  const text = a.value.departments;
  const [making, setMaking] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const path = `/admin/departments/${d.id}`;
  const following = useFetched<{ items: { gid: string; name: string }[] }>(deleting ? `${path}/groups` : '');
  const followers = following.value?.items ?? [];
  const below = (departments.value ?? []).filter((one) => one.parent === d.id).length;
  return (
    <Pane
      label={d.name}
      head={
        <span class="row-text">
          <h2>
            <Words class="ellipsis">{d.name}</Words>
          </h2>
          {d.parent && <Words class="row-sub ellipsis">{pathOf(d.parent)}</Words>}
        </span>
      }
    >
      {can('change') && (
        <Block title={text.one}>
          <NameAndPlace d={d} path={path} />
          <button type="button" class="button" onClick={() => setMaking(true)}>
            <Icon name="plus" />
            {text.addSub}
          </button>
        </Block>
      )}
      <Members d={d} />
      {can('change') && (
        <Block title={text.deleteTitle} hint={text.deleteHint}>
          <button type="button" class="button danger" onClick={() => setDeleting(true)}>
            <Icon name="trash" />
            {text.delete}
          </button>
        </Block>
      )}
      {making && <MakeDepartment parent={d.id} onClose={() => setMaking(false)} />}
      {deleting && (following.value || following.error) && (
        <Confirm
          title={text.deleteAsk(d.name)}
          text={[
            text.deleteText(d.members, below, department(d.parent)?.name),
            followers.length > 0 && text.deleteFollowed(format.value.list.format(followers.map(({ name }) => name))),
          ]
            .filter(Boolean)
            .join(' ')}
          action={text.delete}
          danger
          onClose={() => setDeleting(false)}
          run={async () => {
            try {
              await api.request('DELETE', path, { version: d.version });
            } finally {
              await readDepartments();
            }
            openOne('');
            toast(text.deleted(d.name));
          }}
        />
      )}
    </Pane>
  );
}

type Fields = Pick<Department, 'name' | 'parent'>;

function NameAndPlace({ d, path }: { d: Department; path: string }) {
  const text = a.value.departments;
  const draft = useDraft<Fields>({
    base: { name: d.name, parent: d.parent },
    version: d.version,
    check: ({ name }): { name?: string } => (name.trim() ? {} : { name: a.value.people.required }),
    save: async (change, version) => {
      await api.request('PATCH', path, { body: change, version });
      await readDepartments();
      toast(a.value.saved);
    },
    read: (current) => {
      const { name, parent, version } = current as Department;
      return { value: { name, parent }, version };
    },
  });
  const { value, errors, set } = draft;
  const inside = below(d.id);
  const places = departmentOptions(departments.value ?? []).filter(([id]) => !inside.has(id));
  return (
    <Form
      draft={draft}
      action={a.value.save}
      labels={{ name: text.name, parent: text.parent }}
      show={(field, v) => (field === 'parent' ? pathOf(v) || text.top : v)}
    >
      <Field label={text.name} value={value.name} onInput={(v) => set('name', v)} error={errors.name} maxLength={64} />
      <Select
        label={text.parent}
        value={value.parent}
        options={[['', text.top], ...places]}
        error={errors.parent}
        onChange={(v) => set('parent', v)}
      />
    </Form>
  );
}

/** A department and all below it: it can't go there. */
function below(id: string): Set<string> {
  const found = new Set([id]);
  const all = departments.value ?? [];
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const d of all) if (found.has(d.parent)) found.add(d.id);
  }
  return found;
}

const keyOf = (p: Account) => p.uid;

function Members({ d }: { d: Department }) {
  const text = a.value.departments;
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Account>();
  const [times, setTimes] = useState(0);
  const pages = usePages<Account>('/admin/users', { department: d.id }, keyOf, times);
  const changed = async () => {
    setTimes((n) => n + 1);
    await readDepartments();
  };
  return (
    <Block title={text.people}>
      {pages.state.value === 'failed' && <PaneProblem error={pages.error.value} again={() => void pages.more()} />}
      {pages.state.value === 'ready' && pages.items.value.length === 0 && <p class="field-hint">{text.noMembers}</p>}
      <ul class="people-list">
        {pages.items.value.map((p) => (
          <li key={p.uid}>
            <a class="row" href={address('people', p.uid)} onClick={follow}>
              <Avatar id={p.uid} name={p.name} src={p.avatar} size="s" />
              <span class="row-text">
                <Name class={`row-name ellipsis ${p.disabled ? 'faded' : ''}`} name={p.name} uid={p.uid} />
                <Words class="row-sub ellipsis">{p.title || p.uid}</Words>
              </span>
            </a>
            {can('change') && (
              <button
                type="button"
                class="icon-button small"
                aria-label={text.takeOut(p.name)}
                title={text.takeOut(p.name)}
                onClick={() => setRemoving(p)}
              >
                <Icon name="close" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {!pages.ended && pages.items.value.length > 0 && (
        <button type="button" class="button plain" onClick={() => void pages.more()}>
          {a.value.more}
        </button>
      )}
      {can('change') && (
        <button type="button" class="button" onClick={() => setAdding(true)}>
          <Icon name="plus" />
          {text.addPeople}
        </button>
      )}
      {adding && (
        <PeoplePicker
          title={text.addPeopleTo(d.name)}
          action={text.addAction}
          without={(p) => p.departments.includes(d.id)}
          onClose={() => setAdding(false)}
          run={async (people) => {
            try {
              for (const p of people) await setDepartments(p, (ids) => [...ids, d.id]);
            } finally {
              await changed();
            }
          }}
        />
      )}
      {removing && (
        <Confirm
          title={text.takeOutAsk(removing.name, d.name)}
          text={text.takeOutText}
          action={text.takeOutAction}
          danger
          onClose={() => setRemoving(undefined)}
          run={async () => {
            await setDepartments(removing, (ids) => ids.filter((id) => id !== d.id));
            await changed();
          }}
        />
      )}
    </Block>
  );
}

/** Changes the departments that somebody is in, whatever else was changed meanwhile. */
async function setDepartments(p: Account, change: (ids: string[]) => string[]): Promise<void> {
  const store = (now: Account) =>
    api.request('PATCH', `/admin/users/${encodeURIComponent(p.uid)}`, {
      body: { departments: change(now.departments) },
      version: now.version,
    });
  try {
    await store(p);
  } catch (e) {
    if (!(e instanceof Problem) || e.status !== 412) throw e;
    await store(e.names.current as Account);
  }
}
