import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Attachment, ConversationView, Message } from '../core';
import { format } from '../ui/format';
import { Icon } from '../ui/icon';
import { mentionsIn } from '../ui/markup';
import { t } from '../ui/prefs';
import { useCore } from './context';
import { EmojiButton } from './emoji-button';
import { Attach } from './media/attach';
import { canRecord, Record } from './media/record';
import { mentionsAfter } from './mention';
import { mentionable, mentionedIn, mentionLimit } from './mention-box';
import { useMentioning } from './mentioning';
import { sends, touch } from './shortcuts';
import { AnswerBar, answer, answered, edit, edited } from './thread';

/** Characters (code points) in one message: protocol.md §9. */
const limit = 16_384;

/** Where a message is written. Rendered anew for each conversation (`key`), so that its draft is that conversation's. */
export function Composer({ view, name, draft }: { view: ConversationView; name: string; draft: string }) {
  const core = useCore();
  const { conv } = view;
  const area = useRef<HTMLTextAreaElement>(null);
  const [value, setValue] = useState(draft);
  // What was typed here and is not yet kept. A draft that comes in late fills the field only while this is unset.
  const typed = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (typed.current === undefined) setValue(draft);
  }, [draft]);
  const type = (text: string) => {
    if (!edited(conv)) typed.current = text; // what is changed is no draft
    setValue(text);
  };

  useLayoutEffect(() => {
    const el = area.current;
    if (!el) return;
    el.style.height = 'auto';
    el.style.height = `${el.scrollHeight + el.offsetHeight - el.clientHeight}px`;
  }, [value]);

  // While one changes a message its text stands in the field; what was there before comes back after.
  const changed = edited(conv);
  const changedId = changed?.id;
  const aside = useRef<string | undefined>(undefined);
  useLayoutEffect(() => {
    if (changed) {
      aside.current ??= value;
      setValue(changed.text);
      const el = area.current;
      if (!el) return;
      el.focus();
      el.value = changed.text; // at once, so that the caret stands behind it
      el.setSelectionRange(el.value.length, el.value.length);
    } else if (aside.current !== undefined) {
      setValue(aside.current);
      aside.current = undefined;
    }
  }, [changedId]);
  // The message may have been recalled, or the conversation left: nothing is changed then.
  useEffect(() => () => edit(conv, undefined), [conv]);

  // A draft is kept when one pauses and when one leaves, not at every key.
  useEffect(() => {
    if (typed.current === undefined || changed) return;
    const pause = setTimeout(() => core.setDraft(conv, value), 400);
    return () => clearTimeout(pause);
  }, [core, conv, value, changed]);
  useEffect(() => {
    const author = core.account.peek().me?.uid;
    const keep = () => {
      if (typed.current === undefined) return;
      // Whoever is signed in meanwhile has not written it.
      const now = core.account.peek().me?.uid;
      if (now === undefined || now === author) core.setDraft(conv, typed.current);
    };
    addEventListener('pagehide', keep);
    // A touch keyboard that jumps up by itself hides the messages that one came to read; and in another system's page one may be writing elsewhere.
    if (document.hasFocus() && matchMedia('(hover: hover)').matches) area.current?.focus();
    return () => {
      removeEventListener('pagehide', keep);
      keep();
    };
  }, [core, conv]);

  const length = value.length > limit / 2 ? [...value].length : value.length;
  const over = length - limit;
  // A caption may go; a message without files must say something.
  const captioned = changed?.media.some((m) => m.type !== 0) ?? false;
  const ready = (value.trim() !== '' || captioned) && over <= 0;

  const group = conv.startsWith('g:');
  // Of two members with one name, the one that was chosen from the list.
  const chosen = useRef(new Map<string, string>());
  const mentions = useMentioning({ conv, area, value, type, chosen: chosen.current });
  const text = t.value.chat;
  const sendWord = changed ? t.value.edit.save : text.send;

  const mentioned = (words: string, of?: Message) => {
    const all = group && words.includes('@') ? mentionable(core, conv) : [];
    const found = of
      ? mentionsAfter(words, of.text, mentionedIn(core, of), all, chosen.current)
      : mentionsIn(words, all, chosen.current);
    return found.slice(0, mentionLimit);
  };
  /** Whom a text mentions, and what it answers. */
  const options = (words: string) => {
    const all = mentioned(words);
    const reply = answered(conv)?.seq;
    return { ...(reply && { reply }), ...(all.length > 0 && { mentions: all }) };
  };
  const sent = () => {
    answer(conv, undefined);
    chosen.current.clear();
    mentions.close();
    type('');
    core.setDraft(conv, '');
    area.current?.focus();
  };
  const send = () => {
    if (!ready) return;
    if (changed) {
      if (value.trim() !== changed.text) core.edits.put(changed, value.trim(), mentioned(value, changed));
      chosen.current.clear();
      mentions.close();
      edit(conv, undefined);
      return;
    }
    core.send(conv, value.trim(), options(value));
    sent();
  };
  const sendFiles = async (files: Attachment[], caption: string) => {
    await core.media.send(conv, files, { ...(caption && { caption }), ...options(caption) });
    sent();
  };
  const [recording, setRecording] = useState(false);

  const key = (e: KeyboardEvent) => {
    // While an input method composes, Enter chooses a candidate. Safari ends the composition first and says 229.
    if (e.isComposing || e.keyCode === 229) return;
    if (mentions.took(e)) return;
    if ((e.ctrlKey || e.metaKey) && (e.key === 'ArrowUp' || e.key === 'ArrowDown')) {
      e.preventDefault();
      answer(conv, neighbour(view, answered(conv), e.key === 'ArrowUp' ? -1 : 1));
    } else if (e.key === 'Escape' && (changed || answered(conv))) {
      e.preventDefault();
      edit(conv, undefined);
      answer(conv, undefined);
    } else if (e.key === 'ArrowUp' && value === '' && !changed && !e.shiftKey && !e.altKey) {
      const mine = view.items.peek().findLast((one): one is Message => !('notice' in one) && one.mine);
      if (!mine || !core.edits.can(mine)) return;
      e.preventDefault();
      edit(conv, mine);
    } else if (sends(e)) {
      e.preventDefault();
      send();
    }
  };

  const answeredId = answered(conv)?.id;
  useEffect(() => {
    if (answeredId) area.current?.focus();
  }, [answeredId]);

  return (
    <form
      class={`composer ${recording ? 'recording' : ''}`}
      onSubmit={(e) => {
        e.preventDefault();
        send();
      }}
    >
      {mentions.box}
      <AnswerBar conv={conv} />
      <div class="composer-field">
        <Attach
          conv={conv}
          name={name}
          off={changed !== undefined}
          written={() => area.current?.value ?? ''}
          chosen={chosen.current}
          send={sendFiles}
        />
        <textarea
          ref={area}
          class="composer-input"
          rows={1}
          dir="auto"
          value={value}
          aria-label={text.composeTo(name)}
          placeholder={text.compose}
          enterkeyhint={touch() ? 'enter' : 'send'}
          {...mentions.attributes}
          onInput={(e) => {
            type(e.currentTarget.value);
            mentions.look();
            if (e.currentTarget.value.trim() && !changed) core.typing(conv);
          }}
          onSelect={mentions.look}
          onKeyDown={key}
          aria-invalid={over > 0 ? 'true' : undefined}
        />
        <EmojiButton choose={(emoji) => mentions.insert(emoji)} closed={() => area.current?.focus()} />
      </div>
      {length > limit - 1000 && (
        <span class={`composer-count ${over > 0 ? 'over' : ''}`} role="status">
          {over > 0 ? text.tooLong(format.value.number.format(over)) : text.left(format.value.number.format(-over))}
        </span>
      )}
      {canRecord && !value.trim() && !changed ? (
        <Record send={(voice) => sendFiles([voice], '')} onChange={setRecording} />
      ) : (
        <button type="submit" class="send" aria-label={sendWord} title={sendWord} disabled={!ready}>
          <Icon name={changed ? 'check' : 'send'} />
        </button>
      )}
    </form>
  );
}

/** The message above or below the one that is being answered; the newest, if there is none. Undefined below the newest. */
function neighbour(view: ConversationView, from: Message | undefined, step: 1 | -1): Message | undefined {
  const all = view.items.peek().filter((one): one is Message => !('notice' in one) && one.seq !== undefined);
  if (!from) return step === -1 ? all.at(-1) : undefined;
  const at = all.findIndex((m) => m.id === from.id) + step;
  return at < 0 ? from : all[at];
}
