import { useEffect, useState } from 'preact/hooks';
import { Avatar } from '../../ui/avatar';
import { Confirm } from '../../ui/dialog';
import { format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Name, Words } from '../../ui/name';
import { t } from '../../ui/prefs';
import { explain } from '../../ui/problem';
import { toast } from '../../ui/toast';
import { api, can } from '../client';
import { useFetched } from '../fetched';
import { named } from '../names';
import { follow as followNotices, type Notice } from '../notices';
import { usePages } from '../pages';
import { Filters, SearchFilter } from '../parts/filters';
import { Block, Pane, PaneProblem, Split } from '../parts/split';
import { type Column, Table } from '../parts/table';
import { address, follow, hrefOf, openOne, place } from '../route';
import { a } from '../text';
import type { LiveSession } from '../types';

const keyOf = (s: LiveSession) => s.id;
/** The id that stands for the view of notices. */
const notices = 'notices';

/** Who is connected, and what the server tells them. */
export function Sessions() {
  const { id, query } = place.value;
  const text = a.value.sessions;
  const { uid = '' } = query;
  const [times, setTimes] = useState(0);
  const pages = usePages<LiveSession>('/admin/sessions', { uid }, keyOf, times);
  return (
    <Split
      title={a.value.nav.sessions}
      note={<p class="count">{text.hint}</p>}
      actions={
        <>
          <button type="button" class="button" onClick={() => setTimes((n) => n + 1)}>
            {text.again}
          </button>
          <a class="button" href={hrefOf(notices)} onClick={follow} aria-current={id === notices ? 'page' : undefined}>
            <Icon name="bell" />
            {text.notices}
          </a>
        </>
      }
      pane={
        id === notices ? (
          <NoticesPane />
        ) : (
          id && <SessionPane key={id} id={id} onKicked={() => setTimes((n) => n + 1)} />
        )
      }
    >
      <Filters>
        <SearchFilter label={text.of} name="uid" />
      </Filters>
      <Table
        label={a.value.nav.sessions}
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
    </Split>
  );
}

function terminalName(terminal: string): string {
  const names: Record<string, unknown> = t.value.presence;
  const name = names[terminal];
  return typeof name === 'string' ? name : terminal;
}

function columns(): Column<LiveSession>[] {
  const text = a.value.sessions;
  const { number } = format.value;
  return [
    {
      name: 'uid',
      title: text.person,
      cell: (s) => {
        const { name, avatar } = named(s.uid);
        return (
          <a class="who" href={hrefOf(s.id)} data-key={s.id} onClick={follow}>
            <Avatar id={s.uid} name={name} src={avatar} size="s" />
            <span class="row-text">
              <Name class="row-name ellipsis" name={name} uid={s.uid} />
              <span class="row-sub ellipsis only-narrow">{terminalName(s.terminal)}</span>
            </span>
          </a>
        );
      },
    },
    { name: 'terminal', title: text.terminal, minor: true, cell: (s) => terminalName(s.terminal) },
    { name: 'client', title: text.client, minor: true, cell: (s) => <Words class="ellipsis">{s.client_id}</Words> },
    { name: 'addr', title: text.addr, minor: true, cell: (s) => s.addr },
    {
      name: 'subscriptions',
      title: text.subscriptions,
      minor: true,
      number: true,
      cell: (s) => number.format(s.subscriptions),
    },
    {
      name: 'lag',
      title: text.lag,
      number: true,
      cell: (s) => <span class={s.lag > 0 ? 'late' : undefined}>{number.format(s.lag)}</span>,
    },
  ];
}

