import { useEffect, useState } from 'preact/hooks';
import { RepeatKey } from '../../core/repeat';
import { Avatar } from '../../ui/avatar';
import { Confirm } from '../../ui/dialog';
import { Area, Field, Switch } from '../../ui/field';
import { Icon } from '../../ui/icon';
import { Name, Words } from '../../ui/name';
import { attempt, toast } from '../../ui/toast';
import { api, can } from '../client';
import { department, departmentOptions, departments, needDepartments, pathOf } from '../departments';
import { type Errors, useDraft } from '../draft';
import { useFetched } from '../fetched';
import { named } from '../names';
import { usePages } from '../pages';
import { ChoiceFilter, Filters, SearchFilter } from '../parts/filters';
import { Form, Make, Select } from '../parts/form';
import { PeoplePicker } from '../parts/people-picker';
import { Block, Pane, PaneProblem, Split } from '../parts/split';
import { type Column, Table } from '../parts/table';
import { filter, follow, hrefOf, openOne, place } from '../route';
import { a } from '../text';
import type { Account, AdminGroup } from '../types';
import { GroupMembers } from './group-members';
import { GroupWays } from './group-ways';
import { Time } from './people';

const keyOf = (g: AdminGroup) => g.gid;

/** Every group, whether one is in it or not, and those that can still be brought back. */
export function Groups() {
  const { id, query } = place.value;
  const text = a.value.groups;
  const { q = '', state = '' } = query;
  const [making, setMaking] = useState(false);
  const [times, setTimes] = useState(0);
  const pages = usePages<AdminGroup>('/admin/groups', { q, state }, keyOf, times);
  useEffect(needDepartments, []);
  const again = () => setTimes((n) => n + 1);
  return (
    <Split
      title={a.value.nav.groups}
      actions={
        can('change') && (
          <button type="button" class="button primary" onClick={() => setMaking(true)}>
            <Icon name="plus" />
            {text.add}
          </button>
        )
      }
      pane={id && <GroupPane key={id} gid={id} onChange={(g) => pages.put(g)} onGone={again} />}
    >
      <Filters>
        <SearchFilter label={text.search} />
        <ChoiceFilter label={text.state} name="state" all={text.active} options={[['dissolved', text.dissolved]]} />
      </Filters>
      <Table
        label={a.value.nav.groups}
        columns={columns()}
        pages={pages}
        keyOf={keyOf}
        open={id}
        empty={
          <>
            <strong>{q || state ? text.noMatch : text.none}</strong>
            <span>{state ? text.noDissolved : q ? text.noMatchHint : text.noneHint}</span>
            {q && (
              <button type="button" class="button" onClick={() => filter({ q: '' })}>
                {a.value.people.clear}
              </button>
            )}
          </>
        }
      />
      {making && (
        <MakeGroup
          onClose={() => setMaking(false)}
          onMade={(g) => {
            setMaking(false);
            pages.add(g);
            openOne(g.gid);
          }}
        />
      )}
    </Split>
  );
}

function columns(): Column<AdminGroup>[] {
  const text = a.value.groups;
  return [
    {
      name: 'name',
      title: text.name,
      cell: (g) => (
        <a class="who" href={hrefOf(g.gid)} data-key={g.gid} onClick={follow}>
          <Avatar id={`g:${g.gid}`} name={g.name} src={g.avatar} size="s" group />
          <span class="row-text">
            <Name class="row-name ellipsis" name={g.name} />
            <span class="row-sub ellipsis only-narrow">{text.members(g.members)}</span>
          </span>
        </a>
      ),
    },
    {
      name: 'owner',
      title: text.owner,
      minor: true,
      cell: (g) => <Name class="ellipsis" name={named(g.owner).name} />,
    },
    {
      name: 'follows',
      title: text.follows,
      minor: true,
      cell: (g) => g.follows && <Words class="ellipsis">{department(g.follows)?.name ?? g.follows}</Words>,
    },
    { name: 'join', title: text.join, minor: true, cell: (g) => text.joins[g.join] },
    { name: 'members', title: text.people, minor: true, number: true, cell: (g) => g.members },
    {
      name: 'created',
      title: text.created,
      number: true,
      short: true,
      cell: (g) => <Time at={g.dissolved ?? g.created} />,
    },
  ];
}

