// What somebody is writing in a form, and what becomes of it when somebody else has changed the same thing meanwhile.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../core/problem';
import { explain, fieldErrors } from '../ui/problem';
import { type Clash, changes, join, merge } from './merge';

export type Errors<T> = Partial<Record<keyof T & string, string>>;

export interface Draft<T extends object> {
  value: T;
  set<K extends keyof T>(field: K, value: T[K]): void;
  errors: Errors<T>;
  /** What is wrong beside single fields. */
  error: string;
  busy: boolean;
  changed: boolean;
  clashes: Clash<T>[];
  /** Gives a field the value that the other gave it. */
  takeTheirs(clash: Clash<T>): void;
  /** Puts everything back as it is stored. */
  reset(): void;
  submit(): Promise<void>;
}

interface DraftOptions<T extends object> {
  /** What is stored. */
  base: T;
  version: number;
  check?(value: T): Errors<T>;
  /** Stores what has changed. Throws Problem; 412 when the version is old. */
  save(change: Partial<T>, version: number, value: T): Promise<void>;
  /** What a 412 brings: the thing as it is now. */
  read?(current: unknown): { value: T; version: number };
}

export function useDraft<T extends object>(o: DraftOptions<T>): Draft<T> {
  const [base, setBase] = useState({ value: o.base, version: o.version });
  const [value, setValue] = useState(o.base);
  const [errors, setErrors] = useState<Errors<T>>({});
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const [clashes, setClashes] = useState<Clash<T>[]>([]);

  /** What was stored of the version that the draft is of. */
  const stored = useRef<{ value: T; version: number } | undefined>(undefined);

  // A newer version has come from outside: what is not being changed follows it. It may be somebody else's, and then saving would overwrite
  // what they did in the fields that are being changed; or it is what was stored here, and one has typed on.
  useEffect(() => {
    if (o.version <= base.version) return;
    const own = stored.current?.version === base.version ? stored.current.value : undefined;
    const from = own ?? base.value;
    const { clashes } = merge(from, value, o.base);
    setValue((mine) => merge(from, mine, o.base).value);
    setBase({ value: o.base, version: o.version });
    if (!own)
      setClashes((before) =>
        join(
          before,
          clashes.filter(({ both }) => both),
        ),
      );
  }, [o.version]);

  const changed = Object.keys(changes(base.value, value)).length > 0;
  const submit = async () => {
    if (busy) return;
    const wrong = o.check?.(value) ?? {};
    setErrors(wrong);
    setError('');
    if (Object.keys(wrong).length > 0) return;
    setBusy(true);
    try {
      await o.save(changes(base.value, value), base.version, value);
      stored.current = { value, version: base.version };
      setClashes([]);
    } catch (e) {
      if (e instanceof Problem && e.status === 412 && o.read) {
        const now = o.read(e.names.current);
        const merged = merge(base.value, value, now.value);
        setBase(now);
        setValue(merged.value);
        setClashes((before) => join(before, merged.clashes));
      } else {
        const fields = fieldErrors(e) as Errors<T>;
        const known = Object.keys(fields).filter((name) => name in value);
        setErrors(fields);
        if (known.length === 0) setError(explain(e));
      }
    } finally {
      setBusy(false);
    }
  };
  return {
    value,
    set: (field, next) => {
      setValue((before) => ({ ...before, [field]: next }));
      setErrors((before) => ({ ...before, [field]: undefined }));
    },
    errors,
    error,
    busy,
    changed,
    clashes,
    takeTheirs: (clash) => {
      setValue((before) => ({ ...before, [clash.field]: clash.theirs }));
      setClashes((before) => before.filter((one) => one !== clash));
    },
    reset: () => {
      setValue(base.value);
      setErrors({});
      setError('');
      setClashes([]);
    },
    submit,
  };
}
