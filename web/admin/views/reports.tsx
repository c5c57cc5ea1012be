import { useState } from 'preact/hooks';
import { Avatar } from '../../ui/avatar';
import { Confirm, Dialog } from '../../ui/dialog';
import { Area } from '../../ui/field';
import { format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { MuteMember } from '../../ui/mute';
import { Name, Words } from '../../ui/name';
import { t } from '../../ui/prefs';
import { explain } from '../../ui/problem';
import { attempt, toast } from '../../ui/toast';
import { change } from '../change';
import { account, api, can, download } from '../client';
import { useFetched } from '../fetched';
import { named } from '../names';
import { usePages } from '../pages';
import { Disable } from '../parts/disable';
import { ChoiceFilter, Filters } from '../parts/filters';
import { Block, Pane, PaneProblem, Split } from '../parts/split';
import { type Column, Table } from '../parts/table';
import { address, follow, hrefOf, place } from '../route';
import { a } from '../text';
import type { Account, Report, ReportView, StoredMessage } from '../types';
import { Time } from './people';
import { mayChange } from './person';

const keyOf = (r: Report) => r.id;

/** What people have reported, and what becomes of it. */
export function Reports() {
  const { id, query } = place.value;
  const text = a.value.reports;
  const { state = 'open' } = query;
  const pages = usePages<Report>('/admin/reports', { state: state === 'all' ? '' : state }, keyOf);
  return (
    <Split
      title={a.value.nav.reports}
      note={<p class="count">{text.hint}</p>}
      pane={
        id && (
          <ReportPane
            key={id}
            id={id}
            onChange={(r) => (state === 'all' || r.state === state ? pages.put(r) : pages.remove(r.id))}
          />
        )
      }
    >
      <Filters>
        <ChoiceFilter
          label={text.state}
          name="state"
          all={text.open}
          options={[
            ['closed', text.closed],
            ['all', text.allStates],
          ]}
        />
      </Filters>
      <Table
        label={a.value.nav.reports}
        columns={columns()}
        pages={pages}
        keyOf={keyOf}
        open={id}
        empty={
          <>
            <strong>{state === 'open' ? text.none : text.noneElse}</strong>
            <span>{text.noneHint}</span>
          </>
        }
      />
    </Split>
  );
}

function columns(): Column<Report>[] {
  const text = a.value.reports;
  return [
    {
      name: 'message',
      title: text.message,
      cell: (r) => (
        <a class="who" href={hrefOf(r.id)} data-key={r.id} onClick={follow}>
          <span class="row-text">
            <Words class="row-name ellipsis">{said(r.message)}</Words>
            <span class="row-sub ellipsis only-narrow">{r.reason}</span>
          </span>
        </a>
      ),
    },
    {
      name: 'sender',
      title: text.sender,
      minor: true,
      cell: (r) => <Name class="ellipsis" name={named(r.message.sender).name} uid={r.message.sender} />,
    },
    { name: 'reason', title: text.reason, minor: true, cell: (r) => <Words class="ellipsis">{r.reason}</Words> },
    { name: 'created', title: text.created, number: true, short: true, cell: (r) => <Time at={r.created} /> },
  ];
}

/** What of a message fits on a line: its text, or what it has instead. */
function said(m: StoredMessage): string {
  const text = t.value.chat;
  if (m.recalled) return a.value.reports.recalled;
  const kinds: Record<number, string> = {
    0: '',
    1: text.image,
    2: text.audio,
    3: text.video,
    16: text.location,
    17: text.card,
  };
  return m.media
    .map(({ type, content }) => {
      if (type === 0) return typeof content.co === 'string' ? content.co : '';
      const name = typeof content.fn === 'string' ? content.fn : '';
      return `[${[kinds[type] ?? text.file, name].filter(Boolean).join(': ')}]`;
    })
    .filter(Boolean)
    .join(' ');
}

/** The files of a message that are kept here. */
function filesOf(m: StoredMessage): { id: string; name: string }[] {
  return m.media.flatMap(({ content: { co, fn } }) => {
    const id = typeof co === 'string' && /^\/media\/([\w-]+)$/.exec(co)?.[1];
    return id ? [{ id, name: typeof fn === 'string' && fn ? fn : id }] : [];
  });
}

function ReportPane({ id, onChange }: { id: string; onChange(r: Report): void }) {
  const text = a.value.reports;
  const path = `/admin/reports/${encodeURIComponent(id)}`;
  const { value: report, error, again } = useFetched<ReportView>(path);
  const [closing, setClosing] = useState(false);
  const [asking, setAsking] = useState<'recall' | 'mute' | 'disable'>();
  const author = useFetched<Account>(report ? userPath(report) : '');
  if (!report) {
    return (
      <Pane label={text.one} head={<h2 class="row-text">{text.one}</h2>}>
        {error ? <PaneProblem error={error} again={again} /> : <div class="skeleton device-skeleton" />}
      </Pane>
    );
  }
  const sender = named(report.message.sender);
  const now = report.context.find((m) => m.seq === report.message.seq);
  const gone = now?.recalled ?? false;
  const set = async (state: Report['state'], note: string) => {
    const changed = (r: Report) => {
      onChange(r);
      again();
    };
    changed(await change<Report>({ path, body: { state, note }, version: report.version }, changed));
  };
  const disable = async (person: Account | undefined, disabled: boolean, successor?: string) => {
    if (!person) return;
    const { version } = person;
    author.put(await change<Account>({ path: userPath(report), body: { disabled, successor }, version }, author.put));
    toast((disabled ? a.value.people.disabledNow : a.value.people.enabled)(person.name));
  };
  return (
    <Pane
      label={text.one}
      head={
        <>
          <Avatar id={report.message.sender} name={sender.name} src={sender.avatar} />
          <span class="row-text">
            <h2>
              <Name class="ellipsis" name={sender.name} uid={report.message.sender} />
            </h2>
            <span class="row-sub ellipsis">
              {report.kind === 'group' ? (
                <a href={address('groups', report.gid)} onClick={follow}>
                  {text.inGroup(report.group || report.gid)}
                </a>
              ) : (
                toWhom(report)
              )}
            </span>
          </span>
          {author.value?.disabled && <span class="tag danger">{a.value.people.disabled}</span>}
          {report.state === 'closed' && <span class="tag quiet">{text.closed}</span>}
        </>
      }
    >
      {error ? <PaneProblem error={error} again={again} /> : null}
      <Block title={text.reported}>
        <blockquote class="reported">
          <Words>{said(report.message)}</Words>
        </blockquote>
        {report.state === 'open' &&
          filesOf(report.message).map(({ id, name }) => (
            <button
              key={id}
              type="button"
              class="button small"
              onClick={() => attempt(download(`${path}/files/${id}`, name))}
            >
              <Icon name="download" />
              <Words>{name}</Words>
            </button>
          ))}
        <dl class="facts">
          <Fact word={text.reason}>{report.reason}</Fact>
          <Fact word={text.reporter}>{named(report.reporter).name}</Fact>
          <Fact word={text.created}>{format.value.full.format(Date.parse(report.created))}</Fact>
          {report.closer && <Fact word={text.closer}>{named(report.closer).name}</Fact>}
          {report.note && <Fact word={text.note}>{report.note}</Fact>}
        </dl>
      </Block>
      <Block title={text.context} hint={text.contextHint}>
        <ol class="context">
          {report.context.map((m) => (
            <li key={m.seq} class={m.seq === report.message.seq ? 'here' : undefined}>
              <span class="context-who">
                <Name name={named(m.sender).name} uid={m.sender} />
                <Time at={m.ts} />
              </span>
              <Words>{said(m)}</Words>
            </li>
          ))}
        </ol>
      </Block>
      {can('change') && (
        <Block title={text.act}>
          <div class="actions">
            {!gone && (
              <button type="button" class="button danger" onClick={() => setAsking('recall')}>
                {text.recall}
              </button>
            )}
            {report.kind === 'group' && (
              <button type="button" class="button" onClick={() => setAsking('mute')}>
                {text.mute}
              </button>
            )}
            {author.value &&
              mayChange(author.value) &&
              author.value.uid !== account.value.me?.uid &&
              (author.value.disabled ? (
                <button type="button" class="button" onClick={() => attempt(disable(author.value, false))}>
                  {a.value.people.enable}
                </button>
              ) : (
                <button type="button" class="button" onClick={() => setAsking('disable')}>
                  {a.value.people.disable}
                </button>
              ))}
            <a class="button plain" href={address('people', report.message.sender)} onClick={follow}>
              {text.toSender}
            </a>
            <button type="button" class="button" onClick={() => setClosing(true)}>
              {report.state === 'open' ? text.close : text.reopen}
            </button>
          </div>
        </Block>
      )}
      {asking === 'mute' && (
        <MuteMember
          name={sender.name}
          onClose={() => setAsking(undefined)}
          run={async (muted_until) => {
            const path = `/admin/groups/${encodeURIComponent(report.gid)}/members/${encodeURIComponent(report.message.sender)}`;
            await api.request('PATCH', path, { body: { muted_until } });
            toast(text.mutedNow(sender.name, format.value.moment.format(Date.parse(muted_until))));
          }}
        />
      )}
      {asking === 'disable' && author.value && (
        <Disable
          person={author.value}
          onClose={() => setAsking(undefined)}
          run={(successor) => disable(author.value, true, successor)}
        />
      )}
      {asking === 'recall' && (
        <Confirm
          title={text.recallAsk}
          text={text.recallText}
          action={text.recall}
          danger
          onClose={() => setAsking(undefined)}
          run={async () => {
            await api.request('DELETE', `/admin/messages/${report.stream}/${report.message.seq}`);
            toast(text.recalledNow);
            again();
          }}
        />
      )}
      {closing && (
        <Close
          report={report}
          onClose={() => setClosing(false)}
          run={(note) => set(report.state === 'open' ? 'closed' : 'open', note)}
        />
      )}
    </Pane>
  );
}

function userPath(r: Report): string {
  return `/admin/users/${encodeURIComponent(r.message.sender)}`;
}

function toWhom(r: Report): string {
  const text = a.value.reports;
  const [other = ''] = r.people.filter((uid) => uid !== r.message.sender);
  return text.toPerson(named(other).name);
}

function Fact({ word, children }: { word: string; children: string }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>
        <Words>{children || '–'}</Words>
      </dd>
    </div>
  );
}

function Close({ report, onClose, run }: { report: Report; onClose(): void; run(note: string): Promise<void> }) {
  const text = a.value.reports;
  const [note, setNote] = useState(report.note);
  const [error, setError] = useState('');
  const action = report.state === 'open' ? text.close : text.reopen;
  return (
    <Dialog
      title={action}
      onClose={onClose}
      onSubmit={() => run(note.trim()).then(onClose, (e) => setError(explain(e)))}
      footer={
        <>
          <button type="button" class="button" onClick={onClose}>
            {t.value.dialog.cancel}
          </button>
          <button type="submit" class="button primary">
            {action}
          </button>
        </>
      }
    >
      <Area label={text.noteLabel} value={note} onInput={setNote} maxLength={500} error={error} />
    </Dialog>
  );
}