function followOptions(): [string, string][] {
  return [['', a.value.groups.followsNone], ...departmentOptions(departments.value ?? [])];
}

function joinOptions(): [AdminGroup['join'], string][] {
  return Object.entries(a.value.groups.joins) as [AdminGroup['join'], string][];
}

function MakeGroup({ onClose, onMade }: { onClose(): void; onMade(g: AdminGroup): void }) {
  const text = a.value.groups;
  const [owner, setOwner] = useState<Account>();
  const [choosing, setChoosing] = useState(false);
  const [keys] = useState(() => new RepeatKey());
  const draft = useDraft({
    base: { name: '', owner: '', join: 'invite' as AdminGroup['join'], follows: '' },
    version: 0,
    check: (v) => {
      const wrong: Errors<typeof v> = {};
      if (!v.name.trim()) wrong.name = a.value.people.required;
      if (!v.owner) wrong.owner = text.ownerNeeded;
      return wrong;
    },
    save: async (_change, _version, v) => {
      const body = { ...v, name: v.name.trim() };
      const made = await api.request<AdminGroup>('POST', '/admin/groups', { body, idempotencyKey: keys.of(body) });
      toast(text.made(made.name));
      onMade(made);
    },
  });
  const { value, errors, set } = draft;
  return (
    <>
      <Make title={text.add} action={text.create} draft={draft} onClose={onClose}>
        <Field
          label={text.name}
          value={value.name}
          onInput={(v) => set('name', v)}
          error={errors.name}
          maxLength={64}
          autofocus
        />
        <fieldset class="field">
          <legend class="label">{text.owner}</legend>
          <button type="button" class="button" onClick={() => setChoosing(true)}>
            {owner ? <Name name={owner.name} uid={owner.uid} /> : text.chooseOwner}
          </button>
          {errors.owner && <p class="field-error">{errors.owner}</p>}
        </fieldset>
        <Select
          label={text.follows}
          value={value.follows}
          options={followOptions()}
          hint={text.followsHint}
          error={errors.follows}
          onChange={(v) => set('follows', v)}
        />
        <Select
          label={text.join}
          value={value.join}
          options={joinOptions()}
          error={errors.join}
          onChange={(v) => set('join', v)}
        />
      </Make>
      {choosing && (
        <PeoplePicker
          title={text.chooseOwner}
          action={text.choose}
          single
          onClose={() => setChoosing(false)}
          run={async ([p]) => {
            if (!p) return;
            setOwner(p);
            set('owner', p.uid);
          }}
        />
      )}
    </>
  );
}

interface PaneProps {
  gid: string;
  onChange(g: AdminGroup): void;
  /** It has moved between those that are and those that were. */
  onGone(): void;
}

function GroupPane({ gid, onChange, onGone }: PaneProps) {
  const text = a.value.groups;
  const path = `/admin/groups/${encodeURIComponent(gid)}`;
  const { value: g, error, again, put } = useFetched<AdminGroup>(path);
  const [dissolving, setDissolving] = useState(false);
  if (!g) {
    return (
      <Pane label={text.one} head={<h2 class="row-text">{text.one}</h2>}>
        {error ? <PaneProblem error={error} again={again} /> : <div class="skeleton device-skeleton" />}
      </Pane>
    );
  }
  const restore = async () => {
    await api.request('POST', `${path}/restore`);
    toast(text.restored(g.name));
    again();
    onGone();
  };
  return (
    <Pane
      label={g.name}
      head={
        <>
          <Avatar id={`g:${g.gid}`} name={g.name} src={g.avatar} group />
          <span class="row-text">
            <h2>
              <Name class="ellipsis" name={g.name} />
            </h2>
            <span class="row-sub ellipsis">{text.members(g.members)}</span>
          </span>
          {g.dissolved && <span class="tag danger">{text.dissolved}</span>}
        </>
      }
    >
      {error ? <PaneProblem error={error} again={again} /> : null}
      {g.dissolved ? (
        <Block title={text.restoreTitle} hint={text.restoreHint}>
          {can('change') && (
            <button type="button" class="button primary" onClick={() => attempt(restore())}>
              {text.restore}
            </button>
          )}
        </Block>
      ) : (
        <>
          <Block title={text.one}>
            <Data
              g={g}
              path={path}
              onChange={(changed) => {
                put(changed);
                onChange(changed);
              }}
            />
          </Block>
          <GroupWays path={path} group={g} onChange={again} />
          <GroupMembers path={path} group={g} onChange={again} />
          {can('change') && (
            <Block title={text.dissolveTitle} hint={text.dissolveHint}>
              <button type="button" class="button danger" onClick={() => setDissolving(true)}>
                {text.dissolve}
              </button>
            </Block>
          )}
        </>
      )}
      {dissolving && (
        <Confirm
          title={text.dissolveAsk(g.name)}
          text={text.dissolveText(g.members)}
          action={text.dissolve}
          danger
          onClose={() => setDissolving(false)}
          run={async () => {
            await api.request('DELETE', path);
            toast(text.dissolvedNow(g.name));
            again();
            onGone();
          }}
        />
      )}
    </Pane>
  );
}

