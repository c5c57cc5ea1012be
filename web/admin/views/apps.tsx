import { useState } from 'preact/hooks';
import { Area, Field } from '../../ui/field';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import { toast } from '../../ui/toast';
import { api, can } from '../client';
import { type Errors, useDraft } from '../draft';
import { useFetched } from '../fetched';
import { usePages } from '../pages';
import { Make } from '../parts/form';
import { Pane, PaneProblem, Split } from '../parts/split';
import { type Column, Table } from '../parts/table';
import { follow, hrefOf, openOne, place } from '../route';
import { a } from '../text';
import type { App, Bot } from '../types';
import { ApiKeys } from './app-api-keys';
import { Bots } from './app-bots';
import { AppData, AppState, originsOf, wrongOrigin } from './app-data';
import { Incoming } from './app-incoming';
import { SigningKeys } from './app-keys';
import { Snippet } from './app-snippet';
import { Webhooks } from './app-webhooks';

const keyOf = (app: App) => app.id;

/** Ids of apps: docs/embedding.md. */
const idForm = /^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$/;

/** The systems that show the chat on their own pages, or whose servers take part. */
export function Apps() {
  const { id } = place.value;
  const text = a.value.apps;
  const [making, setMaking] = useState(false);
  const pages = usePages<App>('/admin/apps', {}, keyOf);
  return (
    <Split
      title={a.value.nav.apps}
      note={<p class="count">{text.hint}</p>}
      actions={
        can('change') && (
          <button type="button" class="button primary" onClick={() => setMaking(true)}>
            <Icon name="plus" />
            {text.add}
          </button>
        )
      }
      pane={id && <AppPane key={id} id={id} onChange={(app) => pages.put(app)} onGone={() => pages.remove(id)} />}
    >
      <Table
        label={a.value.nav.apps}
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
      {making && (
        <MakeApp
          onClose={() => setMaking(false)}
          onMade={(app) => {
            setMaking(false);
            pages.add(app);
            openOne(app.id);
          }}
        />
      )}
    </Split>
  );
}

function columns(): Column<App>[] {
  const text = a.value.apps;
  return [
    {
      name: 'name',
      title: text.name,
      cell: (app) => (
        <a class="who" href={hrefOf(app.id)} data-key={app.id} onClick={follow}>
          <span class="row-text">
            <Words class="row-name ellipsis">{app.name}</Words>
            <span class="row-sub ellipsis only-narrow">{app.id}</span>
          </span>
        </a>
      ),
    },
    { name: 'id', title: text.id, minor: true, cell: (app) => app.id },
    {
      name: 'origins',
      title: text.origins,
      minor: true,
      cell: (app) => <span class="ellipsis">{app.origins.join(', ')}</span>,
    },
    {
      name: 'state',
      title: text.state,
      cell: (app) => (
        <span class={`tag ${app.disabled ? 'danger' : 'quiet'}`}>{app.disabled ? text.off : text.live}</span>
      ),
    },
  ];
}

function MakeApp({ onClose, onMade }: { onClose(): void; onMade(app: App): void }) {
  const text = a.value.apps;
  const draft = useDraft({
    base: { name: '', id: '', origins: '' },
    version: 0,
    check: (v) => {
      const wrong: Errors<typeof v> = {};
      if (!v.name.trim()) wrong.name = a.value.people.required;
      if (!idForm.test(v.id.trim())) wrong.id = text.badId;
      const bad = wrongOrigin(v.origins);
      if (bad) wrong.origins = text.badOrigin(bad);
      return wrong;
    },
    save: async (_change, _version, v) => {
      const body = { id: v.id.trim(), name: v.name.trim(), origins: originsOf(v.origins) };
      const made = await api.request<App>('POST', '/admin/apps', { body });
      toast(text.made(made.name));
      onMade(made);
    },
  });
  const { value, errors, set } = draft;
  return (
    <Make title={text.add} action={text.create} draft={draft} onClose={onClose}>
      <Field
        label={text.name}
        value={value.name}
        onInput={(v) => set('name', v)}
        error={errors.name}
        maxLength={64}
        autofocus
      />
      <Field
        label={text.id}
        value={value.id}
        onInput={(v) => set('id', v)}
        error={errors.id}
        hint={text.idHint}
        maxLength={40}
        verbatim
      />
      <Area
        label={text.origins}
        value={value.origins}
        onInput={(v) => set('origins', v)}
        error={errors.origins}
        hint={text.originsHint}
        maxLength={4000}
        autofocus={false}
      />
    </Make>
  );
}

interface PaneProps {
  id: string;
  onChange(app: App): void;
  onGone(): void;
}

function AppPane({ id, onChange, onGone }: PaneProps) {
  const text = a.value.apps;
  const path = `/admin/apps/${encodeURIComponent(id)}`;
  const { value: app, error, again, put } = useFetched<App>(path);
  const bots = useFetched<{ items: Bot[] }>(`${path}/bots`);
  if (!app) {
    return (
      <Pane label={text.one} head={<h2 class="row-text">{text.one}</h2>}>
        {error ? <PaneProblem error={error} again={again} /> : <div class="skeleton device-skeleton" />}
      </Pane>
    );
  }
  const changed = (next: App) => {
    put(next);
    onChange(next);
  };
  const members = bots.value?.items ?? [];
  // What acts as a bot goes with it.
  const acting = members.map(({ uid }) => uid).join(' ');
  return (
    <Pane
      label={app.name}
      head={
        <>
          <span class="row-text">
            <h2>
              <Words class="ellipsis">{app.name}</Words>
            </h2>
            <span class="row-sub ellipsis">{app.id}</span>
          </span>
          {app.disabled && <span class="tag danger">{text.off}</span>}
        </>
      }
    >
      <AppData app={app} path={path} onChange={changed} />
      {error ? <PaneProblem error={error} again={again} /> : null}
      <SigningKeys app={app} path={path} onChange={again} />
      <Snippet app={app} path={path} />
      <Bots path={path} bots={bots} />
      <ApiKeys key={`keys ${acting}`} path={path} bots={members} />
      <Incoming key={`incoming ${acting}`} path={path} bots={members} />
      <Webhooks key={`webhooks ${acting}`} path={path} bots={members} />
      {can('change') && (
        <AppState
          app={app}
          path={path}
          onChange={changed}
          onGone={() => {
            onGone();
            openOne('');
          }}
        />
      )}
    </Pane>
  );
}
