// The ways in which files come into a conversation: chosen, taken by the camera, pasted, dropped onto it. What is done with them is loaded then.

import { useEffect, useRef } from 'preact/hooks';
import type { Attachment } from '../../core';
import { Icon } from '../../ui/icon';
import { Menu, MenuItem } from '../../ui/menu';
import { t } from '../../ui/prefs';
import { hasFiles } from '../stay';
import { withPart } from './lazy';
import { pastedFiles } from './pasted';

export interface AttachProps {
  conv: string;
  /** Of the conversation. */
  name: string;
  /** None are taken now. */
  off: boolean;
  /** What is written so far: it becomes the caption. */
  written(): string;
  /** Whom one has chosen of several members with one name. */
  chosen: Map<string, string>;
  /** Rejects when it could not be kept. */
  send(files: Attachment[], caption: string): Promise<void>;
}

const touch = matchMedia('(pointer: coarse)').matches;
const pictures = 'image/*,video/*';

export function Attach(p: AttachProps) {
  const text = t.value.media;
  const any = useRef<HTMLInputElement>(null);
  const picture = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const root = useRef<HTMLSpanElement>(null);
  const latest = useRef(p);
  latest.current = p;

  const offer = (files: File[]) => {
    if (files.length > 0) withPart(import('./preview'), ({ openPreview }) => openPreview(latest.current, files));
  };
  const chosen = (e: Event & { currentTarget: HTMLInputElement }) => {
    offer([...(e.currentTarget.files ?? [])]);
    e.currentTarget.value = ''; // or the same file could not be chosen again
  };

  useEffect(() => {
    const pane = root.current?.closest<HTMLElement>('.conversation-pane');
    if (!pane) return;
    let inside = 0;
    const show = (on: boolean) => {
      if (on) pane.dataset.drop = t.peek().media.drop(latest.current.name);
      else delete pane.dataset.drop;
    };
    const enter = (e: DragEvent) => {
      if (hasFiles(e.dataTransfer) && ++inside === 1) show(!latest.current.off);
    };
    const leave = (e: DragEvent) => {
      if (hasFiles(e.dataTransfer) && --inside <= 0) {
        inside = 0;
        show(false);
      }
    };
    const over = (e: DragEvent) => {
      const here = !latest.current.off && pane.contains(e.target as Node);
      if (hasFiles(e.dataTransfer) && (here || (e.target as Element).closest('.offered')))
        e.dataTransfer.dropEffect = 'copy';
    };
    const drop = (e: DragEvent) => {
      inside = 0;
      show(false);
      if (!hasFiles(e.dataTransfer) || latest.current.off) return;
      if (pane.contains(e.target as Node) && !document.querySelector('dialog[open]')) offer([...e.dataTransfer.files]);
    };
    const paste = (e: ClipboardEvent) => {
      const files = pastedFiles(e.clipboardData);
      if (latest.current.off || files.length === 0) return;
      if (document.querySelector('dialog[open]')) return;
      e.preventDefault();
      offer(files);
    };
    pane.addEventListener('dragenter', enter);
    pane.addEventListener('dragleave', leave);
    addEventListener('dragover', over);
    addEventListener('drop', drop);
    addEventListener('paste', paste);
    return () => {
      show(false);
      pane.removeEventListener('dragenter', enter);
      pane.removeEventListener('dragleave', leave);
      removeEventListener('dragover', over);
      removeEventListener('drop', drop);
      removeEventListener('paste', paste);
    };
  }, []);

  const input = (ref: typeof any, accept?: string, capture?: boolean) => (
    <input
      ref={ref}
      type="file"
      hidden
      multiple={!capture}
      accept={accept}
      {...(capture && { capture: 'environment' as const })}
      onChange={chosen}
    />
  );
  return (
    <span ref={root} class="composer-attach" hidden={p.off}>
      {touch ? (
        <Menu label={text.attach} button={<Icon name="clip" />}>
          <MenuItem icon="image" onSelect={() => picture.current?.click()}>
            {text.photo}
          </MenuItem>
          <MenuItem icon="camera" onSelect={() => camera.current?.click()}>
            {text.camera}
          </MenuItem>
          <MenuItem icon="file" onSelect={() => any.current?.click()}>
            {text.file}
          </MenuItem>
        </Menu>
      ) : (
        <button
          type="button"
          class="icon-button"
          aria-label={text.attach}
          title={text.attach}
          onClick={() => any.current?.click()}
        >
          <Icon name="clip" />
        </button>
      )}
      {input(any)}
      {touch && input(picture, pictures)}
      {touch && input(camera, pictures, true)}
    </span>
  );
}
