import { Icon } from '../ui/icon';
import { t } from '../ui/prefs';
import { attempt } from '../ui/toast';
import { decline, declined, missed, permission, turnOn, wanted } from './alerts';

/** Offers notifications once something came that one might have missed; the browser asks only after "Turn on". */
export function AskAlerts() {
  if (!missed.value || declined.value || !wanted.value || permission.value !== 'default') return null;
  const text = t.value.alerts;
  return (
    <section class="callout list-callout ask" aria-label={text.title}>
      <Icon name="bell" />
      <p>{text.ask}</p>
      <div class="ask-actions">
        <button type="button" class="button small primary" onClick={() => attempt(turnOn())}>
          {text.turnOn}
        </button>
        <button type="button" class="button small" onClick={decline}>
          {text.notNow}
        </button>
      </div>
    </section>
  );
}
