import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { Icon } from './icon';
import { t } from './prefs';

interface FieldProps {
  label: string;
  value: string;
  onInput(value: string): void;
  type?: 'text' | 'password';
  error?: string | undefined;
  hint?: string | undefined;
  autocomplete?: string;
  autofocus?: boolean;
  maxLength?: number;
  /** Names and ids that a keyboard should neither correct nor capitalise. */
  verbatim?: boolean;
}

/** A labelled line of input with its hint and error, tied together for screen readers. */
export function Field(props: FieldProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const { label, value, onInput, type = 'text', error, hint } = props;
  const text = t.value.signIn;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="field-box">
        <input
          id={id}
          class="input"
          dir="auto"
          name={props.autocomplete}
          {...(type === 'password' && !shown ? { type: 'password' as const } : { type: 'text' as const })}
          value={value}
          onInput={(e) => onInput(e.currentTarget.value)}
          autocomplete={props.autocomplete as 'on'}
          maxLength={props.maxLength}
          autofocus={props.autofocus}
          aria-invalid={error ? 'true' : undefined}
          aria-describedby={error ? `${id}-error` : hint ? `${id}-hint` : undefined}
          {...(props.verbatim || type === 'password'
            ? { autocapitalize: 'none', autocorrect: 'off', spellcheck: false }
            : {})}
        />
        {type === 'password' && (
          <button
            type="button"
            class="icon-button"
            aria-label={shown ? text.hidePassword : text.showPassword}
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
          >
            <Icon name={shown ? 'eyeOff' : 'eye'} />
          </button>
        )}
      </div>
      {error ? (
        <p id={`${id}-error`} class="field-error">
          {error}
        </p>
      ) : (
        hint && (
          <p id={`${id}-hint`} class="field-hint">
            {hint}
          </p>
        )
      )}
    </div>
  );
}

interface AreaProps {
  label: string;
  value: string;
  onInput(value: string): void;
  maxLength: number;
  error?: string | undefined;
  hint?: string | undefined;
  /** Whether it takes the focus when it comes; it does unless this is false. */
  autofocus?: boolean;
}

/** A labelled field of several lines. */
export function Area({ label, value, onInput, maxLength, error, hint, autofocus = true }: AreaProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        class="input area"
        dir="auto"
        rows={5}
        value={value}
        maxLength={maxLength}
        autofocus={autofocus}
        onInput={(e) => onInput(e.currentTarget.value)}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={error ? `${id}-error` : hint ? `${id}-hint` : undefined}
      />
      {error ? (
        <p id={`${id}-error`} class="field-error">
          {error}
        </p>
      ) : (
        hint && (
          <p id={`${id}-hint`} class="field-hint">
            {hint}
          </p>
        )
      )}
    </div>
  );
}

interface SearchProps {
  label: string;
  value: string;
  onInput(value: string): void;
}

export function Search({ label, value, onInput }: SearchProps) {
  return (
    <div class="search">
      <Icon name="search" />
      <input
        class="input"
        type="search"
        dir="auto"
        aria-label={label}
        placeholder={label}
        value={value}
        onInput={(e) => onInput(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key !== 'Escape' || value === '') return;
          e.stopPropagation();
          e.preventDefault();
          onInput('');
        }}
      />
    </div>
  );
}

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  options: [T, ComponentChildren][];
  onChange(value: T): void;
}

/** A choice of a few, all in sight. */
export function Segments<T extends string>({ label, value, options, onChange }: SegmentsProps<T>) {
  const name = useId();
  return (
    <fieldset class="segments">
      <legend class="hidden-visually">{label}</legend>
      {options.map(([key, content]) => (
        <label key={key}>
          <input type="radio" name={name} checked={key === value} onChange={() => onChange(key)} />
          {content}
        </label>
      ))}
    </fieldset>
  );
}

interface SwitchProps {
  label: string;
  hint?: string | undefined;
  checked: boolean;
  disabled?: boolean;
  onChange(on: boolean): void;
}

/** Something that is on or off, at once. */
export function Switch({ label, hint, checked, disabled, onChange }: SwitchProps) {
  const id = useId();
  return (
    <div class="switch-row">
      <label for={id}>
        <span>{label}</span>
        {hint && <small id={`${id}-hint`}>{hint}</small>}
      </label>
      <input
        id={id}
        type="checkbox"
        role="switch"
        class="switch"
        checked={checked}
        disabled={disabled}
        aria-describedby={hint ? `${id}-hint` : undefined}
        aria-checked={checked}
        // What is shown is what is so: when the change fails, the switch stays as it was.
        onChange={(e) => {
          e.currentTarget.checked = checked;
          onChange(!checked);
        }}
      />
    </div>
  );
}
