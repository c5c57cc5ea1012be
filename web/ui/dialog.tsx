import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Field } from './field';
import { Icon } from './icon';
import { t } from './prefs';
import { explain } from './problem';

interface DialogProps {
  title: string;
  onClose(): void;
  children: ComponentChildren;
  footer?: ComponentChildren;
  /** When given, the content is a form and Enter submits it. */
  onSubmit?(): void;
}

/** A modal dialog that is open as long as it is rendered. Esc and a click beside it close it; focus goes back after. */
export function Dialog({ title, onClose, children, footer, onSubmit }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const content = (
    <>
      <div class="body">{children}</div>
      {footer && <footer>{footer}</footer>}
    </>
  );
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the click is on the scrim; Esc is the key for it.
    <dialog
      ref={ref}
      class="dialog"
      aria-labelledby={id}
      onClose={onClose}
      onClick={(e) => e.target === ref.current && ref.current?.close()}
    >
      <header>
        <h2 id={id} class="ellipsis">
          {title}
        </h2>
        <button type="button" class="icon-button" aria-label={t.value.nav.close} onClick={() => ref.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      {onSubmit ? (
        <form
          class="dialog-form"
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            onSubmit();
          }}
        >
          {content}
        </form>
      ) : (
        content
      )}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  danger?: boolean;
  /** What has to be typed first. */
  phrase?: { label: string; value: string };
  onClose(): void;
  run(): Promise<void>;
}

/** Asks before something that is hard to undo; stays open with the reason when it fails. */
export function Confirm({ title, text, action, danger, phrase, onClose, run }: ConfirmProps) {
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const ready = !phrase || typed.trim() === phrase.value;
  const go = async () => {
    if (!ready) return;
    setBusy(true);
    setError('');
    try {
      await run();
      onClose();
    } catch (e) {
      setError(explain(e));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={go}
      footer={
        <>
          <button type="button" class="button" autofocus={danger} onClick={onClose}>
            {t.value.dialog.cancel}
          </button>
          <button
            type="submit"
            class={`button ${danger ? 'danger' : 'primary'}`}
            disabled={busy || !ready}
            autofocus={!danger}
          >
            {action}
          </button>
        </>
      }
    >
      <p dir="auto">{text}</p>
      {phrase && <Field label={phrase.label} value={typed} onInput={setTyped} verbatim />}
      {error && (
        <p class="callout error" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}
