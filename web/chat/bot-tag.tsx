import { t } from '../ui/prefs';
import { usePerson } from './context';

/** Stands beside the name of a program's account, so that nobody takes it for a person. */
export function BotTag({ uid }: { uid: string }) {
  return usePerson(uid).service ? <span class="tag quiet bot-tag">{t.value.people.bot}</span> : null;
}
