import { useEffect, useState } from 'preact/hooks';
import { RepeatKey } from '../../core/repeat';
import { Confirm } from '../../ui/dialog';
import { Area, Field } from '../../ui/field';
import { format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import { toast } from '../../ui/toast';
import { api, can } from '../client';
import { department, needDepartments } from '../departments';
import { type Errors, useDraft } from '../draft';
import { useFetched } from '../fetched';
import { named } from '../names';
import { usePages } from '../pages';
import { DepartmentPicker } from '../parts/department-picker';
import { Make } from '../parts/form';
import { Block, Pane, PaneProblem, Split } from '../parts/split';
import { type Column, Table } from '../parts/table';
import { follow, hrefOf, place } from '../route';
import { a } from '../text';
import type { Announcement } from '../types';
import { Time } from './people';

const keyOf = (x: Announcement) => x.id;

/** Words to everyone, or to departments, and who has read them. */
export function Announcements() {
  const { id } = place.value;
  const text = a.value.announcements;
  const [writing, setWriting] = useState(false);
  const [times, setTimes] = useState(0);
  const pages = usePages<Announcement>('/admin/announcements', {}, keyOf, times);
  useEffect(needDepartments, []);
  return (
    <Split
      title={a.value.nav.announcements}
      note={<p class="count">{text.hint}</p>}
      actions={
        <>
          <button type="button" class="button" onClick={() => setTimes((n) => n + 1)}>
            {a.value.sessions.again}
          </button>
          {can('change') && (
            <button type="button" class="button primary" onClick={() => setWriting(true)}>
              <Icon name="announce" />
              {text.write}
            </button>
          )}
        </>
      }
      pane={id && <AnnouncementPane key={id} id={id} shown={pages.find(id)} />}
    >
      <Table
        label={a.value.nav.announcements}
        columns={columns()}
        pages={pages}
        keyOf={keyOf}
        open={id}
        empty={
          <>
            <strong>{text.none}</strong>
            <span>{text.noneHint}</span>
          </>
        }
      />
      {writing && (
        <Write
          onClose={() => setWriting(false)}
          onMade={() => {
            setWriting(false);
            setTimes((n) => n + 1);
          }}
        />
      )}
    </Split>
  );
}

function audience(departments: readonly string[] | undefined): string {
  if (!departments?.length) return a.value.announcements.everyone;
  return format.value.list.format(departments.map((id) => department(id)?.name ?? id));
}

function readers(x: Announcement): string {
  const { number } = format.value;
  return a.value.announcements.read(number.format(x.readers ?? 0), number.format(x.people ?? 0));
}

function columns(): Column<Announcement>[] {
  const text = a.value.announcements;
  return [
    {
      name: 'title',
      title: text.title,
      cell: (x) => (
        <a class="who" href={hrefOf(x.id)} data-key={x.id} onClick={follow}>
          <span class="row-text">
            <Words class="row-name ellipsis">{x.title}</Words>
            <span class="row-sub ellipsis only-narrow">{`${audience(x.departments)} · ${readers(x)}`}</span>
          </span>
        </a>
      ),
    },
    { name: 'to', title: text.to, minor: true, cell: (x) => <Words class="ellipsis">{audience(x.departments)}</Words> },
    { name: 'author', title: text.author, minor: true, cell: (x) => <Words>{named(x.author).name}</Words> },
    { name: 'read', title: text.readTitle, minor: true, number: true, cell: readers },
    { name: 'created', title: text.created, number: true, short: true, cell: (x) => <Time at={x.created} /> },
  ];
}

/** One of them. It is read by itself where it is not in the list, as a link may lead far back. */
function AnnouncementPane({ id, shown }: { id: string; shown: Announcement | undefined }) {
  const text = a.value.announcements;
  const path = `/admin/announcements/${encodeURIComponent(id)}`;
  const { value: read, error, again } = useFetched<Announcement>(shown ? '' : path);
  const x = shown ?? read;
  if (!x) {
    return (
      <Pane label={text.one} head={<h2 class="row-text">{text.one}</h2>}>
        {error ? <PaneProblem error={error} again={again} /> : <div class="skeleton device-skeleton" />}
      </Pane>
    );
  }
  return (
    <Pane
      label={x.title}
      head={
        <span class="row-text">
          <h2>
            <Words class="ellipsis">{x.title}</Words>
          </h2>
          <span class="row-sub ellipsis">{audience(x.departments)}</span>
        </span>
      }
    >
      <Block title={text.text}>
        <p class="announced" dir="auto">
          {x.text}
        </p>
      </Block>
      <Block title={text.readTitle}>
        <div class="progress-line">
          <span>{readers(x)}</span>
          <progress aria-label={text.readTitle} max={Math.max(1, x.people ?? 0)} value={x.readers ?? 0} />
        </div>
        <p class="field-hint">{text.by(named(x.author).name, format.value.moment.format(Date.parse(x.created)))}</p>
      </Block>
    </Pane>
  );
}

function Write({ onClose, onMade }: { onClose(): void; onMade(): void }) {
  const text = a.value.announcements;
  const [asking, setAsking] = useState(false);
  const [keys] = useState(() => new RepeatKey());
  const base = { title: '', text: '', departments: [] as string[] };
  const draft = useDraft({
    base,
    version: 0,
    save: async (_change, _version, v) => {
      await api.request('POST', '/admin/announcements', { body: v, idempotencyKey: keys.of(v) });
      toast(text.sent);
      onMade();
    },
  });
  const { value, errors, set } = draft;
  const [missing, setMissing] = useState<Errors<typeof base>>({});
  const submit = async () => {
    const wrong: Errors<typeof base> = {};
    if (!value.title.trim()) wrong.title = a.value.people.required;
    if (!value.text.trim()) wrong.text = a.value.people.required;
    setMissing(wrong);
    if (Object.keys(wrong).length === 0) setAsking(true);
  };
  return (
    <>
      <Make title={text.write} action={text.send} draft={{ ...draft, submit }} onClose={onClose}>
        <Field
          label={text.title}
          value={value.title}
          onInput={(v) => set('title', v)}
          error={errors.title ?? missing.title}
          maxLength={128}
          autofocus
        />
        <Area
          label={text.text}
          value={value.text}
          onInput={(v) => set('text', v)}
          maxLength={4000}
          autofocus={false}
          error={errors.text ?? missing.text}
        />
        <DepartmentPicker
          label={text.to}
          hint={value.departments.length === 0 ? text.toEveryone : text.toDepartments}
          equal
          value={value.departments}
          onChange={(v) => set('departments', v)}
          error={errors.departments}
        />
      </Make>
      {asking && (
        <Confirm
          title={text.sendAsk}
          text={text.sendText(value.title.trim(), audience(value.departments))}
          action={text.send}
          onClose={() => setAsking(false)}
          run={draft.submit}
        />
      )}
    </>
  );
}
