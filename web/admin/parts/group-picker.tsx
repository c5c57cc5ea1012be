import { useEffect, useId, useState } from 'preact/hooks';
import { Avatar } from '../../ui/avatar';
import { Search } from '../../ui/field';
import { Name } from '../../ui/name';
import { explain } from '../../ui/problem';
import { api, withQuery } from '../client';
import { a } from '../text';
import type { AdminGroup, Counted } from '../types';

interface PickerProps {
  label: string;
  /** The gid of the chosen group, or ''. */
  value: string;
  hint?: string;
  error?: string | undefined;
  onChange(group: AdminGroup): void;
}

/** ms without a key after which a search begins. */
const pause = 180;

/** Chooses one group of the organisation by its name, within a form. */
export function GroupPicker({ label, value, hint, error, onChange }: PickerProps) {
  const text = a.value.groups;
  const name = useId();
  const [query, setQuery] = useState('');
  const [found, setFound] = useState<AdminGroup[]>();
  const [failed, setFailed] = useState('');
  const wanted = query.trim();
  useEffect(() => {
    let stale = false;
    const ask = async () => {
      try {
        const { items } = await api.get<Counted<AdminGroup>>(withQuery('/admin/groups', { q: wanted, limit: 30 }));
        if (!stale) setFound(items);
      } catch (e) {
        if (!stale) setFailed(explain(e));
      }
    };
    const timer = setTimeout(ask, wanted ? pause : 0);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [wanted]);
  const note = failed || error;
  return (
    <fieldset class="field" aria-describedby={note || hint ? `${name}-note` : undefined}>
      <legend class="label">{label}</legend>
      <Search label={text.search} value={query} onInput={setQuery} />
      <ul class="picker-list short" aria-label={a.value.picker.found}>
        {found?.length === 0 && <li class="field-hint">{text.noMatch}</li>}
        {found?.map((g) => (
          <li key={g.gid}>
            <label class="row">
              <Avatar id={`g:${g.gid}`} name={g.name} src={g.avatar} size="s" group />
              <span class="row-text">
                <Name class="row-name ellipsis" name={g.name} />
                <span class="row-sub ellipsis">{text.members(g.members)}</span>
              </span>
              <input type="radio" name={name} checked={g.gid === value} onChange={() => onChange(g)} />
            </label>
          </li>
        ))}
      </ul>
      {(note || hint) && (
        <p id={`${name}-note`} class={note ? 'field-error' : 'field-hint'}>
          {note || hint}
        </p>
      )}
    </fieldset>
  );
}
