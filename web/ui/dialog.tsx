import type { ComponentChildren, RefObject } from 'preact';
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
  /** When given, it is called in the place of closing, which would lose something; the dialog stays until it is no longer rendered. */
  onLeave?: (() => void) | undefined;
}

/** What closes a dialog by a press beside it. One that began inside, where a text was selected say, is not meant so. */
export function useScrim(ref: RefObject<HTMLDialogElement | null>, close: () => void) {
  const began = useRef(false);
  return {
    onPointerDown: (e: PointerEvent) => {
      began.current = e.target === ref.current;
    },
    onClick: (e: MouseEvent) => {
      if (e.target === ref.current && began.current) close();
    },
  };
}

/** A modal dialog that is open as long as it is rendered. Esc and a click beside it close it; focus goes back after. */
export function Dialog({ title, onClose, children, footer, onSubmit, onLeave }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const close = () => (onLeave ? onLeave() : ref.current?.close());
  const scrim = useScrim(ref, close);
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
    <dialog
      ref={ref}
      class="dialog"
      aria-labelledby={id}
      onCancel={(e) => {
        // A chooser of files within says it too when it is left.
        if (!onLeave || e.target !== ref.current) return;
        e.preventDefault();
        onLeave();
      }}
      onClose={() => {
        if (!onLeave) return onClose();
        // Browsers let a page refuse Esc only once.
        ref.current?.showModal();
        onLeave();
      }}
      {...scrim}
    >
      <header>
        <h2 id={id} class="ellipsis">
          {title}
        </h2>
        <button type="button" class="icon-button" aria-label={t.value.nav.close} onClick={close}>
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
