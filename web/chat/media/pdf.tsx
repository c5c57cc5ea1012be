// A PDF beside the conversation, in the browser's own viewer.

import { useEffect, useRef } from 'preact/hooks';
import { useScrim } from '../../ui/dialog';
import { Icon } from '../../ui/icon';
import { t } from '../../ui/prefs';
import { Save } from '../../ui/save';
import './lightbox.css';
import { closeOver, showOver } from './overlay';

export interface Pdf {
  /** A path of this server. */
  href: string;
  name: string;
}

/** Where the browser has no viewer that fits into a page (phones), the file opens by itself in a new tab. */
export function openPdf(pdf: Pdf): void {
  if (navigator.pdfViewerEnabled) showOver(<PdfDialog {...pdf} />);
  else window.open(pdf.href, '_blank', 'noopener');
}

function PdfDialog({ href, name }: Pdf) {
  const dialog = useRef<HTMLDialogElement>(null);
  const scrim = useScrim(dialog, () => dialog.current?.close());
  const text = t.value.media;
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class="dialog pdf-dialog" aria-label={name} onClose={closeOver} {...scrim}>
      <header>
        <h2 class="ellipsis">
          <bdi>{name}</bdi>
        </h2>
        <span class="file-tools">
          <a
            class="icon-button"
            href={href}
            target="_blank"
            rel="noopener"
            aria-label={text.openTab}
            title={text.openTab}
          >
            <Icon name="outside" />
          </a>
          <Save class="icon-button" path={href} name={name} label={text.downloadName(name)} title={text.download}>
            <Icon name="download" />
          </Save>
          <button
            type="button"
            class="icon-button"
            aria-label={t.value.nav.close}
            onClick={() => dialog.current?.close()}
          >
            <Icon name="close" />
          </button>
        </span>
      </header>
      <div class="body">
        {/* The server gives a PDF to a frame of its own pages alone, and nothing in it may run or load. */}
        <iframe class="pdf-frame" src={href} title={name} />
      </div>
    </dialog>
  );
}
