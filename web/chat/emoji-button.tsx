import { useId, useRef, useState } from 'preact/hooks';
import { Icon } from '../ui/icon';
import { t } from '../ui/prefs';
import { attempt } from '../ui/toast';
import type { EmojiPicker } from './emoji';

/** Opens the pictures above the place where one writes. They are fetched the first time. */
export function EmojiButton({ choose, closed }: { choose(emoji: string): void; closed(): void }) {
  const id = useId();
  const panel = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [picker, setPicker] = useState<{ View: typeof EmojiPicker }>();
  const text = t.value.emoji;

  const toggled = async (open: boolean) => {
    button.current?.setAttribute('aria-expanded', String(open));
    if (!open) return closed();
    const at = button.current?.getBoundingClientRect();
    if (panel.current && at) {
      panel.current.style.bottom = `${innerHeight - at.top + 8}px`;
      panel.current.style.left = `${Math.max(8, Math.min(at.right - panel.current.offsetWidth, innerWidth - panel.current.offsetWidth - 8))}px`;
    }
    const { EmojiPicker: View } = await import('./emoji');
    setPicker({ View });
    requestAnimationFrame(() =>
      panel.current
        ?.querySelector<HTMLElement>(matchMedia('(hover: hover)').matches ? 'input' : 'button')
        ?.focus({ preventScroll: true }),
    );
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        class="icon-button composer-tool"
        aria-label={text.open}
        title={text.open}
        aria-expanded="false"
        aria-haspopup="dialog"
        popovertarget={id}
      >
        <Icon name="smile" />
      </button>
      <div
        ref={panel}
        id={id}
        class="menu emoji-panel"
        popover="auto"
        role="dialog"
        aria-label={text.open}
        onToggle={(e) => attempt(toggled(e.newState === 'open'))}
      >
        {picker ? <picker.View choose={choose} /> : <div class="emoji-blank" />}
      </div>
    </>
  );
}
