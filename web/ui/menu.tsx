import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { Icon, type IconName } from './icon';

interface MenuProps {
  /** Accessible name of the button. */
  label: string;
  button: ComponentChildren;
  buttonClass?: string;
  children: ComponentChildren;
}

/** A button that opens a menu in the top layer. Arrow keys move, Esc and a click elsewhere close (the popover's own). */
export function Menu({ label, button, buttonClass, children }: MenuProps) {
  const id = useId();
  const menu = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);

  const items = () => [...(menu.current?.querySelectorAll<HTMLElement>('[role^=menuitem]:not(:disabled)') ?? [])];

  const place = () => {
    const m = menu.current;
    const b = opener.current;
    if (!m || !b) return;
    const at = b.getBoundingClientRect();
    const below = at.bottom + 4 + m.offsetHeight <= innerHeight - 8;
    m.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - 4 - m.offsetHeight)}px`;
    const start = getComputedStyle(b).direction === 'rtl' ? at.right - m.offsetWidth : at.left;
    m.style.left = `${Math.max(8, Math.min(start, innerWidth - m.offsetWidth - 8))}px`;
  };

  const toggled = (e: { newState: string }) => {
    const open = e.newState === 'open';
    opener.current?.setAttribute('aria-expanded', String(open));
    if (!open) return;
    place();
    items()[0]?.focus();
  };

  const key = (e: KeyboardEvent) => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[e.key];
    if (e.key === 'Tab') menu.current?.hidePopover();
    if (step === undefined) return;
    e.preventDefault();
    all.at(step % all.length)?.focus();
  };

  return (
    <>
      <button
        ref={opener}
        type="button"
        class={buttonClass ?? 'icon-button'}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded="false"
        popovertarget={id}
      >
        {button}
      </button>
      <div
        ref={menu}
        id={id}
        class="menu"
        popover="auto"
        role="menu"
        aria-label={label}
        tabIndex={-1}
        onToggle={toggled}
        onKeyDown={key}
        onClick={() => menu.current?.hidePopover()}
      >
        {children}
      </div>
    </>
  );
}

interface ItemProps {
  icon?: IconName;
  danger?: boolean;
  checked?: boolean;
  onSelect(): void;
  children: ComponentChildren;
}

export function MenuItem({ icon, danger, checked, onSelect, children }: ItemProps) {
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: it is set with the role that has it.
    <button
      type="button"
      role={checked === undefined ? 'menuitem' : 'menuitemradio'}
      aria-checked={checked}
      class={danger ? 'danger' : undefined}
      tabIndex={-1}
      onClick={onSelect}
    >
      {icon && <Icon name={icon} />}
      {children}
      {checked && <Icon name="check" class="menu-check" />}
    </button>
  );
}