type Fields = Pick<AdminGroup, 'name' | 'announcement' | 'join' | 'muted_all' | 'follows'>;

function fieldsOf({ name, announcement, join, muted_all, follows }: AdminGroup): Fields {
  return { name, announcement, join, muted_all, follows };
}

function Data({ g, path, onChange }: { g: AdminGroup; path: string; onChange(g: AdminGroup): void }) {
  const text = a.value.groups;
  const [asking, setAsking] = useState<() => Promise<void>>();
  const draft = useDraft<Fields>({
    base: fieldsOf(g),
    version: g.version,
    check: ({ name }): { name?: string } => (name.trim() ? {} : { name: a.value.people.required }),
    save: async (change, version) => {
      onChange(await api.request<AdminGroup>('PATCH', path, { body: change, version }));
      toast(a.value.saved);
    },
    read: (current) => ({ value: fieldsOf(current as AdminGroup), version: (current as AdminGroup).version }),
  });
  const { value, errors, set } = draft;
  const labels: Record<keyof Fields, string> = {
    name: text.name,
    announcement: text.announcement,
    join: text.join,
    muted_all: text.mutedAll,
    follows: text.follows,
  };
  const show = (field: keyof Fields, v: Fields[keyof Fields]): string => {
    if (typeof v === 'boolean') return v ? a.value.policies.on : a.value.policies.off;
    if (field === 'join') return text.joins[v as Fields['join']];
    if (field === 'follows') return pathOf(v) || text.followsNone;
    return v;
  };
  if (!can('change')) {
    return (
      <dl class="facts">
        {(Object.keys(labels) as (keyof Fields)[]).map((field) => (
          <div key={field}>
            <dt>{labels[field]}</dt>
            <dd>
              <Words>{show(field, value[field]) || '–'}</Words>
            </dd>
          </div>
        ))}
      </dl>
    );
  }
  const submit = async () => {
    // The department's people take the place of those who are in it now.
    if (value.follows && value.follows !== g.follows) setAsking(() => draft.submit);
    else await draft.submit();
  };
  return (
    <Form draft={{ ...draft, submit }} action={a.value.save} labels={labels} show={show}>
      <Field
        label={labels.name}
        value={value.name}
        onInput={(v) => set('name', v)}
        error={errors.name}
        maxLength={64}
      />
      <Area
        label={labels.announcement}
        value={value.announcement}
        onInput={(v) => set('announcement', v)}
        maxLength={2000}
        autofocus={false}
        error={errors.announcement}
      />
      <Select
        label={labels.join}
        value={value.join}
        options={joinOptions()}
        error={errors.join}
        onChange={(v) => set('join', v)}
      />
      <Select
        label={labels.follows}
        value={value.follows}
        options={followOptions()}
        hint={text.followsHint}
        error={errors.follows}
        onChange={(v) => set('follows', v)}
      />
      <Switch
        label={labels.muted_all}
        hint={text.mutedAllHint}
        checked={value.muted_all}
        onChange={(v) => set('muted_all', v)}
      />
      {asking && (
        <Confirm
          title={text.followAsk(department(value.follows)?.name ?? '')}
          text={text.followText}
          action={a.value.save}
          danger
          onClose={() => setAsking(undefined)}
          run={asking}
        />
      )}
    </Form>
  );
}
