import { t } from '../ui/prefs';
import { shortcuts } from './shortcuts';

/** Keys and what they do. */
export function Shortcuts({ names }: { names: (keyof typeof shortcuts)[] }) {
  return (
    <dl class="shortcuts not-touch">
      {names.map((name) => (
        <div key={name}>
          <dt>{t.value.shortcuts[name]}</dt>
          <dd>
            {shortcuts[name].map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
