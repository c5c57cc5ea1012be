import { useId, useState } from 'preact/hooks';
import { Confirm } from '../../ui/dialog';
import { Switch } from '../../ui/field';
import { format } from '../../ui/format';
import { toast } from '../../ui/toast';
import { api, can } from '../client';
import { type Errors, useDraft } from '../draft';
import { useFetched } from '../fetched';
import { Form, NumberField, Select } from '../parts/form';
import { PaneProblem, Split } from '../parts/split';
import { a } from '../text';
import type { Policies as Shape } from '../types';

/** Fields of the form: the shape flat, so that each can be changed by itself. */
type Fields = Omit<Shape, 'version' | 'retention_days'> & { retention_pair: number; retention_group: number };

const kinds = ['image', 'audio', 'video', 'document', 'other'] as const;
/** Seconds that are offered for recalling and editing a message. */
const spans = [0, 60, 120, 300, 900, 3600, 86_400, 604_800];
const mebi = 2 ** 20;

function fieldsOf({ version: _, retention_days, ...rest }: Shape): Fields {
  return { ...rest, retention_pair: retention_days.pair, retention_group: retention_days.group };
}

export function Policies() {
  const { value, error, again, put } = useFetched<Shape>('/admin/policies');
  return (
    <Split title={a.value.nav.policies} note={<p class="count">{a.value.policies.hint}</p>}>
      <div class="sheet">
        {error ? (
          <PaneProblem error={error} again={again} />
        ) : value ? (
          <PolicyForm policies={value} onChange={put} />
        ) : (
          <div class="skeleton device-skeleton" />
        )}
      </div>
    </Split>
  );
}

function PolicyForm({ policies, onChange }: { policies: Shape; onChange(p: Shape): void }) {
  const text = a.value.policies;
  const [asking, setAsking] = useState<() => Promise<void>>();
  const draft = useDraft<Fields>({
    base: fieldsOf(policies),
    version: policies.version,
    check: (v) => {
      const wrong: Errors<Fields> = {};
      for (const name of ['retention_pair', 'retention_group', 'file_limit', 'quota_org', 'quota_user'] as const) {
        if (!Number.isInteger(v[name]) || v[name] < 0) wrong[name] = text.number;
      }
      if (!(v.password_min >= 8 && v.password_min <= 128)) wrong.password_min = text.passwordMinRange;
      if (v.file_kinds.length === 0) wrong.file_kinds = text.oneKind;
      return wrong;
    },
    save: async (change, version, v) => {
      const { retention_pair, retention_group, ...rest } = change;
      const retention = retention_pair !== undefined || retention_group !== undefined;
      const body = {
        ...rest,
        ...(retention && { retention_days: { pair: v.retention_pair, group: v.retention_group } }),
      };
      onChange(await api.request<Shape>('PATCH', '/admin/policies', { body, version }));
      toast(a.value.saved);
    },
    read: (current) => ({ value: fieldsOf(current as Shape), version: (current as Shape).version }),
  });
  const { value, errors, set } = draft;
  const locked = !can('change');
  const shorter =
    sooner(policies.retention_days.pair, value.retention_pair) ||
    sooner(policies.retention_days.group, value.retention_group);
  const submit = async () => {
    if (shorter) setAsking(() => draft.submit);
    else await draft.submit();
  };
  const labels: Record<keyof Fields, string> = text.fields;
  const show = (field: keyof Fields, v: Fields[keyof Fields]): string => {
    if (typeof v === 'boolean') return v ? text.on : text.off;
    if (Array.isArray(v)) return format.value.list.format(v.map((k) => kindName(k)));
    if (field === 'recall_seconds' || field === 'edit_seconds') return duration(v as number);
    if (field === 'create_groups') return text.createGroups[v as Fields['create_groups']];
    if (field === 'message_whom') return text.messageWhom[v as Fields['message_whom']];
    if (field === 'file_limit' || field === 'quota_org' || field === 'quota_user')
      return format.value.number.format((v as number) / mebi);
    return String(v);
  };
  const toggle = (field: 'several_sessions' | 'contact_approval' | 'mqtt_passwords' | 'password_mixed') => (
    <Switch
      label={labels[field]}
      hint={text.hints[field]}
      checked={value[field]}
      disabled={locked}
      onChange={(on) => set(field, on)}
    />
  );
  const span = (field: 'recall_seconds' | 'edit_seconds') => (
    <Select
      label={labels[field]}
      value={String(value[field])}
      options={[...new Set([...spans, value[field]])].sort((x, y) => x - y).map((s) => [String(s), duration(s)])}
      hint={text.hints[field]}
      error={errors[field]}
      disabled={locked}
      onChange={(v) => set(field, Number(v))}
    />
  );
  const days = (field: 'retention_pair' | 'retention_group') => (
    <NumberField
      label={labels[field]}
      unit={text.days}
      value={value[field]}
      max={36_500}
      hint={text.retentionHint}
      error={errors[field]}
      disabled={locked}
      onInput={(v) => set(field, v)}
    />
  );
  const size = (field: 'file_limit' | 'quota_org' | 'quota_user') => (
    <NumberField
      label={labels[field]}
      unit="MiB"
      value={value[field] / mebi}
      hint={text.sizeHint}
      error={errors[field]}
      disabled={locked}
      onInput={(v) => set(field, Math.round(v * mebi))}
    />
  );
  return (
    <Form draft={{ ...draft, submit }} action={a.value.save} labels={labels} show={show}>
      <section class="card">
        <h2>{text.talking}</h2>
        <Select
          label={labels.message_whom}
          value={value.message_whom}
          options={entries(text.messageWhom)}
          hint={text.hints.message_whom}
          error={errors.message_whom}
          disabled={locked}
          onChange={(v) => set('message_whom', v)}
        />
        <Select
          label={labels.create_groups}
          value={value.create_groups}
          options={entries(text.createGroups)}
          error={errors.create_groups}
          disabled={locked}
          onChange={(v) => set('create_groups', v)}
        />
        {span('recall_seconds')}
        {span('edit_seconds')}
        {toggle('contact_approval')}
      </section>
      <section class="card">
        <h2>{text.keeping}</h2>
        {days('retention_pair')}
        {days('retention_group')}
      </section>
      <section class="card">
        <h2>{text.files}</h2>
        <Kinds
          value={value.file_kinds}
          disabled={locked}
          error={errors.file_kinds}
          onChange={(v) => set('file_kinds', v)}
        />
        {size('file_limit')}
        {size('quota_user')}
        {size('quota_org')}
      </section>
      <section class="card">
        <h2>{text.signIn}</h2>
        <NumberField
          label={labels.password_min}
          value={value.password_min}
          min={8}
          max={128}
          error={errors.password_min}
          disabled={locked}
          onInput={(v) => set('password_min', v)}
        />
        {toggle('password_mixed')}
        {toggle('several_sessions')}
        {toggle('mqtt_passwords')}
      </section>
      {asking && (
        <Confirm
          title={text.retentionAsk}
          text={text.retentionText(
            shorterText(value.retention_pair, labels.retention_pair),
            shorterText(value.retention_group, labels.retention_group),
          )}
          action={text.retentionAction}
          danger
          onClose={() => setAsking(undefined)}
          run={asking}
        />
      )}
    </Form>
  );
}

