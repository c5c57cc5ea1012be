// What stands for a message's files where there is but a line for it.

import type { Message } from '../../core';
import { Icon } from '../../ui/icon';
import { useSource } from '../../ui/source';
import { filesOf, image, link, mediaIcon, video } from './describe';

/** The icon before the words of a line. */
export function MediaIcon({ m }: { m: Message }) {
  const name = mediaIcon(m);
  return name ? <Icon name={name} class="preview-icon" /> : null;
}

/** The first picture of a message, small; nothing where it has none. */
export function SmallPicture({ m }: { m: Message }) {
  const one = filesOf(m).find((f) => f.type === image || f.type === video);
  const { src } = useSource(one && (link(one.content, 'th') || (one.type === image ? link(one.content, 'co') : '')));
  return src ? <img class="small-picture" src={src} alt="" loading="lazy" decoding="async" draggable={false} /> : null;
}
