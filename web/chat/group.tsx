import { useState } from 'preact/hooks';
import type { Person } from '../core';
import { Avatar } from '../ui/avatar';
import { Dialog } from '../ui/dialog';
import { Field, Search } from '../ui/field';
import { Icon } from '../ui/icon';
import { Name } from '../ui/name';
import { t } from '../ui/prefs';
import { explain, fieldErrors } from '../ui/problem';
import { useCore } from './context';
import { nameLimit } from './limits';
import { Directory, PersonContent } from './people';
import { go, href } from './route';

/** Makes a group: its name and at least one other member. */
export function NewGroup({ onClose }: { onClose(): void }) {
  const core = useCore();
  const text = t.value.group;
  return (
    <PeopleDialog
      title={text.newTitle}
      action={text.create}
      busyAction={text.creating}
      named
      onClose={onClose}
      run={async (uids, name) => {
        const group = await core.createGroup(name, uids);
        onClose();
        go(href.conv(`g:${group.gid}`));
      }}
    />
  );
}

/** Adds people to a group that exists. */
export function AddMembers({ gid, already, onClose }: { gid: string; already: Set<string>; onClose(): void }) {
  const core = useCore();
  const text = t.value.group;
  return (
    <PeopleDialog
      title={text.add}
      action={text.addSubmit}
      busyAction={text.adding}
      already={already}
      onClose={onClose}
      run={async (uids) => {
        await core.addMembers(gid, uids);
        onClose();
      }}
    />
  );
}

interface PeopleDialogProps {
  title: string;
  action: string;
  /** What the button says meanwhile. */
  busyAction: string;
  /** Asks for a name too. */
  named?: boolean;
  already?: Set<string>;
  onClose(): void;
  run(uids: string[], name: string): Promise<void>;
}

function PeopleDialog({ title, action, busyAction, named, already, onClose, run }: PeopleDialogProps) {
  const text = t.value.group;
  const [name, setName] = useState('');
  const [picked, setPicked] = useState<Person[]>([]);
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<{ name?: string | undefined; members?: string | undefined; other?: string }>({});

  const submit = async () => {
    const missing = {
      name: named && !name.trim() ? text.needName : undefined,
      members: picked.length > 0 ? undefined : text.needMembers,
    };
    setErrors(missing);
    if (busy || missing.name || missing.members) return;
    setBusy(true);
    try {
      await run(
        picked.map((p) => p.uid),
        name.trim(),
      );
    } catch (e) {
      const { name: onName, members, uids } = fieldErrors(e);
      const onMembers = members ?? uids;
      setErrors({ name: onName, members: onMembers, ...(!onName && !onMembers && { other: explain(e) }) });
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <button type="button" class="button" onClick={onClose}>
            {t.value.dialog.cancel}
          </button>
          <button type="submit" class="button primary" disabled={busy}>
            {busy ? busyAction : action}
          </button>
        </>
      }
    >
      {named && (
        <Field
          label={text.name}
          value={name}
          onInput={(value) => {
            setName(value);
            setErrors(({ name: _, ...others }) => others);
          }}
          maxLength={nameLimit}
          error={errors.name}
          autofocus
        />
      )}
      <Picker
        picked={picked}
        onPick={(people) => {
          setPicked(people);
          setErrors(({ members: _, ...others }) => others);
        }}
        already={already}
        error={errors.members}
      />
      {errors.other && (
        <p class="callout error" role="alert">
          {errors.other}
        </p>
      )}
    </Dialog>
  );
}

interface PickerProps {
  picked: Person[];
  onPick(people: Person[]): void;
  /** Members already: not offered. */
  already?: Set<string> | undefined;
  error?: string | undefined;
}

function Picker({ picked, onPick, already, error }: PickerProps) {
  const core = useCore();
  const [query, setQuery] = useState('');
  const text = t.value.group;
  const me = core.account.value.me?.uid;
  const chosen = new Set(picked.map((p) => p.uid));
  const toggle = (p: Person) => onPick(chosen.has(p.uid) ? picked.filter((one) => one.uid !== p.uid) : [...picked, p]);
  return (
    <fieldset class="picker">
      <legend class="label">
        {text.pick}
        {picked.length > 0 && ` · ${text.picked(picked.length)}`}
      </legend>
      {picked.length > 0 && (
        <ul class="chips">
          {picked.map((p) => (
            <li key={p.uid}>
              <button type="button" class="chip" aria-label={text.unpick(p.name)} onClick={() => toggle(p)}>
                <Avatar id={p.uid} name={p.name} src={p.avatar} size="xs" />
                <Name class="ellipsis" name={p.name} uid={p.uid} />
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <Search label={t.value.people.search} value={query} onInput={setQuery} />
      {error && (
        <p class="field-error" role="alert">
          {error}
        </p>
      )}
      <div class="picker-list">
        <Directory
          query={query}
          hidden={(p) => p.uid === me || !!already?.has(p.uid) || !!p.disabled}
          alone={already && already.size > 1 ? text.allIn : text.alone}
          render={(p) => (
            <li key={p.uid}>
              <label class="row">
                <PersonContent person={p} />
                <input type="checkbox" class="check" checked={chosen.has(p.uid)} onChange={() => toggle(p)} />
              </label>
            </li>
          )}
        />
      </div>
    </fieldset>
  );
}
