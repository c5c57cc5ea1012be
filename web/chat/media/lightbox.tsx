// Pictures of a conversation at full size, one after the other.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Message } from '../../core';
import { format } from '../../ui/format';
import { Icon, type IconName } from '../../ui/icon';
import { Name } from '../../ui/name';
import { t } from '../../ui/prefs';
import { Save } from '../../ui/save';
import { useSource } from '../../ui/source';
import { usePerson } from '../context';
import { fileName, link, video, words } from './describe';
import { type Picture, picturesOf, useGallery } from './gallery';
import { useGestures } from './gestures';
import './lightbox.css';
import { useLoading } from './loading';
import { closeOver, showOver } from './overlay';
import { blurOf } from './picture';
import { pause } from './player';
import { type Size, whole, within, type Zoom, zoomAt } from './zoom';

export function openLightbox(m: Message, at: number): void {
  const found = picturesOf([m]);
  const first = found.find((p) => p.at === at);
  if (first) openPicture(m.conv, first, found);
}

export function openPicture(conv: string, first: Picture, known: Picture[]): void {
  showOver(<Lightbox conv={conv} first={first} known={known} />);
}

/** So near to the oldest one that is known, more are asked for. */
const near = 3;
const step = 1.5;

function Lightbox({ conv, first, known }: { conv: string; first: Picture; known: Picture[] }) {
  const text = t.value.media;
  const dialog = useRef<HTMLDialogElement>(null);
  const { pictures, older } = useGallery(conv, known);
  const [here, setHere] = useState(first);
  const [zoom, setZoom] = useState(whole);
  const place = pictures.findIndex((p) => p.seq === here.seq && p.at === here.at);
  const person = usePerson(here.sender);

  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  useEffect(() => {
    if (place < near) older();
  }, [place, pictures.length]);

  const go = (by: -1 | 1) => {
    const next = pictures[place + by];
    if (!next) return;
    setHere(next);
    setZoom(whole);
  };
  const keys = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey || (e.target as Element).closest('video')) return;
    const middle = { x: 0, y: 0 };
    if (e.key === 'ArrowLeft') go(-1);
    else if (e.key === 'ArrowRight') go(1);
    else if (e.key === '+' || e.key === '=') setZoom((z) => zoomAt(z, step, middle));
    else if (e.key === '-') setZoom((z) => (z.scale / step <= 1 ? whole : zoomAt(z, 1 / step, middle)));
    else if (e.key === '0') setZoom(whole);
    else return;
    e.preventDefault();
  };
  const href = link(here.content, 'or') || link(here.content, 'co');
  const name = fileName(here.content);
  const film = here.type === video;
  return (
    <dialog
      ref={dialog}
      class="lightbox"
      tabIndex={-1}
      autofocus
      aria-label={text.viewer}
      onClose={closeOver}
      onKeyDown={keys}
    >
      <header class="lightbox-bar">
        <span class="row-text">
          <Name class="row-name ellipsis" name={person.name} uid={person.uid} />
          <span class="row-sub ellipsis">{format.value.moment.format(here.ts)}</span>
        </span>
        <span class="lightbox-place" role="status">
          {pictures.length > 1 && text.place(place + 1, pictures.length)}
        </span>
        {!film && (
          <span class="file-tools lightbox-zoom">
            <Tool
              icon="minus"
              word={text.zoomOut}
              off={zoom.scale <= 1}
              press={() => setZoom((z) => (z.scale / step <= 1 ? whole : zoomAt(z, 1 / step, z)))}
            />
            <Tool icon="plus" word={text.zoomIn} press={() => setZoom((z) => zoomAt(z, step, { x: 0, y: 0 }))} />
          </span>
        )}
        <Save
          class="icon-button"
          path={href}
          name={words(here.content, 'fn') || ''}
          label={text.downloadName(name)}
          title={text.download}
        >
          <Icon name="download" />
        </Save>
        <Tool icon="close" word={t.value.nav.close} press={() => dialog.current?.close()} />
      </header>
      {film ? (
        <div class="lightbox-stage">
          <Film key={href} href={href} poster={link(here.content, 'th')} name={name} />
        </div>
      ) : (
        <Stage
          key={href}
          picture={here}
          href={href}
          name={name}
          zoom={zoom}
          setZoom={setZoom}
          go={go}
          close={() => dialog.current?.close()}
        />
      )}
      {place > 0 && (
        <button
          type="button"
          class="lightbox-step back"
          aria-label={text.previous}
          title={text.previous}
          onClick={() => go(-1)}
        >
          <Icon name="previous" />
        </button>
      )}
      {place >= 0 && place < pictures.length - 1 && (
        <button type="button" class="lightbox-step on" aria-label={text.next} title={text.next} onClick={() => go(1)}>
          <Icon name="next" />
        </button>
      )}
    </dialog>
  );
}

