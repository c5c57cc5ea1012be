// Pictures in a conversation: a still picture or a video's, its blurred stand-in, how far its upload is.

import { useEffect, useState } from 'preact/hooks';
import { thumbHashToDataURL } from 'thumbhash';
import type { Message } from '../../core';
import { Icon } from '../../ui/icon';
import { t } from '../../ui/prefs';
import { useCore } from '../context';
import { sizeOf, visualClass, visualStyle } from './body';
import { amount, duration, fileName, type Shown, shownLink, video, words } from './describe';
import { albumOf } from './layout';
import { withPart } from './lazy';
import { useLoading } from './loading';
import { isGoing, UploadRing } from './uploading';

const blurs = new Map<string, string>();

/** The blurred stand-in of a picture, as an address; empty where the message has none that can be read. */
export function blurOf(content: Record<string, unknown>): string {
  const hash = words(content, 'ph');
  if (!hash || hash.length > 64) return '';
  let url = blurs.get(hash);
  if (url === undefined) {
    try {
      url = thumbHashToDataURL(Uint8Array.from(atob(hash), (c) => c.charCodeAt(0)));
    } catch {
      url = '';
    }
    blurs.set(hash, url);
  }
  return url;
}

/** An address of a file that waits on this device. It stays good as long as the view, so that nothing flickers when the file has been sent. */
export function useLocal(key: string | undefined): string | undefined {
  const core = useCore();
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!key) return;
    let gone = false;
    core.media.local(key).then((file) => {
      if (file && !gone) setUrl((before) => before ?? URL.createObjectURL(file));
    });
    return () => {
      gone = true;
    };
  }, [core, key]);
  useEffect(() => () => (url ? URL.revokeObjectURL(url) : undefined), [url]);
  return url;
}

export function Visuals({ m, visuals }: { m: Message; visuals: Shown[] }) {
  const [first] = visuals;
  const cells = first && visuals.length > 1 ? albumOf(visuals.length, sizeOf(first)).cells : [];
  return (
    <div class={visualClass(visuals)} style={visualStyle(visuals)}>
      {visuals.map((one, i) => {
        const cell = cells[i];
        const place = cell && { gridColumn: `span ${cell.columns}`, gridRow: `span ${cell.rows}` };
        return <Visual key={one.at} m={m} one={one} {...(place && { place })} />;
      })}
    </div>
  );
}

function Visual({ m, one, place }: { m: Message; one: Shown; place?: { gridColumn: string; gridRow: string } }) {
  const text = t.value.media;
  const { content, pending } = one;
  const film = one.type === video;
  const local = useLocal(film ? pending?.poster : pending?.key);
  const { state, src, onLoad, onError } = useLoading(local ?? shownLink(one));
  const blur = blurOf(content);
  const name = fileName(content);
  const open = () => withPart(import('./lightbox'), ({ openLightbox }) => openLightbox(m, one.at));
  return (
    <div
      class={`shot ${state}`}
      style={{ ...place, ...(blur && state !== 'gone' && { backgroundImage: `url(${blur})` }) }}
    >
      {src && (state === 'coming' || state === 'here') && (
        <img src={src} alt="" loading="lazy" decoding="async" draggable={false} onLoad={onLoad} onError={onError} />
      )}
      {(state === 'gone' || (state === 'away' && !blur)) && !film && (
        <span class="shot-gone">
          <Icon name="image" />
          {state === 'gone' ? text.unavailable : text.notNow}
        </span>
      )}
      {isGoing(m, pending) ? (
        <UploadRing m={m} file={pending} />
      ) : (
        !pending &&
        (state !== 'gone' || film) && (
          <button type="button" class="shot-open" aria-label={text.view(name)} onClick={open}>
            {film && (
              <span class="shot-play">
                <Icon name="play" />
              </span>
            )}
          </button>
        )
      )}
      {film && <span class="shot-length">{duration(amount(content, 'si'))}</span>}
    </div>
  );
}
