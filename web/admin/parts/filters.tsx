import type { ComponentChildren } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { Search } from '../../ui/field';
import { filter, place } from '../route';

/** ms without a key after which a search begins. */
const pause = 200;

/** A search whose words are a part of the address. */
export function SearchFilter({ label, name = 'q' }: { label: string; name?: string }) {
  const wanted = place.value.query[name] ?? '';
  const [typed, setTyped] = useState(wanted);
  useEffect(() => setTyped(wanted), [wanted]);
  useEffect(() => {
    if (typed.trim() === wanted) return;
    const timer = setTimeout(() => filter({ [name]: typed.trim() }), typed ? pause : 0);
    return () => clearTimeout(timer);
  }, [typed, wanted, name]);
  return <Search label={label} value={typed} onInput={setTyped} />;
}

interface ChoiceProps {
  label: string;
  name: string;
  /** What stands for "all" first. */
  all: string;
  options: readonly (readonly [string, string])[];
}

/** A choice that is a part of the address; the first leaves nothing out. */
export function ChoiceFilter({ label, name, all, options }: ChoiceProps) {
  const value = place.value.query[name] ?? '';
  return (
    <select
      class="input select filter"
      aria-label={label}
      value={value}
      onChange={(e) => filter({ [name]: e.currentTarget.value })}
    >
      {[['', all] as const, ...options].map(([key, word]) => (
        <option key={key} value={key} selected={key === value}>
          {word}
        </option>
      ))}
    </select>
  );
}

/** A day that is a part of the address. */
export function DayFilter({ label, name }: { label: string; name: string }) {
  const id = useId();
  return (
    <span class="day-filter">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="date"
        class="input"
        value={place.value.query[name] ?? ''}
        onChange={(e) => filter({ [name]: e.currentTarget.value })}
      />
    </span>
  );
}

export function Filters({ children }: { children: ComponentChildren }) {
  return <search class="filters">{children}</search>;
}
