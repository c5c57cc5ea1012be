import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from './dialog';
import { Area, Field } from './field';
import { t } from './prefs';
import { explain, fieldErrors } from './problem';

interface EditProps {
  title: string;
  label: string;
  value: string;
  maxLength: number;
  /** Several lines. */
  long?: boolean;
  /** Said when the field is left empty; without it, empty is a value too. */
  required?: string;
  /** What the button says. */
  action: string;
  /** Stores what was written. What it throws is said, and the dialog stays. */
  save(value: string): Promise<void>;
  onClose(): void;
  /** Stands below the field; is given how to fill it. */
  children?: (fill: (value: string) => void) => ComponentChildren;
}

/** A dialog that changes one text. */
export function EditDialog({ title, label, value: first, action, save, onClose, ...o }: EditProps) {
  const [value, setValue] = useState(first);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const fill = (next: string) => {
    setValue(next);
    setError('');
  };
  const submit = async () => {
    const wanted = value.trim();
    if (busy) return;
    if (!wanted && o.required) return setError(o.required);
    setBusy(true);
    try {
      if (wanted !== first) await save(wanted);
      onClose();
    } catch (e) {
      setError(Object.values(fieldErrors(e))[0] ?? explain(e));
      setBusy(false);
    }
  };
  const field = { label, value, onInput: fill, maxLength: o.maxLength, error };
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
      {o.long ? <Area {...field} /> : <Field {...field} autofocus />}
      {o.children?.(fill)}
    </Dialog>
  );
}
