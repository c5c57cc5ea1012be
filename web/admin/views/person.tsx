import { useState } from 'preact/hooks';
import type { Device } from '../../core';
import { Avatar } from '../../ui/avatar';
import { Confirm } from '../../ui/dialog';
import { Field } from '../../ui/field';
import { ago, format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Name, Words } from '../../ui/name';
import { t } from '../../ui/prefs';
import { attempt, toast } from '../../ui/toast';
import { change } from '../change';
import { account, api, can } from '../client';
import { department } from '../departments';
import { useDraft } from '../draft';
import { useFetched } from '../fetched';
import { DepartmentPicker } from '../parts/department-picker';
import { Disable } from '../parts/disable';
import { Form, Select } from '../parts/form';
import { Block, Pane, PaneProblem } from '../parts/split';
import { a } from '../text';
import type { Account, PasswordLink } from '../types';
import { roleOptions, Tags } from './people';

interface PersonProps {
  uid: string;
  /** Has just been added: what is next is the link. */
  invite: boolean;
  onChange(p: Account): void;
}

/** One person beside the list: the account, the password, the devices. */
export function PersonPane({ uid, invite, onChange }: PersonProps) {
  const path = `/admin/users/${encodeURIComponent(uid)}`;
  const { value: person, error, again, put } = useFetched<Account>(path);
  const changed = (p: Account) => {
    put(p);
    onChange(p);
  };
  return (
    <Pane
      label={person?.name ?? uid}
      head={
        <>
          <Avatar id={uid} name={person?.name ?? uid} src={person?.avatar} />
          <span class="row-text">
            <h2>
              <Name class="ellipsis" name={person?.name ?? uid} />
            </h2>
            <span class="row-sub ellipsis">{uid}</span>
          </span>
          {person && <Tags p={person} />}
        </>
      }
    >
      {error ? (
        <PaneProblem error={error} again={again} />
      ) : person ? (
        <>
          <Profile person={person} path={path} onChange={changed} />
          {mayChange(person) && !person.disabled && <Password person={person} path={path} invite={invite} />}
          <Devices person={person} path={path} />
          {mayChange(person) && person.uid !== account.value.me?.uid && (
            <State person={person} path={path} onChange={changed} />
          )}
        </>
      ) : (
        <div class="skeleton device-skeleton" />
      )}
    </Pane>
  );
}

/** Whether one may change somebody: a system administrator only as one. */
export function mayChange({ role }: Account): boolean {
  return can('change') && (role !== 'system' || can('system'));
}

interface PartProps {
  person: Account;
  path: string;
}

type Fields = Pick<Account, 'name' | 'email' | 'title' | 'role' | 'departments'>;

function fieldsOf({ name, email, title, role, departments }: Account): Fields {
  return { name, email, title, role, departments };
}

function Profile({ person, path, onChange }: PartProps & { onChange(p: Account): void }) {
  const text = a.value.people;
  const draft = useDraft<Fields>({
    base: fieldsOf(person),
    version: person.version,
    check: ({ name }): { name?: string } => (name.trim() ? {} : { name: text.required }),
    save: async (change, version) => {
      onChange(await api.request<Account>('PATCH', path, { body: change, version }));
      toast(a.value.saved);
    },
    read: (current) => ({ value: fieldsOf(current as Account), version: (current as Account).version }),
  });
  const { value, errors, set } = draft;
  const own = person.uid === account.value.me?.uid;
  const readOnly = !mayChange(person);
  const labels: Record<keyof Fields, string> = {
    name: text.name,
    email: text.email,
    title: text.title,
    role: text.role,
    departments: text.departments,
  };
  const show = (field: keyof Fields, v: Fields[keyof Fields]) =>
    Array.isArray(v)
      ? format.value.list.format(v.map((id) => department(id)?.name ?? id))
      : field === 'role'
        ? a.value.roles[v as Account['role']]
        : v;
  if (readOnly) {
    return (
      <Block title={text.profile}>
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
      </Block>
    );
  }
  return (
    <Block title={text.profile}>
      <Form draft={draft} action={a.value.save} labels={labels} show={show}>
        <Field
          label={text.name}
          value={value.name}
          onInput={(v) => set('name', v)}
          error={errors.name}
          maxLength={64}
        />
        <Field
          label={text.title}
          value={value.title}
          onInput={(v) => set('title', v)}
          error={errors.title}
          maxLength={64}
        />
        <Field
          label={text.email}
          value={value.email}
          onInput={(v) => set('email', v)}
          error={errors.email}
          maxLength={254}
          verbatim
        />
        <DepartmentPicker
          value={value.departments}
          onChange={(v) => set('departments', v)}
          error={errors.departments}
        />
        <Select
          label={text.role}
          value={value.role}
          options={roleOptions().filter(([role]) => role !== 'system' || can('system'))}
          hint={own ? text.ownRoleHint : a.value.roleHints[value.role]}
          error={errors.role}
          onChange={(v) => set('role', v)}
        />
      </Form>
    </Block>
  );
}

