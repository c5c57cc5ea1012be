import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Message } from '../core';
import { Confirm } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { t } from '../ui/prefs';
import { attempt, toast } from '../ui/toast';
import { useClosed } from './closed';
import { split, useCore } from './context';
import { ReportMessage } from './report';
import { answer, edit } from './thread';

interface Shown {
  message: Message;
  /** Pixels inside the list. */
  top: number;
  left: number;
}

/** Pixels of one of the tools. */
const toolWidth = 38;

interface ToolsProps {
  box: RefObject<HTMLDivElement | null>;
  conv: string;
  find(id: string): Message | undefined;
}

/**
 * What one can do with a message: beside the one under the pointer, or that was tapped. One set for the whole list, as a row
 * each would cost more than the messages. By keyboard (walk.ts) it is the one that has the focus.
 */
export function MessageTools({ box, conv, find }: ToolsProps) {
  const [shown, show] = useState<Shown>();
  const here = useRef<Shown | undefined>(undefined);
  here.current = shown;
  const [reported, report] = useState<Message>();
  const [recalled, recall] = useState<Message>();
  const core = useCore();
  const [kind, id] = split(conv);
  const role = kind === 'g' ? core.group(id).value?.role : undefined;
  const manages = role === 'owner' || role === 'admin';
  // Who can't write here neither answers nor edits.
  const writes = useClosed(conv) === undefined;
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const at = (target: EventTarget | null) => {
      const row = target instanceof Element ? target.closest<HTMLElement>('.message') : null;
      const bubble = row?.querySelector<HTMLElement>('.bubble');
      const message = find(row?.dataset.key ?? '');
      if (!row || !bubble || message?.seq === undefined || message.recalledBy) return show(undefined);
      const frame = el.getBoundingClientRect();
      const b = bubble.getBoundingClientRect();
      const own = Number(manages || core.canRecall(message)) + Number(writes && core.edits.can(message));
      const width = toolWidth * (1 + Number(writes) + Number(!message.mine) + own);
      const beside = message.mine ? b.left - frame.left - width - 6 : b.right - frame.left + 6;
      show({
        message,
        top: b.top - frame.top + el.scrollTop,
        left: Math.max(6, Math.min(beside, el.clientWidth - width - 6)),
      });
    };
    let pointer: PointerEvent | undefined;
    const moved = (e: PointerEvent) => {
      if (e.pointerType === 'mouse') pointer = e;
    };
    const over = (e: PointerEvent) => {
      if (e.pointerType !== 'mouse') return;
      pointer = e;
      if (!(e.target as Element).closest('.message-tools')) at(e.target);
    };
    const out = (e: PointerEvent) => {
      if (e.pointerType !== 'mouse') return;
      pointer = undefined;
      show(undefined);
    };
    // The list has moved under a pointer that rests: what lies there now has the tools.
    let scrolledAway = false;
    const rests = () => {
      if (!scrolledAway) return;
      scrolledAway = false;
      const there = pointer && document.elementFromPoint(pointer.clientX, pointer.clientY);
      if (there && el.contains(there) && !there.closest('.message-tools')) at(there);
    };
    const tapped = (e: MouseEvent) => {
      if (matchMedia('(hover: hover)').matches || (e.target as Element).closest('a, button')) return;
      if (getSelection()?.isCollapsed !== false) at(e.target);
    };
    // Not the ring of a click, and not while the focus is in the tools themselves.
    const focused = (e: FocusEvent) => {
      const target = e.target as Element;
      if (target.matches('.message:focus-visible')) at(target);
    };
    const left = (e: FocusEvent) => {
      const to = e.relatedTarget;
      if (!(to instanceof Element && to.closest('.message, .message-tools'))) show(undefined);
    };
    const away = () => {
      if (el.contains(document.activeElement) && document.activeElement !== el) return;
      scrolledAway ||= here.current !== undefined;
      show(undefined);
    };
    el.addEventListener('focusin', focused);
    el.addEventListener('focusout', left);
    el.addEventListener('pointerover', over);
    el.addEventListener('pointermove', moved);
    el.addEventListener('pointerleave', out);
    // A tap on a picture opens it: a long one has what can be done with the message.
    const long = (e: MouseEvent) => {
      if (matchMedia('(hover: hover)').matches || !(e.target as Element).closest('.media-body')) return;
      e.preventDefault();
      at(e.target);
    };
    el.addEventListener('contextmenu', long);
    el.addEventListener('click', tapped);
    el.addEventListener('scroll', away);
    el.addEventListener('scrollend', rests);
    return () => {
      el.removeEventListener('pointerover', over);
      el.removeEventListener('pointermove', moved);
      el.removeEventListener('pointerleave', out);
      el.removeEventListener('contextmenu', long);
      el.removeEventListener('click', tapped);
      el.removeEventListener('scroll', away);
      el.removeEventListener('scrollend', rests);
      el.removeEventListener('focusin', focused);
      el.removeEventListener('focusout', left);
    };
  }, [box, core, find, manages, writes]);
  if (reported) return <ReportMessage message={reported} onClose={() => report(undefined)} />;
  if (recalled) {
    return (
      <Confirm
        title={t.value.recall.ask}
        text={t.value.recall.hint}
        action={t.value.recall.action}
        danger
        onClose={() => recall(undefined)}
        run={() => core.recall(conv, recalled.seq ?? 0)}
      />
    );
  }
  if (!shown) return null;
  const text = t.value.chat;
  const { message } = shown;
  const copy = async () => {
    await navigator.clipboard.writeText(message.text);
    toast(text.copied);
    show(undefined);
  };
  return (
    <div
      class="message-tools"
      role="toolbar"
      aria-label={text.tools}
      data-of={message.id}
      style={{ top: `${shown.top}px`, left: `${shown.left}px` }}
    >
      {writes && (
        <button
          type="button"
          class="icon-button"
          aria-label={text.reply}
          title={text.reply}
          onClick={() => {
            answer(conv, message);
            show(undefined);
          }}
        >
          <Icon name="reply" />
        </button>
      )}
      {navigator.clipboard && message.text && (
        <button
          type="button"
          class="icon-button"
          aria-label={text.copy}
          title={text.copy}
          onClick={() => attempt(copy())}
        >
          <Icon name="copy" />
        </button>
      )}
      {writes && core.edits.can(message) && (
        <button
          type="button"
          class="icon-button"
          aria-label={t.value.edit.action}
          title={t.value.edit.action}
          onClick={() => {
            edit(conv, message);
            show(undefined);
          }}
        >
          <Icon name="edit" />
        </button>
      )}
      {!message.mine && (
        <button
          type="button"
          class="icon-button"
          aria-label={t.value.report.action}
          title={t.value.report.action}
          onClick={() => {
            report(message);
            show(undefined);
          }}
        >
          <Icon name="flag" />
        </button>
      )}
      {(manages || core.canRecall(message)) && (
        <button
          type="button"
          class="icon-button"
          aria-label={t.value.recall.action}
          title={t.value.recall.action}
          onClick={() => {
            recall(message);
            show(undefined);
          }}
        >
          <Icon name="trash" />
        </button>
      )}
    </div>
  );
}
