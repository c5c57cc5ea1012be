import { useEffect, useId } from 'preact/hooks';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import { department, departmentOptions, departments, needDepartments, pathOf } from '../departments';
import { a } from '../text';

interface PickerProps {
  /** Ids, the main one first. */
  value: readonly string[];
  onChange(value: string[]): void;
  error?: string | undefined;
  disabled?: boolean;
  /** What the field is called, and what is said of it; without these it is a person's. */
  label?: string;
  hint?: string;
  /** The first is no more than the others. */
  equal?: boolean;
}

/** Chooses departments, in their order. */
export function DepartmentPicker({ value, onChange, error, disabled, label, hint, equal }: PickerProps) {
  const id = useId();
  const text = a.value.people;
  useEffect(needDepartments, []);
  const left = departmentOptions(departments.value ?? []).filter(([one]) => !value.includes(one));
  const note = error ?? hint ?? text.departmentsHint;
  return (
    <fieldset class="field department-picker" aria-describedby={`${id}-note`}>
      <legend class="label">{label ?? text.departments}</legend>
      {value.length > 0 && (
        <ul>
          {value.map((one, i) => {
            const name = department(one)?.name ?? one;
            return (
              <li key={one} title={pathOf(one)}>
                <Words class="ellipsis">{name}</Words>
                {!equal && i === 0 && value.length > 1 && <span class="tag">{text.main}</span>}
                {!equal && i > 0 && !disabled && (
                  <button
                    type="button"
                    class="icon-button small"
                    aria-label={text.makeMain(name)}
                    title={text.makeMain(name)}
                    onClick={() => onChange([one, ...value.filter((other) => other !== one)])}
                  >
                    <Icon name="pin" />
                  </button>
                )}
                {!disabled && (
                  <button
                    type="button"
                    class="icon-button small"
                    aria-label={text.removeDepartment(name)}
                    title={text.removeDepartment(name)}
                    onClick={() => onChange(value.filter((other) => other !== one))}
                  >
                    <Icon name="close" />
                  </button>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {!disabled && left.length > 0 && (
        <select
          class="input select"
          aria-label={text.addDepartment}
          value=""
          onChange={(e) => {
            const chosen = e.currentTarget.value;
            e.currentTarget.value = '';
            if (chosen) onChange([...value, chosen]);
          }}
        >
          <option value="">{text.addDepartment}…</option>
          {left.map(([one, name]) => (
            <option key={one} value={one}>
              {name}
            </option>
          ))}
        </select>
      )}
      <p id={`${id}-note`} class={error ? 'field-error' : 'field-hint'}>
        {note}
      </p>
    </fieldset>
  );
}
