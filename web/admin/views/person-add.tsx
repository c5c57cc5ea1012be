import { Field, Switch } from '../../ui/field';
import { toast } from '../../ui/toast';
import { api, can } from '../client';
import { type Errors, useDraft } from '../draft';
import { DepartmentPicker } from '../parts/department-picker';
import { Make, Select } from '../parts/form';
import { a } from '../text';
import type { Account, Role } from '../types';
import { roleOptions } from './people';

interface Fields {
  uid: string;
  name: string;
  email: string;
  title: string;
  role: Role;
  departments: string[];
  service: boolean;
}

const empty: Fields = { uid: '', name: '', email: '', title: '', role: 'member', departments: [], service: false };

/** Ids of users: docs/protocol.md §1. */
export const uidForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function AddPerson({ onClose, onMade }: { onClose(): void; onMade(p: Account): void }) {
  const text = a.value.people;
  const draft = useDraft<Fields>({
    base: empty,
    version: 0,
    check: ({ name, uid }) => {
      const wrong: Errors<Fields> = {};
      if (!name.trim()) wrong.name = text.required;
      if (!uid.trim()) wrong.uid = text.required;
      else if (!uidForm.test(uid.trim())) wrong.uid = text.badUid;
      return wrong;
    },
    save: async (_change, _version, value) => {
      const body = {
        ...value,
        uid: value.uid.trim(),
        name: value.name.trim(),
        email: value.email.trim(),
        title: value.title.trim(),
      };
      const made = await api.request<Account>('POST', '/admin/users', { body });
      toast(text.added(made.name));
      onMade(made);
    },
  });
  const { value, errors, set } = draft;
  return (
    <Make title={text.addTitle} action={text.addAction} draft={draft} onClose={onClose}>
      <Field
        label={text.name}
        value={value.name}
        onInput={(v) => set('name', v)}
        error={errors.name}
        maxLength={64}
        autofocus
      />
      <Field
        label={text.uid}
        value={value.uid}
        onInput={(v) => set('uid', v)}
        error={errors.uid}
        hint={text.uidHint}
        maxLength={64}
        verbatim
      />
      <Field
        label={text.email}
        value={value.email}
        onInput={(v) => set('email', v)}
        error={errors.email}
        maxLength={254}
        verbatim
      />
      <Field
        label={text.title}
        value={value.title}
        onInput={(v) => set('title', v)}
        error={errors.title}
        maxLength={64}
      />
      <DepartmentPicker value={value.departments} onChange={(v) => set('departments', v)} error={errors.departments} />
      <Select
        label={text.role}
        value={value.role}
        options={roleOptions().filter(([role]) => role !== 'system' || can('system'))}
        hint={a.value.roleHints[value.role]}
        error={errors.role}
        onChange={(v) => set('role', v)}
      />
      <Switch
        label={text.serviceLabel}
        hint={text.serviceHint}
        checked={value.service}
        onChange={(v) => set('service', v)}
      />
      <p class="field-hint">{text.addHint}</p>
    </Make>
  );
}
