import { useState } from 'preact/hooks';
import { Avatar } from '../../ui/avatar';
import { Dialog } from '../../ui/dialog';
import { Field } from '../../ui/field';
import { bytes, format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import { t } from '../../ui/prefs';
import { api } from '../client';
import { type Errors, useDraft } from '../draft';
import { usePages } from '../pages';
import { Make } from '../parts/form';
import { Split } from '../parts/split';
import { type Column, Table } from '../parts/table';
import { follow, hrefOf, place } from '../route';
import { a } from '../text';
import type { Organisation, PasswordLink } from '../types';
import { OrganisationPane, OrganisationState } from './organisation';
import { CopyLine } from './person';

const keyOf = (o: Organisation) => o.eid;

/** Every organisation of this server. */
export function Organisations() {
  const { id } = place.value;
  const text = a.value.organisations;
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Made>();
  const [times, setTimes] = useState(0);
  const pages = usePages<Organisation>('/admin/orgs', {}, keyOf, times);
  return (
    <Split
      title={a.value.nav.organisations}
      note={<p class="count">{text.hint}</p>}
      actions={
        <button type="button" class="button primary" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          {text.add}
        </button>
      }
      pane={id && <OrganisationPane key={id} eid={id} onChange={(o) => pages.put(o)} />}
    >
      <Table
        label={a.value.nav.organisations}
        columns={columns()}
        pages={pages}
        keyOf={keyOf}
        open={id}
        empty={<strong>{text.none}</strong>}
      />
      {making && (
        <MakeOrganisation
          onClose={() => setMaking(false)}
          onMade={(one) => {
            setMaking(false);
            setMade(one);
            setTimes((n) => n + 1);
          }}
        />
      )}
      {made && (
        <Dialog
          title={text.made(made.name)}
          onClose={() => setMade(undefined)}
          footer={
            <button type="button" class="button primary" onClick={() => setMade(undefined)}>
              {t.value.nav.close}
            </button>
          }
        >
          <p>{text.madeHint(made.username, made.eid)}</p>
          <CopyLine
            label={a.value.people.link}
            value={made.link.url}
            hint={a.value.people.linkHint(format.value.longDay.format(Date.parse(made.link.expires)))}
          />
        </Dialog>
      )}
    </Split>
  );
}

function columns(): Column<Organisation>[] {
  const text = a.value.organisations;
  const { number } = format.value;
  return [
    {
      name: 'name',
      title: text.name,
      cell: (o) => (
        <a class="who" href={hrefOf(o.eid)} data-key={o.eid} onClick={follow}>
          <Avatar id={o.eid} name={o.name} src={o.logo} size="s" group />
          <span class="row-text">
            <Words class="row-name ellipsis">{o.name}</Words>
            <span class="row-sub ellipsis only-narrow">{o.eid}</span>
          </span>
        </a>
      ),
    },
    { name: 'eid', title: text.eid, minor: true, cell: (o) => o.eid },
    { name: 'people', title: text.people, minor: true, number: true, cell: (o) => number.format(o.people) },
    { name: 'messages', title: text.messages, minor: true, number: true, cell: (o) => number.format(o.messages) },
    { name: 'media', title: text.files, minor: true, number: true, cell: (o) => bytes(o.media) },
    {
      name: 'state',
      title: a.value.people.state,
      cell: (o) => <OrganisationState o={o} />,
    },
  ];
}

interface Made {
  eid: string;
  name: string;
  username: string;
  link: PasswordLink;
}

function MakeOrganisation({ onClose, onMade }: { onClose(): void; onMade(m: Made): void }) {
  const text = a.value.organisations;
  const base = { name: '', eid: '', person: '', username: '' };
  const draft = useDraft({
    base,
    version: 0,
    check: (v) => {
      const wrong: Errors<typeof base> = {};
      for (const field of Object.keys(base) as (keyof typeof base)[]) {
        if (!v[field].trim()) wrong[field] = a.value.people.required;
      }
      return wrong;
    },
    save: async (_change, _version, { name, eid, person, username }) => {
      const body = { name: name.trim(), eid: eid.trim(), person: person.trim(), username: username.trim() };
      onMade(await api.request<Made>('POST', '/admin/orgs', { body }));
    },
  });
  const { value, errors, set } = draft;
  const field = (name: keyof typeof base, more: { hint?: string; verbatim?: boolean; autofocus?: boolean } = {}) => (
    <Field
      label={text.fields[name]}
      value={value[name]}
      onInput={(v) => set(name, v)}
      error={errors[name]}
      maxLength={name === 'eid' ? 32 : 64}
      {...more}
    />
  );
  return (
    <Make title={text.add} action={text.create} draft={draft} onClose={onClose}>
      {field('name', { autofocus: true })}
      {field('eid', { hint: t.value.setup.organisationIdHint, verbatim: true })}
      {field('person')}
      {field('username', { hint: a.value.people.uidHint, verbatim: true })}
    </Make>
  );
}
