import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { Dialog } from '../../ui/dialog';
import { t } from '../../ui/prefs';
import type { Draft } from '../draft';
import { a } from '../text';

interface SelectProps<V extends string> {
  label: string;
  value: V;
  options: readonly (readonly [V, string])[];
  onChange(value: V): void;
  hint?: string | undefined;
  error?: string | undefined;
  disabled?: boolean;
}

/** A labelled choice of one of several. */
export function Select<V extends string>({ label, value, options, onChange, hint, error, disabled }: SelectProps<V>) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        class="input select"
        value={value}
        disabled={disabled}
        onChange={(e) => onChange(e.currentTarget.value as V)}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
      >
        {options.map(([key, word]) => (
          <option key={key} value={key} selected={key === value}>
            {word}
          </option>
        ))}
      </select>
      {note && (
        <p id={`${id}-note`} class={error ? 'field-error' : 'field-hint'}>
          {note}
        </p>
      )}
    </div>
  );
}

interface NumberProps {
  label: string;
  value: number;
  onInput(value: number): void;
  min?: number;
  max?: number;
  unit?: string;
  step?: number;
  hint?: string | undefined;
  error?: string | undefined;
  disabled?: boolean;
}

/** A labelled number with its unit: a whole one, unless `step` is smaller. */
export function NumberField({
  label,
  value,
  onInput,
  min = 0,
  max,
  unit,
  step = 1,
  hint,
  error,
  disabled,
}: NumberProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="number-box">
        <input
          id={id}
          class="input"
          type="number"
          inputMode={step < 1 ? 'decimal' : 'numeric'}
          step={step}
          min={min}
          max={max}
          disabled={disabled}
          value={Number.isNaN(value) ? '' : value}
          onInput={(e) => onInput(e.currentTarget.valueAsNumber)}
          aria-invalid={error ? 'true' : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
        />
        {unit && <span>{unit}</span>}
      </div>
      {note && (
        <p id={`${id}-note`} class={error ? 'field-error' : 'field-hint'}>
          {note}
        </p>
      )}
    </div>
  );
}

interface ClashesProps<T extends object> {
  draft: Draft<T>;
  labels: Record<keyof T & string, string>;
  show(field: keyof T & string, value: T[keyof T]): string;
}

/** Tells what somebody else has changed meanwhile, and lets one take it. */
export function Clashes<T extends object>({ draft, labels, show }: ClashesProps<T>) {
  if (draft.clashes.length === 0) return null;
  const text = a.value.conflict;
  return (
    <section class="callout warn clashes" role="alert">
      <p>
        <strong>{text.title}</strong> {text.text}
      </p>
      <ul>
        {draft.clashes.map((clash) => {
          const field = clash.field as keyof T & string;
          return (
            <li key={field}>
              <span>
                {text.now(
                  labels[field],
                  show(field, clash.theirs) || text.empty,
                  show(field, clash.before) || text.empty,
                )}
              </span>
              {clash.both && (
                <button type="button" class="button small" onClick={() => draft.takeTheirs(clash)}>
                  {text.take}
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

interface FormProps<T extends object> {
  draft: Draft<T>;
  /** What the button says. */
  action: string;
  labels: Record<keyof T & string, string>;
  show(field: keyof T & string, value: T[keyof T]): string;
  children: ComponentChildren;
}

/** A form of something that is there: its buttons come when something has been changed. */
export function Form<T extends object>({ draft, action, labels, show, children }: FormProps<T>) {
  return (
    <form
      class="form"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        void draft.submit();
      }}
    >
      <Clashes draft={draft} labels={labels} show={show} />
      {children}
      {draft.error && (
        <p class="callout error" role="alert">
          {draft.error}
        </p>
      )}
      {draft.changed && (
        <div class="form-foot">
          <button type="button" class="button" disabled={draft.busy} onClick={draft.reset}>
            {a.value.undo}
          </button>
          <button type="submit" class="button primary" disabled={draft.busy}>
            {action}
          </button>
        </div>
      )}
    </form>
  );
}

interface MakeProps<T extends object> {
  title: string;
  draft: Draft<T>;
  action: string;
  onClose(): void;
  children: ComponentChildren;
}

/** A dialog that makes something new. */
export function Make<T extends object>({ title, draft, action, onClose, children }: MakeProps<T>) {
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={draft.submit}
      footer={
        <>
          <button type="button" class="button" onClick={onClose}>
            {t.value.dialog.cancel}
          </button>
          <button type="submit" class="button primary" disabled={draft.busy}>
            {action}
          </button>
        </>
      }
    >
      {children}
      {draft.error && (
        <p class="callout error" role="alert">
          {draft.error}
        </p>
      )}
    </Dialog>
  );
}
