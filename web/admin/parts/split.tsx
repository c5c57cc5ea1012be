import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../../ui/icon';
import { t } from '../../ui/prefs';
import { explain, statusOf } from '../../ui/problem';
import { openOne, place } from '../route';
import { a } from '../text';

interface SplitProps {
  title: string;
  /** Beside the title: what can be done. */
  actions?: ComponentChildren;
  /** Under the title: how many there are. */
  note?: ComponentChildren;
  children: ComponentChildren;
  /** What stands beside the list when one thing is open; a phone shows it alone. */
  pane?: ComponentChildren;
}

/** A section: its title, its list, and beside it the one thing that is open. */
export function Split({ title, actions, note, children, pane }: SplitProps) {
  return (
    <div class={`split ${pane ? 'with-pane' : ''}`}>
      <section class="split-main" aria-label={title}>
        <header class="split-head">
          <div>
            <h1>{title}</h1>
            {note}
          </div>
          <div class="split-actions">{actions}</div>
        </header>
        {children}
      </section>
      {pane}
    </div>
  );
}

interface PaneProps {
  label: string;
  head: ComponentChildren;
  children: ComponentChildren;
}

/** One thing that is open beside the list. Esc and the button close it. */
export function Pane({ label, head, children }: PaneProps) {
  const ref = useRef<HTMLElement>(null);
  const { id } = place.value;
  useEffect(() => {
    // Who chose it by keys or a screen reader goes on in here.
    if (document.activeElement?.closest('tr, [role=treeitem]'))
      ref.current?.querySelector<HTMLElement>('.pane-close')?.focus();
  }, [id]);
  const close = () => {
    openOne('');
    document.querySelector<HTMLElement>(`[data-key="${CSS.escape(id)}"]`)?.focus();
  };
  return (
    <aside
      ref={ref}
      class="pane"
      aria-label={label}
      onKeyDown={(e) => {
        if (e.key === 'Escape' && !e.defaultPrevented && !(e.target as Element).closest('dialog, [popover]')) close();
      }}
    >
      <header class="pane-head">
        {head}
        <button type="button" class="icon-button pane-close" aria-label={t.value.nav.close} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <div class="pane-body">{children}</div>
    </aside>
  );
}

/** A pane of what could not be read: gone, or the server does not answer. */
export function PaneProblem({ error, again }: { error: unknown; again(): void }) {
  const gone = statusOf(error) === 404;
  const text = a.value.lost;
  return (
    <div class="empty" role="alert">
      <strong>{gone ? text.thing : explain(error)}</strong>
      {gone ? (
        <span>{text.thingHint}</span>
      ) : (
        <button type="button" class="button" onClick={again}>
          {t.value.chat.again}
        </button>
      )}
    </div>
  );
}

export function Block({ title, hint, children }: { title: string; hint?: string; children?: ComponentChildren }) {
  return (
    <section class="block" aria-label={title}>
      <h3>{title}</h3>
      {hint && <p class="field-hint">{hint}</p>}
      {children}
    </section>
  );
}
