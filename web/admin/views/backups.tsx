import { useEffect, useState } from 'preact/hooks';
import { bytes, format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import { language } from '../../ui/prefs';
import { attempt } from '../../ui/toast';
import { api } from '../client';
import { named } from '../names';
import { usePages } from '../pages';
import { Split } from '../parts/split';
import { type Column, Table } from '../parts/table';
import { a } from '../text';
import type { Job } from '../types';

const keyOf = (j: Job) => j.id;
/** ms between two looks at one that is being made. */
const pace = 1000;

/** Copies of the whole server. */
export function Backups() {
  const text = a.value.backups;
  const pages = usePages<Job>('/admin/backups', {}, keyOf);
  const [starting, setStarting] = useState(false);
  const going = pages.items.value.find((j) => j.state === 'running' || j.state === 'checking');
  useEffect(() => {
    if (!going) return;
    const timer = setInterval(() => {
      api.get<Job>(`/admin/jobs/${going.id}`).then(
        (j) => pages.put(j),
        () => {}, // asked again
      );
    }, pace);
    return () => clearInterval(timer);
  }, [going?.id, pages]);
  const start = async () => {
    setStarting(true);
    try {
      pages.add(await api.request<Job>('POST', '/admin/backup'));
    } finally {
      setStarting(false);
    }
  };
  return (
    <Split
      title={a.value.nav.backups}
      note={<p class="count">{text.hint}</p>}
      actions={
        <button
          type="button"
          class="button primary"
          disabled={starting || going !== undefined}
          onClick={() => attempt(start())}
        >
          <Icon name="download" />
          {text.start}
        </button>
      }
    >
      <Table
        label={a.value.nav.backups}
        columns={columns()}
        pages={pages}
        keyOf={keyOf}
        empty={
          <>
            <strong>{text.none}</strong>
            <span>{text.noneHint}</span>
          </>
        }
      />
    </Split>
  );
}

/** The file of one; of one that failed why there is none. The server's sentences are English. */
function fileOf({ state, result, errors: [first] }: Job): string {
  if (state !== 'failed') return result.file ?? '–';
  return (language.value === 'en' && first?.message) || a.value.backups.failed;
}

function columns(): Column<Job>[] {
  const text = a.value.backups;
  return [
    {
      name: 'created',
      title: text.when,
      cell: (j) => (
        <span class="row-text">
          <span class="row-name">{j.created ? format.value.moment.format(Date.parse(j.created)) : '–'}</span>
          <Words class="row-sub ellipsis only-narrow">{fileOf(j)}</Words>
        </span>
      ),
    },
    {
      name: 'state',
      title: a.value.people.state,
      cell: (j) => (
        <span class={`tag ${j.state === 'failed' ? 'danger' : j.state === 'done' ? '' : 'quiet'}`}>
          {text.states[j.state]}
        </span>
      ),
    },
    {
      name: 'file',
      title: text.file,
      minor: true,
      wide: true,
      cell: (j) => <Words class="ellipsis">{fileOf(j)}</Words>,
    },
    {
      name: 'actor',
      title: text.actor,
      minor: true,
      cell: (j) => (j.actor ? named(j.actor).name : a.value.audit.shell),
    },
    { name: 'size', title: text.size, number: true, cell: (j) => (j.state === 'done' ? bytes(j.result.size) : '–') },
  ];
}
