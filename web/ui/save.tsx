import type { ComponentChildren } from 'preact';
import { areFetched, save } from './source';
import { attempt } from './toast';

interface SaveProps {
  /** A path below /media/. */
  path: string;
  /** Of the file that it becomes. */
  name: string;
  class: string;
  label: string;
  title?: string;
  children: ComponentChildren;
}

/** What saves a file on this device: a link, or a button where the file must be fetched first. */
export function Save({ path, name, class: look, label, title, children }: SaveProps) {
  if (areFetched()) {
    return (
      <button type="button" class={look} aria-label={label} title={title} onClick={() => attempt(save(path, name))}>
        {children}
      </button>
    );
  }
  return (
    <a class={look} href={`${path}?download=1`} download={name} aria-label={label} title={title}>
      {children}
    </a>
  );
}