function Password({ person, path, invite }: PartProps & { invite: boolean }) {
  const text = a.value.people;
  const [link, setLink] = useState<PasswordLink>();
  const [busy, setBusy] = useState(false);
  const make = async () => {
    setBusy(true);
    try {
      setLink(await api.request<PasswordLink>('POST', `${path}/reset`));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Block title={text.password} hint={person.invited ? text.invitedHint : text.passwordHint}>
      {link && <CopyLine label={text.link} value={link.url} hint={text.linkHint(day(link.expires))} />}
      <button
        type="button"
        class={`button ${invite && !link ? 'primary' : ''}`}
        disabled={busy}
        onClick={() => attempt(make())}
      >
        {link ? text.newLink : text.makeLink}
      </button>
    </Block>
  );
}

function day(at: string): string {
  return format.value.longDay.format(Date.parse(at));
}

/** Something to hand on: in a field, as a copy by hand needs it, with a button. */
export function CopyLine({ label, value, hint }: { label: string; value: string; hint: string }) {
  return (
    <div class="copy-line">
      <Field label={label} value={value} onInput={() => {}} hint={hint} verbatim />
      {navigator.clipboard && (
        <button
          type="button"
          class="button"
          onClick={() => attempt(navigator.clipboard.writeText(value), () => toast(a.value.copied))}
        >
          <Icon name="copy" />
          {a.value.copy}
        </button>
      )}
    </div>
  );
}

function Devices({ person, path }: PartProps) {
  const text = a.value.people;
  const { value, error, again } = useFetched<{ items: Device[] }>(`${path}/sessions`);
  const [ending, setEnding] = useState<Device | 'all'>();
  const end = async () => {
    await api.request('DELETE', ending === 'all' || !ending ? `${path}/sessions` : `${path}/sessions/${ending.id}`);
    toast(text.signedOut);
    again();
  };
  return (
    <Block title={text.sessions}>
      {error ? <PaneProblem error={error} again={again} /> : null}
      {value?.items.length === 0 && <p class="field-hint">{text.noSessions}</p>}
      <ul class="devices">
        {value?.items.map((d) => (
          <li key={d.id}>
            <Icon name="device" />
            <span class="row-text">
              <span class="row-name ellipsis">{t.value.presence[d.terminal as 'pc'] ?? d.terminal}</span>
              <span class="row-sub ellipsis">{`${d.addr} · ${ago(Date.parse(d.seen))}`}</span>
              <span class="row-sub ellipsis" title={d.agent}>
                {d.agent}
              </span>
            </span>
            {mayChange(person) && (
              <button type="button" class="button small" onClick={() => setEnding(d)}>
                {text.signOut}
              </button>
            )}
          </li>
        ))}
      </ul>
      {mayChange(person) && (value?.items.length ?? 0) > 1 && (
        <button type="button" class="button" onClick={() => setEnding('all')}>
          {text.signOutAll}
        </button>
      )}
      {ending && (
        <Confirm
          title={text.signOutTitle(person.name)}
          text={ending === 'all' ? text.signOutAllText : text.signOutText}
          action={ending === 'all' ? text.signOutAll : text.signOut}
          danger
          onClose={() => setEnding(undefined)}
          run={end}
        />
      )}
    </Block>
  );
}

function State({ person, path, onChange }: PartProps & { onChange(p: Account): void }) {
  const text = a.value.people;
  const [asking, setAsking] = useState(false);
  const set = async (disabled: boolean, successor?: string) => {
    onChange(await change<Account>({ path, body: { disabled, successor }, version: person.version }, onChange));
    toast(disabled ? text.disabledNow(person.name) : text.enabled(person.name));
  };
  return (
    <Block title={text.state} hint={text.disableHint}>
      {person.disabled ? (
        <button type="button" class="button" onClick={() => attempt(set(false))}>
          {text.enable}
        </button>
      ) : (
        <button type="button" class="button danger" onClick={() => setAsking(true)}>
          {text.disable}
        </button>
      )}
      {asking && <Disable person={person} onClose={() => setAsking(false)} run={(successor) => set(true, successor)} />}
    </Block>
  );
}
