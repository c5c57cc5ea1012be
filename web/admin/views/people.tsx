import { useEffect, useState } from 'preact/hooks';
import { Avatar } from '../../ui/avatar';
import { moment } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Name, Words } from '../../ui/name';
import { attempt } from '../../ui/toast';
import { can, download, withQuery } from '../client';
import { departmentOptions, departments, needDepartments, readDepartments } from '../departments';
import { usePages } from '../pages';
import { ChoiceFilter, Filters, SearchFilter } from '../parts/filters';
import { Split } from '../parts/split';
import { type Column, Count, Table } from '../parts/table';
import { filter, follow, hrefOf, openOne, place } from '../route';
import { a } from '../text';
import type { Account, Role } from '../types';
import { ImportPeople } from './import';
import { PersonPane } from './person';
import { AddPerson } from './person-add';

const keyOf = (p: Account) => p.uid;

/** Everyone in the organisation, and one of them beside. */
export function People() {
  const { id, query } = place.value;
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState('');
  const [importing, setImporting] = useState(false);
  const [times, setTimes] = useState(0);
  const text = a.value.people;
  const { q = '', department = '', role = '', state = '', sort = '', order = '' } = query;
  const wanted = { q, department, role, state };
  const pages = usePages('/admin/users', { ...wanted, sort: q ? '' : sort, order: q ? '' : order }, keyOf, times);
  useEffect(needDepartments, []);
  const filtered = q || department || role || state;
  return (
    <Split
      title={a.value.nav.people}
      note={<Count pages={pages} words={text.count} />}
      actions={
        <>
          <button
            type="button"
            class="button"
            onClick={() => attempt(download(withQuery('/admin/users/export', wanted), 'people.csv'))}
          >
            <Icon name="download" />
            {a.value.import.export}
          </button>
          {can('change') && (
            <>
              <button type="button" class="button" onClick={() => setImporting(true)}>
                {a.value.import.open}
              </button>
              <button type="button" class="button primary" onClick={() => setAdding(true)}>
                <Icon name="plus" />
                {text.add}
              </button>
            </>
          )}
        </>
      }
      pane={id && <PersonPane key={id} uid={id} invite={made === id} onChange={(p) => pages.put(p)} />}
    >
      <Filters>
        <SearchFilter label={text.search} />
        <ChoiceFilter
          label={text.departments}
          name="department"
          all={text.anyDepartment}
          options={departmentOptions(departments.value ?? [])}
        />
        <ChoiceFilter label={text.role} name="role" all={text.anyRole} options={roleOptions()} />
        <ChoiceFilter
          label={text.state}
          name="state"
          all={text.anyState}
          options={[
            ['active', text.active],
            ['disabled', text.disabled],
          ]}
        />
      </Filters>
      <Table
        label={a.value.nav.people}
        columns={columns()}
        pages={pages}
        keyOf={keyOf}
        open={id}
        sort={q ? undefined : { by: sort || 'name', down: order === 'desc' }}
        onSort={({ by, down }) => filter({ q: '', sort: by === 'name' ? '' : by, order: down ? 'desc' : '' })}
        empty={
          <>
            <strong>{text.noneTitle}</strong>
            <span>{text.noneHint}</span>
            {filtered && (
              <button
                type="button"
                class="button"
                onClick={() => filter({ q: '', department: '', role: '', state: '' })}
              >
                {text.clear}
              </button>
            )}
          </>
        }
      />
      {importing && (
        <ImportPeople
          onClose={() => setImporting(false)}
          onDone={() => {
            setTimes((n) => n + 1);
            void readDepartments();
          }}
        />
      )}
      {adding && (
        <AddPerson
          onClose={() => setAdding(false)}
          onMade={(p) => {
            pages.add(p);
            setMade(p.uid);
            setAdding(false);
            openOne(p.uid);
          }}
        />
      )}
    </Split>
  );
}

export function roleOptions(): [Role, string][] {
  const roles: Role[] = ['member', 'auditor', 'admin', 'system'];
  return roles.map((role) => [role, a.value.roles[role]]);
}

function columns(): Column<Account>[] {
  const text = a.value.people;
  return [
    { name: 'name', title: text.name, sortable: true, cell: (p) => <Who p={p} /> },
    { name: 'uid', title: text.uid, sortable: true, minor: true, cell: (p) => <Words class="ellipsis">{p.uid}</Words> },
    {
      name: 'work',
      title: text.work,
      minor: true,
      wide: true,
      cell: (p) => <Words class="ellipsis">{[p.department, p.title].filter(Boolean).join(' · ')}</Words>,
    },
    { name: 'role', title: text.role, cell: (p) => <Tags p={p} /> },
    {
      name: 'seen',
      title: text.seen,
      sortable: true,
      minor: true,
      number: true,
      short: true,
      cell: (p) => (p.seen ? <Time at={p.seen} /> : text.never),
    },
    {
      name: 'created',
      title: text.created,
      sortable: true,
      minor: true,
      number: true,
      short: true,
      cell: (p) => <Time at={p.created} />,
    },
  ];
}

export function Time({ at }: { at: string }) {
  return <time dateTime={at}>{moment(Date.parse(at))}</time>;
}

function Who({ p }: { p: Account }) {
  return (
    <a class="who" href={hrefOf(p.uid)} data-key={p.uid} onClick={follow}>
      <Avatar id={p.uid} name={p.name} src={p.avatar} size="s" />
      <span class="row-text">
        <Name class={`row-name ellipsis ${p.disabled ? 'faded' : ''}`} name={p.name} />
        <span class="row-sub ellipsis only-narrow">{p.uid}</span>
      </span>
    </a>
  );
}

/** What is out of the ordinary about somebody. */
export function Tags({ p }: { p: Account }) {
  const text = a.value.people;
  return (
    <span class="tags">
      {p.role !== 'member' && <span class="tag">{a.value.roles[p.role]}</span>}
      {p.service && <span class="tag quiet">{text.service}</span>}
      {p.disabled && <span class="tag danger">{text.disabled}</span>}
      {p.invited && !p.disabled && <span class="tag quiet">{text.invited}</span>}
    </span>
  );
}