function Film({ href, poster, name }: { href: string; poster: string; name: string }) {
  const { src, failure } = useSource(href);
  const still = useSource(poster).src;
  if (failure) return <p class="lightbox-gone">{t.value.media.unavailable}</p>;
  return (
    <video
      {...(src && { src })}
      {...(still && { poster: still })}
      controls
      autoplay
      onPlay={pause}
      playsInline
      aria-label={name}
    />
  );
}

interface ToolProps {
  icon: IconName;
  word: string;
  off?: boolean;
  press(): void;
}

function Tool({ icon, word, off, press }: ToolProps) {
  return (
    <button type="button" class="icon-button" aria-label={word} title={word} disabled={off} onClick={press}>
      <Icon name={icon} />
    </button>
  );
}

interface StageProps {
  picture: Picture;
  href: string;
  name: string;
  zoom: Zoom;
  setZoom(f: (z: Zoom) => Zoom): void;
  go(by: -1 | 1): void;
  close(): void;
}

/** One picture that can be zoomed into and moved. */
function Stage({ picture, href, name, zoom, setZoom, go, close }: StageProps) {
  const img = useRef<HTMLImageElement>(null);
  const { state, src, onLoad, onError } = useLoading(href);
  const change = (f: (z: Zoom) => Zoom) => {
    const el = stage.current;
    const size: Size = { width: img.current?.offsetWidth ?? 0, height: img.current?.offsetHeight ?? 0 };
    if (el) setZoom((z) => within(f(z), size, { width: el.clientWidth, height: el.clientHeight }));
  };
  const stage = useGestures<HTMLDivElement>({
    move: (dx, dy) => change((z) => (z.scale > 1 ? { ...z, x: z.x + dx, y: z.y + dy } : z)),
    zoom: (factor, at) => change((z) => zoomAt(z, factor, at)),
    doubled: (at) => change((z) => (z.scale > 1 ? whole : zoomAt(z, 2.5, at))),
    swiped: (side) => zoom.scale === 1 && go(side < 0 ? 1 : -1),
    clicked: (target) => target === stage.current && zoom.scale === 1 && close(),
  });
  const blur = blurOf(picture.content);
  const w = Number(picture.content.w) || undefined;
  const h = Number(picture.content.h) || undefined;
  return (
    <div ref={stage} class={`lightbox-stage ${state}`} data-zoomed={zoom.scale > 1 ? '' : undefined}>
      {state === 'gone' || state === 'away' ? (
        <p class="lightbox-gone">{state === 'gone' ? t.value.media.unavailable : t.value.media.notNow}</p>
      ) : (
        <img
          ref={img}
          {...(src && { src })}
          alt={name}
          width={w}
          height={h}
          draggable={false}
          onLoad={onLoad}
          onError={onError}
          style={{
            transform: `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})`,
            ...(blur && state === 'coming' && { backgroundImage: `url(${blur})` }),
          }}
        />
      )}
    </div>
  );
}
