// The @ list of a place where one writes: the composer, or the caption of files.

import type { RefObject } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Mention } from '../ui/markup';
import { t } from '../ui/prefs';
import { useCore } from './context';
import { type Asking, askingAt, candidates } from './mention';
import { MentionBox, mentionable, useReadings } from './mention-box';

interface Place {
  conv: string;
  area: RefObject<HTMLTextAreaElement | null>;
  value: string;
  /** The text has become this. */
  type(text: string): void;
  /** Of two members with one name, the one that was chosen from the list. */
  chosen: Map<string, string>;
}

export function useMentioning({ conv, area, value, type, chosen }: Place) {
  const core = useCore();
  const [asking, ask] = useState<Asking>();
  const [active, setActive] = useState(0);
  const id = useId();
  const group = conv.startsWith('g:');
  // The members are read once somebody is to be mentioned: a large group has many.
  const people = group && value.includes('@') ? mentionable(core, conv) : [];
  const readings = useReadings(group ? (asking?.query ?? '') : '');
  const list = asking && people.length > 0 ? candidates(people, asking.query, t.value.chat.everyone, readings) : [];
  const close = () => ask(undefined);

  /** Puts a piece of text in place of what stands from `from` to the caret; without it, of what is selected. */
  const insert = (piece: string, from?: number) => {
    const el = area.current;
    if (!el) return;
    el.setRangeText(piece, from ?? el.selectionStart, from === undefined ? el.selectionEnd : el.selectionStart, 'end');
    type(el.value);
  };
  const mention = (m: Mention) => {
    if (!asking) return;
    chosen.set(m.name, m.uid);
    insert(`@${m.name} `, asking.at);
    close();
    area.current?.focus();
  };
  return {
    insert,
    close,
    /** Stands above the place. */
    box: list.length > 0 && <MentionBox id={id} list={list} active={active} choose={mention} />,
    /** Of the element where one writes. */
    attributes: {
      'aria-autocomplete': group ? ('list' as const) : undefined,
      'aria-controls': list.length > 0 ? id : undefined,
      'aria-activedescendant': list.length > 0 ? `${id}-${active}` : undefined,
      onBlur: close,
    },
    /** The text, or the place of the caret, is another. */
    look() {
      const el = area.current;
      const next = el && el.selectionStart === el.selectionEnd ? askingAt(el.value, el.selectionStart) : undefined;
      if (next?.at === asking?.at && next?.query === asking?.query) return;
      ask(next);
      setActive(0);
    },
    /** Whether a key was for the list. */
    took(e: KeyboardEvent): boolean {
      const one = list[active];
      if (!one || e.ctrlKey || e.metaKey || e.altKey) return false;
      const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
      if (step) setActive((active + step + list.length) % list.length);
      else if (e.key === 'Enter' || e.key === 'Tab') mention(one);
      else if (e.key === 'Escape') close();
      else return true;
      e.preventDefault();
      return true;
    },
  };
}
