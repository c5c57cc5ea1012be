// A message where there is but a line for it.

import type { Message } from '../core';
import { Icon, type IconName } from '../ui/icon';
import { plain } from '../ui/markup';
import { t } from '../ui/prefs';
import { mediaSummary } from './media/describe';

/** What a medium is that has no view of its own. */
export function kindName(type: number): string {
  const text = t.value.chat;
  return { 16: text.location, 17: text.card }[type] ?? text.file;
}

/** One line for a message in a list: its text or caption without marks, else what its files are, or the name of its kind. */
export function summary(m: Message): string {
  if (m.recalledBy) return t.value.recall.done;
  if (m.text) return plain(m.text.slice(0, 300));
  return mediaSummary(m) || kindName(m.media[0]?.type ?? 0);
}

/** How far an own message has come. */
export function Mark({ m }: { m: Message }) {
  const text = t.value.chat;
  const [icon, word]: [IconName, string] = m.editing
    ? m.editing === 'waiting'
      ? ['clock', t.value.edit.waiting]
      : ['alert', t.value.edit.failed]
    : m.state === 'waiting'
      ? ['clock', text.waiting]
      : m.state === 'failed'
        ? ['alert', text.failed]
        : m.read
          ? ['checks', text.read]
          : ['check', text.stored];
  return (
    <span
      class={`mark ${m.editing ?? (m.read && m.state === 'stored' ? 'read' : m.state)}`}
      role="img"
      aria-label={word}
      title={word}
    >
      <Icon name={icon} />
    </span>
  );
}