/** Whether messages go that were kept until now. */
function sooner(before: number, after: number): boolean {
  return after > 0 && (before === 0 || after < before);
}

function shorterText(days: number, label: string): string {
  return a.value.policies.retentionOf(label, days);
}

function entries<K extends string>(words: Record<K, string>): [K, string][] {
  return Object.entries(words) as [K, string][];
}

function kindName(kind: string): string {
  const names: Record<string, string> = a.value.policies.kinds;
  return names[kind] ?? kind;
}

/** "2 minutes", in the chosen language. */
function duration(seconds: number): string {
  if (seconds === 0) return a.value.policies.never;
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ] as const) {
    if (seconds % size === 0) return unitFormat(unit).format(seconds / size);
  }
  return unitFormat('second').format(seconds);
}

function unitFormat(unit: string): Intl.NumberFormat {
  const { locale } = format.value.number.resolvedOptions();
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' });
}

interface KindsProps {
  value: readonly string[];
  disabled: boolean;
  error: string | undefined;
  onChange(kinds: string[]): void;
}

function Kinds({ value, disabled, error, onChange }: KindsProps) {
  const id = useId();
  return (
    <fieldset class="field" aria-describedby={error ? id : undefined}>
      <legend class="label">{a.value.policies.fields.file_kinds}</legend>
      <div class="checks">
        {kinds.map((kind) => (
          <label key={kind}>
            <input
              type="checkbox"
              class="check"
              disabled={disabled}
              checked={value.includes(kind)}
              onChange={() => onChange(kinds.filter((k) => value.includes(k) !== (k === kind)))}
            />
            {kindName(kind)}
          </label>
        ))}
      </div>
      {error && (
        <p id={id} class="field-error">
          {error}
        </p>
      )}
    </fieldset>
  );
}
