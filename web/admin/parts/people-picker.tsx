import { useEffect, useState } from 'preact/hooks';
import { Avatar } from '../../ui/avatar';
import { Dialog } from '../../ui/dialog';
import { Search } from '../../ui/field';
import { Icon } from '../../ui/icon';
import { Name, Words } from '../../ui/name';
import { t } from '../../ui/prefs';
import { explain } from '../../ui/problem';
import { api, withQuery } from '../client';
import { a } from '../text';
import type { Account, Counted } from '../types';

interface PickerProps {
  title: string;
  action: string;
  /** What the choice does. */
  hint?: string;
  /** Who can't be chosen, as they are in already. */
  without?(p: Account): boolean;
  /** One is enough: a choice replaces the one before. */
  single?: boolean;
  onClose(): void;
  /** What it throws is said, and the dialog stays. */
  run(people: Account[]): Promise<void>;
}

/** ms without a key after which a search begins. */
const pause = 180;

/** Chooses people of the organisation by their names. */
export function PeoplePicker({ title, action, hint, without, single, onClose, run }: PickerProps) {
  const text = a.value.picker;
  const [query, setQuery] = useState('');
  const [found, setFound] = useState<Account[]>();
  const [chosen, setChosen] = useState<Account[]>([]);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const wanted = query.trim();
  useEffect(() => {
    let stale = false;
    const ask = async () => {
      try {
        const path = withQuery('/admin/users', { q: wanted, state: 'active', limit: 30 });
        const { items } = await api.get<Counted<Account>>(path);
        if (!stale) setFound(items);
      } catch (e) {
        if (!stale) setError(explain(e));
      }
    };
    const timer = setTimeout(ask, wanted ? pause : 0);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [wanted]);
  const toggle = (p: Account) => {
    const others = chosen.filter((one) => one.uid !== p.uid);
    setChosen(others.length < chosen.length ? others : single ? [p] : [...others, p]);
  };
  const submit = async () => {
    if (busy) return;
    if (chosen.length === 0) return setError(text.chooseOne);
    setBusy(true);
    setError('');
    try {
      await run(chosen);
      onClose();
    } catch (e) {
      setError(explain(e));
      setBusy(false);
    }
  };
  const shown = found?.filter((p) => !without?.(p));
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
            {action}
          </button>
        </>
      }
    >
      {hint && <p dir="auto">{hint}</p>}
      <Search label={a.value.people.search} value={query} onInput={setQuery} />
      {chosen.length > 0 && (
        <ul class="chosen" aria-label={text.chosen}>
          {chosen.map((p) => (
            <li key={p.uid}>
              <button type="button" class="chip" aria-label={text.unpick(p.name)} onClick={() => toggle(p)}>
                <Name name={p.name} uid={p.uid} />
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <ul class="picker-list" aria-label={text.found}>
        {shown?.length === 0 && <li class="field-hint">{a.value.people.noneTitle}</li>}
        {shown?.map((p) => (
          <li key={p.uid}>
            <label class="row">
              <Avatar id={p.uid} name={p.name} src={p.avatar} size="s" />
              <span class="row-text">
                <Name class="row-name ellipsis" name={p.name} uid={p.uid} />
                <Words class="row-sub ellipsis">{[p.department, p.title].filter(Boolean).join(' · ') || p.uid}</Words>
              </span>
              <input
                type="checkbox"
                class="check"
                checked={chosen.some((one) => one.uid === p.uid)}
                onChange={() => toggle(p)}
              />
            </label>
          </li>
        ))}
      </ul>
      {error && (
        <p class="callout error" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}
