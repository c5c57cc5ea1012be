import { untilThen } from '../ui/format';
import { t } from '../ui/prefs';
import { split, useCore } from './context';

/** Why one can't write here, or undefined when one can. */
export function useClosed(conv: string): string | undefined {
  const core = useCore();
  const [kind, id] = split(conv);
  if (kind === 'u') return core.person(id).value.disabled ? t.value.chat.noLonger : undefined;
  const g = core.group(id).value;
  if (!g || g.role === undefined) return undefined;
  if (g.role === '') return t.value.chat.noLonger;
  const until = g.muted_until ? Date.parse(g.muted_until) : 0;
  if (until > core.now()) return t.value.group.mutedUntil(untilThen(until));
  return g.muted_all && g.role === 'member' ? t.value.group.mutedAll : undefined;
}
