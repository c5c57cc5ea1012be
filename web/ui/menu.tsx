import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
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
    itemsOf(menu.current)[0]?.focus();
  };

  const key = (e: KeyboardEvent) => {
    if (e.key === 'Tab') menu.current?.hidePopover();
    move(menu.current, e);
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

function itemsOf(menu: HTMLElement | null): HTMLElement[] {
  return [...(menu?.querySelectorAll<HTMLElement>('[role^=menuitem]:not(:disabled)') ?? [])];
}

function move(menu: HTMLElement | null, e: KeyboardEvent): void {
  const all = itemsOf(menu);
  const at = all.indexOf(document.activeElement as HTMLElement);
  const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[e.key];
  if (step === undefined) return;
  e.preventDefault();
  all.at(step % all.length)?.focus();
}

interface MenuAtProps {
  label: string;
  /** Pixels in the window. */
  x: number;
  y: number;
  onClose(): void;
  children: ComponentChildren;
}

/** A menu at the pointer, open as long as it is rendered; the focus goes back to where it was. */
export function MenuAt({ label, x, y, onClose, children }: MenuAtProps) {
  const menu = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useLayoutEffect(() => {
    const m = menu.current;
    if (!m) return;
    const before = document.activeElement;
    // By hand: the browser's own way would close it when the button that opened it is let go of.
    m.showPopover();
    m.style.left = `${Math.max(8, Math.min(x, innerWidth - m.offsetWidth - 8))}px`;
    m.style.top = `${Math.max(8, Math.min(y, innerHeight - m.offsetHeight - 8))}px`;
    itemsOf(m)[0]?.focus();
    const elsewhere = (e: Event) => {
      if (!m.contains(e.target as Node)) close.current();
    };
    const away = () => close.current();
    document.addEventListener('pointerdown', elsewhere);
    document.addEventListener('wheel', elsewhere, { passive: true });
    addEventListener('resize', away);
    addEventListener('blur', away);
    return () => {
      document.removeEventListener('pointerdown', elsewhere);
      document.removeEventListener('wheel', elsewhere);
      removeEventListener('resize', away);
      removeEventListener('blur', away);
      if (m.contains(document.activeElement) && before instanceof HTMLElement) before.focus();
    };
  }, [x, y]);
  return (
    <div
      ref={menu}
      class="menu"
      popover="manual"
      role="menu"
      aria-label={label}
      tabIndex={-1}
      onContextMenu={(e) => e.preventDefault()}
      onKeyDown={(e) => {
        if (e.key === 'Escape' || e.key === 'Tab') {
          e.preventDefault();
          e.stopPropagation();
          onClose();
        } else move(menu.current, e);
      }}
      onClick={onClose}
    >
      {children}
    </div>
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
