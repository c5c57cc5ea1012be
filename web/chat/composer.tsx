import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { format } from '../ui/format';
import { Icon } from '../ui/icon';
import { t } from '../ui/prefs';
import { useCore } from './context';

/** Characters (code points) in one message: protocol.md §9. */
const limit = 16_384;

/** Where a message is written. Rendered anew for each conversation (`key`), so that its draft is that conversation's. */
export function Composer({ conv, name, draft }: { conv: string; name: string; draft: string }) {
  const core = useCore();
  const area = useRef<HTMLTextAreaElement>(null);
  const [value, setValue] = useState(draft);
  // What was typed here and is not yet kept. A draft that comes in late fills the field only while this is unset.
  const typed = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (typed.current === undefined) setValue(draft);
  }, [draft]);
  const type = (text: string) => {
    typed.current = text;
    setValue(text);
  };

  useLayoutEffect(() => {
    const el = area.current;
    if (!el) return;
    el.style.height = 'auto';
    el.style.height = `${el.scrollHeight + el.offsetHeight - el.clientHeight}px`;
  }, [value]);

  // A draft is kept when one pauses and when one leaves, not at every key.
  useEffect(() => {
    if (typed.current === undefined) return;
    const pause = setTimeout(() => core.setDraft(conv, value), 400);
    return () => clearTimeout(pause);
  }, [core, conv, value]);
  useEffect(() => {
    const keep = () => {
      if (typed.current !== undefined) core.setDraft(conv, typed.current);
    };
    addEventListener('pagehide', keep);
    // A touch keyboard that jumps up by itself hides the messages that one came to read.
    if (matchMedia('(hover: hover)').matches) area.current?.focus();
    return () => {
      removeEventListener('pagehide', keep);
      keep();
    };
  }, [core, conv]);

  const length = value.length > limit / 2 ? [...value].length : value.length;
  const over = length - limit;
  const ready = value.trim() !== '' && over <= 0;

  const send = () => {
    if (!ready) return;
    core.send(conv, value.trim());
    type('');
    core.setDraft(conv, '');
    area.current?.focus();
  };

  const key = (e: KeyboardEvent) => {
    // While an input method composes, Enter chooses a candidate. Safari ends the composition first and says 229.
    if (e.key !== 'Enter' || e.shiftKey || e.isComposing || e.keyCode === 229) return;
    e.preventDefault();
    send();
  };

  const text = t.value.chat;
  return (
    <form
      class="composer"
      onSubmit={(e) => {
        e.preventDefault();
        send();
      }}
    >
      <textarea
        ref={area}
        class="composer-input"
        rows={1}
        dir="auto"
        value={value}
        aria-label={text.composeTo(name)}
        placeholder={text.compose}
        enterkeyhint="send"
        onInput={(e) => {
          type(e.currentTarget.value);
          if (e.currentTarget.value.trim()) core.typing(conv);
        }}
        onKeyDown={key}
        aria-invalid={over > 0 ? 'true' : undefined}
      />
      {length > limit - 1000 && (
        <span class={`composer-count ${over > 0 ? 'over' : ''}`} role="status">
          {over > 0 ? text.tooLong(format.value.number.format(over)) : text.left(format.value.number.format(-over))}
        </span>
      )}
      <button type="submit" class="send" aria-label={text.send} title={text.send} disabled={!ready}>
        <Icon name="send" />
      </button>
    </form>
  );
}
