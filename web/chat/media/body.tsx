import type { Message } from '../../core';
import { amount, audio, type filesOf, image, type Shown, video } from './describe';
import { albumOf, boxOf } from './layout';
import { lazy } from './lazy';

export interface BodyProps {
  m: Message;
  files: ReturnType<typeof filesOf>;
}

/** The files of a message. Their places stand before what fills them is loaded. */
export const MediaBody = lazy<BodyProps>(async () => (await import('./shown')).MediaShown, Outline);

export function isVisual({ type }: Shown): boolean {
  return type === image || type === video;
}

function Outline({ files }: BodyProps) {
  const visuals = files.filter(isVisual);
  return (
    <div class="media-body" aria-busy="true">
      {visuals.length > 0 && <div class={visualClass(visuals)} style={visualStyle(visuals)} />}
      {files
        .filter((f) => !isVisual(f))
        .map((f) => (
          <div key={f.at} class={f.type === audio ? 'voice' : 'file-card'} />
        ))}
    </div>
  );
}

export function visualClass(visuals: Shown[]): string {
  return visuals.length === 1 ? 'shot-box' : 'album';
}

/** The place of all pictures of a message. Numbers are pixels of the usual text size. */
export function visualStyle(visuals: Shown[]) {
  const [first] = visuals;
  if (!first) return {};
  const { w, h } = sizeOf(first);
  if (visuals.length > 1) return { aspectRatio: String(albumOf(visuals.length, { w, h }).ratio) };
  const box = boxOf(w, h);
  return { width: `${box.width / 16}rem`, aspectRatio: `${box.width} / ${box.height}` };
}

export function sizeOf({ content }: Pick<Shown, 'content'>): { w: number; h: number } {
  return { w: amount(content, 'w'), h: amount(content, 'h') };
}