function SessionPane({ id, onKicked }: { id: string; onKicked(): void }) {
  const text = a.value.sessions;
  const path = `/admin/sessions/${encodeURIComponent(id)}`;
  const { value: s, error, again } = useFetched<LiveSession>(path);
  const [asking, setAsking] = useState(false);
  if (!s || error) {
    return (
      <Pane label={text.one} head={<h2 class="row-text">{text.one}</h2>}>
        {error ? <PaneProblem error={error} again={again} /> : <div class="skeleton device-skeleton" />}
      </Pane>
    );
  }
  const { name, avatar } = named(s.uid);
  const { number } = format.value;
  return (
    <Pane
      label={name}
      head={
        <>
          <Avatar id={s.uid} name={name} src={avatar} />
          <span class="row-text">
            <h2>
              <Name class="ellipsis" name={name} uid={s.uid} />
            </h2>
            <span class="row-sub ellipsis">{terminalName(s.terminal)}</span>
          </span>
        </>
      }
    >
      <Block title={text.one}>
        <dl class="facts">
          {(
            [
              [text.client, s.client_id],
              [text.addr, s.addr],
              [text.kept, s.kept ? text.yes : text.no],
              [text.lag, number.format(s.lag)],
              [text.inFlight, number.format(s.in_flight)],
            ] as const
          ).map(([word, value]) => (
            <div key={word}>
              <dt>{word}</dt>
              <dd>
                <Words>{value}</Words>
              </dd>
            </div>
          ))}
        </dl>
        <div class="actions">
          <button type="button" class="button" onClick={again}>
            {text.again}
          </button>
          <a class="button" href={address('people', s.uid)} onClick={follow}>
            {text.account}
          </a>
          {can('change') && (
            <button type="button" class="button danger" onClick={() => setAsking(true)}>
              {text.kick}
            </button>
          )}
        </div>
      </Block>
      <Block title={text.topics} hint={text.topicsHint}>
        <table class="diff topics">
          <thead>
            <tr>
              <th scope="col">{text.topic}</th>
              <th scope="col">{text.qos}</th>
              <th scope="col">{text.lag}</th>
            </tr>
          </thead>
          <tbody>
            {s.topics?.map((one) => (
              <tr key={one.topic}>
                <th scope="row">{one.topic}</th>
                <td>{one.qos}</td>
                <td>{number.format(one.lag)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Block>
      {asking && (
        <Confirm
          title={text.kickAsk(name)}
          text={text.kickText}
          action={text.kick}
          danger
          onClose={() => setAsking(false)}
          run={async () => {
            await api.request('DELETE', path);
            toast(text.kicked);
            openOne('');
            onKicked();
          }}
        />
      )}
    </Pane>
  );
}

/** Notices that are kept in sight. */
const inSight = 200;
/** ms before a lost connection is tried again. */
const patience = 2000;

/** What the server tells people, as it does. */
function NoticesPane() {
  const text = a.value.sessions;
  const [items, setItems] = useState<Notice[]>([]);
  const [paused, setPaused] = useState(false);
  const [state, setState] = useState<'waiting' | 'open'>('waiting');
  const [error, setError] = useState('');
  useEffect(() => {
    if (paused) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let count = 0;
    const read = async () => {
      try {
        setState('open');
        setError('');
        await followNotices(stop.signal, (n) =>
          setItems((before) => [{ ...n, n: Date.now() * 1000 + count++ }, ...before].slice(0, inSight)),
        );
      } catch (e) {
        if (stop.signal.aborted) return;
        setError(explain(e));
      }
      if (stop.signal.aborted) return;
      setState('waiting');
      timer = setTimeout(read, patience);
    };
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [paused]);
  return (
    <Pane
      label={text.notices}
      head={
        <span class="row-text">
          <h2>{text.notices}</h2>
          <span class="row-sub">{paused ? text.paused : state === 'open' ? text.live : a.value.loading}</span>
        </span>
      }
    >
      <Block title={text.published} hint={text.noticesHint}>
        <div class="actions">
          <button type="button" class="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            <Icon name={paused ? 'play' : 'pause'} />
            {paused ? text.goOn : text.pause}
          </button>
          <button type="button" class="button" onClick={() => setItems([])}>
            {text.clear}
          </button>
        </div>
        {error && (
          <p class="callout error" role="alert">
            {error}
          </p>
        )}
        {items.length === 0 && <p class="field-hint">{text.noNotices}</p>}
        <ol class="notices" aria-label={text.notices}>
          {items.map((one) => (
            <li key={one.n}>
              <span class="notice-head">
                <code>{`0x${one.type.toString(16).padStart(2, '0')}`}</code>
                <code class="ellipsis">{one.topic}</code>
                <time dateTime={one.ts}>{format.value.time.format(Date.parse(one.ts))}</time>
              </span>
              <code class="notice-data">{JSON.stringify(one.data)}</code>
              {(one.missed ?? 0) > 0 && <span class="field-error">{text.missed(one.missed ?? 0)}</span>}
            </li>
          ))}
        </ol>
      </Block>
    </Pane>
  );
}
