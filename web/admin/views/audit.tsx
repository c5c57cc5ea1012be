import { useState } from 'preact/hooks';
import { format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import { attempt } from '../../ui/toast';
import { download, withQuery } from '../client';
import { useFetched } from '../fetched';
import { usePages } from '../pages';
import { ChoiceFilter, DayFilter, Filters, SearchFilter } from '../parts/filters';
import { Block, Pane, PaneProblem, Split } from '../parts/split';
import { type Column, Table } from '../parts/table';
import { filter, follow, hrefOf, place } from '../route';
import { a } from '../text';
import type { AuditEntry } from '../types';

const keyOf = (e: AuditEntry) => e.id;

/** Who did what, the newest first. */
export function Audit() {
  const { id, query } = place.value;
  const text = a.value.audit;
  const { actor = '', action = '', target = '', from = '', to = '' } = query;
  const wanted = { actor, action, target, after: midnight(from, 0), before: midnight(to, 1) };
  const pages = usePages<AuditEntry>('/admin/audit', wanted, keyOf);
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      await download(withQuery('/admin/audit/export', wanted), 'audit.csv');
    } finally {
      setBusy(false);
    }
  };
  return (
    <Split
      title={a.value.nav.audit}
      note={<p class="count">{text.hint}</p>}
      actions={
        <button type="button" class="button" disabled={busy} onClick={() => attempt(save())}>
          <Icon name="download" />
          {text.export}
        </button>
      }
      pane={id && <EntryPane key={id} id={id} shown={pages.find(id)} />}
    >
      <Filters>
        <SearchFilter label={text.actorFilter} name="actor" />
        <SearchFilter label={text.targetFilter} name="target" />
        <ChoiceFilter
          label={text.action}
          name="action"
          all={text.anyAction}
          options={Object.entries(a.value.actions)}
        />
        <DayFilter label={text.from} name="from" />
        <DayFilter label={text.to} name="to" />
      </Filters>
      <Table
        label={a.value.nav.audit}
        columns={columns()}
        pages={pages}
        keyOf={keyOf}
        open={id}
        empty={
          <>
            <strong>{text.none}</strong>
            <span>{text.noneHint}</span>
            {Object.values(wanted).some(Boolean) && (
              <button
                type="button"
                class="button"
                onClick={() => filter({ actor: '', action: '', target: '', from: '', to: '' })}
              >
                {a.value.people.clear}
              </button>
            )}
          </>
        }
      />
    </Split>
  );
}

/** Where the reader is, the beginning of a day of a date field, so many days later, as RFC 3339. */
function midnight(day: string, later: number): string {
  const [y = 0, m = 0, d = 0] = day.split('-').map(Number);
  return y && m && d ? new Date(y, m - 1, d + later).toISOString() : '';
}

export function actionName(action: string): string {
  const names: Record<string, string> = a.value.actions;
  return (Object.hasOwn(names, action) && names[action]) || action;
}

function targetName(e: AuditEntry): string {
  const name = e.after?.name ?? e.before?.name;
  return typeof name === 'string' && name !== e.target ? `${name} (${e.target})` : e.target;
}

function actorName(e: AuditEntry): string {
  if (e.actor) return e.actor;
  return e.addr === 'server' ? a.value.audit.server : a.value.audit.shell;
}

function columns(): Column<AuditEntry>[] {
  const text = a.value.audit;
  return [
    {
      name: 'what',
      title: text.what,
      cell: (e) => (
        <a class="who" href={hrefOf(e.id)} data-key={e.id} onClick={follow}>
          <span class="row-text">
            <span class="row-name ellipsis">{actionName(e.action)}</span>
            <span class="row-sub ellipsis only-narrow">{`${actorName(e)} → ${targetName(e)}`}</span>
          </span>
        </a>
      ),
    },
    { name: 'target', title: text.target, minor: true, cell: (e) => <Words class="ellipsis">{targetName(e)}</Words> },
    { name: 'actor', title: text.actor, minor: true, cell: (e) => <Words class="ellipsis">{actorName(e)}</Words> },
    { name: 'addr', title: text.addr, minor: true, cell: (e) => e.addr },
    {
      name: 'ts',
      title: text.when,
      number: true,
      cell: (e) => <time dateTime={e.ts}>{format.value.moment.format(Date.parse(e.ts))}</time>,
    },
  ];
}

/** One entry: what was, and what is now, field by field. It is read by itself where it is not in the list, as a link may lead far back. */
function EntryPane({ id, shown }: { id: string; shown: AuditEntry | undefined }) {
  const text = a.value.audit;
  const { value: read, error, again } = useFetched<AuditEntry>(shown ? '' : `/admin/audit/${encodeURIComponent(id)}`);
  const e = shown ?? read;
  if (!e) {
    return (
      <Pane label={text.entry} head={<h2 class="row-text">{text.entry}</h2>}>
        {error ? <PaneProblem error={error} again={again} /> : <div class="skeleton device-skeleton" />}
      </Pane>
    );
  }
  const fields = [...new Set([...Object.keys(e.before ?? {}), ...Object.keys(e.after ?? {})])];
  return (
    <Pane
      label={actionName(e.action)}
      head={
        <span class="row-text">
          <h2 class="ellipsis">{actionName(e.action)}</h2>
          <Words class="row-sub ellipsis">{targetName(e)}</Words>
        </span>
      }
    >
      <Block title={text.who}>
        <dl class="facts">
          {(
            [
              [text.actor, actorName(e)],
              [text.addr, e.addr],
              [text.when, format.value.full.format(Date.parse(e.ts))],
              [text.action, e.action],
              [text.target, e.target],
            ] as const
          ).map(([word, value]) => (
            <div key={word}>
              <dt>{word}</dt>
              <dd>
                <Words>{value || '–'}</Words>
              </dd>
            </div>
          ))}
        </dl>
      </Block>
      <Block title={text.change}>
        {fields.length === 0 ? (
          <p class="field-hint">{text.noChange}</p>
        ) : (
          <table class="diff">
            <thead>
              <tr>
                <th scope="col">{text.field}</th>
                <th scope="col">{text.before}</th>
                <th scope="col">{text.after}</th>
              </tr>
            </thead>
            <tbody>
              {fields.map((name) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{value(e.before, name)}</td>
                  <td>{value(e.after, name)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Block>
    </Pane>
  );
}

function value(of: Record<string, unknown> | null, name: string) {
  const v = of?.[name];
  if (v === undefined || v === null || v === '') return '–';
  return <Words>{typeof v === 'string' ? v : JSON.stringify(v)}</Words>;
}
