import type { Core, NoticeLine } from '../core';
import { clean } from '../ui/name';
import { t } from '../ui/prefs';

/** A notice as a system line of the conversation. */
export function noticeText(core: Core, n: NoticeLine): string {
  const text = t.value.notice;
  const me = core.account.value.me?.uid;
  const name = n.uid ? clean(core.person(n.uid).value.name) : '';
  const by = n.by ? clean(core.person(n.by).value.name) : '';
  const who = n.by === me ? text.you : by;
  const mine = n.uid !== undefined && n.uid === me;
  switch (n.notice) {
    case 'made':
      return mine ? text.youMade : text.made(name);
    case 'added':
      return mine ? text.youWereAdded(by) : n.by === me ? text.youAdded(name) : text.added(name, by);
    case 'joined':
      return mine ? text.youJoined : text.joined(name);
    case 'left':
      return mine ? text.youLeft : text.left(name);
    case 'removed':
      return by ? text.removed(name, by) : text.left(name);
    case 'renamed':
      return text.renamed(n.text ?? '', who);
    case 'announcement':
      return text.announced(who);
    case 'pictured':
      return text.pictured(who);
    case 'muted-all':
      return text.mutedAll(who);
    case 'unmuted-all':
      return text.unmutedAll(who);
    case 'role':
      return n.text === 'owner'
        ? text.madeOwner(name)
        : n.text === 'admin'
          ? text.madeAdmin(name)
          : text.madeMember(name);
    case 'muted':
      return text.muted(name);
    case 'unmuted':
      return text.unmuted(name);
    case 'dissolved':
      return text.dissolved;
  }
}
