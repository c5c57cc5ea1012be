import type { ComponentChildren } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { bytes, format } from '../../ui/format';
import { t } from '../../ui/prefs';
import { can } from '../client';
import { useFetched } from '../fetched';
import { Chart } from '../parts/chart';
import { PaneProblem, Split } from '../parts/split';
import { address, follow, type Section } from '../route';
import { a } from '../text';
import type { Overview as Shape } from '../types';

/** ms between two looks, while somebody looks. */
const pace = 5000;

export function Overview() {
  const { value, error, again } = useFetched<Shape>('/admin/overview');
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') again();
    }, pace);
    return () => clearInterval(timer);
  }, [again]);
  return (
    <Split title={a.value.nav.overview}>
      <div class="sheet">
        {error ? <PaneProblem error={error} again={again} /> : null}
        {value ? <Figures o={value} /> : !error && <div class="skeleton device-skeleton" />}
      </div>
    </Split>
  );
}

function Figures({ o }: { o: Shape }) {
  const text = a.value.overview;
  const { number } = format.value;
  const rate = o.live.messages_per_second;
  // The same while nothing has changed, so that the charts stay as they are.
  const figures = JSON.stringify(o.days);
  const [messages, media] = useMemo(() => {
    const days = JSON.parse(figures) as Shape['days'];
    return [
      days.map((d) => ({ date: d.date, value: d.messages })),
      days.map((d) => ({ date: d.date, value: d.media })),
    ] as const;
  }, [figures]);
  const terminals = (Object.keys(o.sessions) as (keyof Shape['sessions'])[]).filter((k) => o.sessions[k] > 0);
  const people = [
    text.ofPeople(number.format(o.people.total - o.people.disabled)),
    o.people.disabled > 0 && text.disabled(number.format(o.people.disabled)),
    o.limits.people > 0 && text.most(number.format(o.limits.people)),
  ]
    .filter(Boolean)
    .join(' · ');
  const failing = o.health.database !== 'ok' || o.health.media !== 'ok';
  return (
    <div class="overview">
      {failing && (
        <p class="callout error" role="alert">
          {o.health.database !== 'ok' && text.databaseFails} {o.health.media !== 'ok' && text.mediaFails}
        </p>
      )}
      <ul class="tiles">
        <Tile word={text.online} to="people" note={people}>
          {number.format(o.people.online)}
        </Tile>
        <Tile
          word={text.connections}
          to="sessions"
          note={
            terminals.map((k) => `${t.value.presence[k]} ${number.format(o.sessions[k])}`).join(' · ') || text.nobody
          }
        >
          {number.format(o.live.connections)}
        </Tile>
        <Tile word={text.rate} note={text.sent(number.format(o.storage.messages))}>
          {rate >= 10 ? number.format(Math.round(rate)) : number.format(Math.round(rate * 10) / 10)}
        </Tile>
        <Tile word={text.reports} to="reports" note={o.reports > 0 ? text.waiting : text.nothing}>
          {number.format(o.reports)}
        </Tile>
        <Tile
          word={text.files}
          note={[
            text.fileCount(number.format(o.storage.files)),
            o.limits.storage > 0 && text.most(bytes(o.limits.storage)),
          ]
            .filter(Boolean)
            .join(' · ')}
        >
          {bytes(o.storage.media)}
        </Tile>
        <Tile word={text.database} note={text.wholeServer}>
          {bytes(o.storage.database)}
        </Tile>
        <Tile
          word={text.groups}
          to="groups"
          note={o.limits.groups > 0 ? text.most(number.format(o.limits.groups)) : text.unbounded}
        >
          {number.format(o.groups)}
        </Tile>
        <Tile word={text.health} note={text.waits(number.format(o.health.queue), number.format(o.health.webhooks))}>
          {failing ? text.failing : text.well}
        </Tile>
        {can('system') && (
          <Tile word={text.backup} note={o.backup ? bytes(o.backup.size) : text.noBackup}>
            {o.backup ? format.value.moment.format(Date.parse(o.backup.at)) : '–'}
          </Tile>
        )}
      </ul>
      <Chart label={text.messagesADay} days={messages} show={count} />
      <Chart label={text.filesADay} days={media} show={count} />
    </div>
  );
}

function count(n: number): string {
  return format.value.number.format(n);
}

interface TileProps {
  word: string;
  note: string;
  /** Where there is more of it. */
  to?: Section;
  children: ComponentChildren;
}

function Tile({ word, note, to, children }: TileProps) {
  const content = (
    <>
      <span class="tile-word">{word}</span>
      <strong>{children}</strong>
      <small>{note}</small>
    </>
  );
  return (
    <li>
      {to ? (
        <a class="tile" href={address(to)} onClick={follow}>
          {content}
        </a>
      ) : (
        <div class="tile">{content}</div>
      )}
    </li>
  );
}
