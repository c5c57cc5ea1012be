// What the rows of a conversation, its timeline and its composer have to do with each other: answering a message.

import { signal, useComputed } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Message } from '../core';
import { Icon } from '../ui/icon';
import { Name, Words } from '../ui/name';
import { personal } from '../ui/personal';
import { t } from '../ui/prefs';
import { usePerson } from './context';
import { MediaIcon, SmallPicture } from './media/hint';
import { summary } from './summary';

/** The message that one is about to answer, for each conversation. */
const answering = signal<ReadonlyMap<string, Message>>(new Map());

export function answered(conv: string): Message | undefined {
  return answering.value.get(conv);
}

/** Chooses the message to answer, or none. One that the server has not stored has no number to answer to. */
export function answer(conv: string, m: Message | undefined): void {
  const next = new Map(answering.peek());
  if (m?.seq) next.set(conv, m);
  else next.delete(conv);
  answering.value = next;
}

/** The message whose text one is changing, for each conversation. */
const changing = signal<ReadonlyMap<string, Message>>(new Map());

export function edited(conv: string): Message | undefined {
  return changing.value.get(conv);
}

/** Chooses the message to change, or none. It is not answered meanwhile. */
export function edit(conv: string, m: Message | undefined): void {
  const next = new Map(changing.peek());
  if (m) next.set(conv, m);
  else next.delete(conv);
  changing.value = next;
  if (m) answer(conv, undefined);
}

personal(() => {
  answering.value = new Map();
  changing.value = new Map();
});

export interface Thread {
  /** The message with that seq, if it is here. Follows changes. */
  find(seq: number): Message | undefined;
  /** Scrolls to it, and loads what lies between. */
  jump(seq: number): void;
}

export const ThreadContext = createContext<Thread>({ find: () => undefined, jump: () => {} });

/** Above an answer: who said what it answers. */
export function Quoted({ m }: { m: Message }) {
  const seq = m.media[0]?.content.re;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1 || seq >= (m.seq ?? Number.POSITIVE_INFINITY))
    return null;
  return <QuotedButton seq={seq} />;
}

function QuotedButton({ seq }: { seq: number }) {
  const thread = useContext(ThreadContext);
  const original = useComputed(() => thread.find(seq)).value;
  return (
    <button type="button" class="quoted" title={t.value.chat.showQuoted} onClick={() => thread.jump(seq)}>
      {original ? <QuotedLine m={original} /> : <span class="ellipsis">{t.value.chat.earlier}</span>}
    </button>
  );
}

/** Name and words of a message on two short lines. */
function QuotedLine({ m }: { m: Message }) {
  const name = usePerson(m.sender).name;
  return (
    <>
      <Name class="quoted-name ellipsis" name={name} uid={m.sender} />
      <span class="ellipsis">
        <MediaIcon m={m} />
        <Words>{summary(m)}</Words>
      </span>
      <SmallPicture m={m} />
    </>
  );
}

/** Above the composer: what one is answering or changing, and the way out of it. */
export function AnswerBar({ conv }: { conv: string }) {
  const changed = edited(conv);
  const m = changed ?? answered(conv);
  if (!m) return null;
  const text = t.value;
  const away = changed ? text.edit.cancel : text.chat.dontReply;
  return (
    <div class="answer-bar">
      <Icon name={changed ? 'edit' : 'reply'} />
      <div class="quoted">
        <span class="hidden-visually" role="status">
          {changed ? text.edit.editing : text.chat.replying}
        </span>
        <QuotedLine m={m} />
      </div>
      <button
        type="button"
        class="icon-button"
        aria-label={away}
        title={away}
        onClick={() => (changed ? edit(conv, undefined) : answer(conv, undefined))}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
