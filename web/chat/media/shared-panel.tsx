// All files and pictures of a conversation, newest first.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { SharedFile } from '../../core';
import { Dialog } from '../../ui/dialog';
import { Segments } from '../../ui/field';
import { dayName } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Name } from '../../ui/name';
import { t } from '../../ui/prefs';
import { explain } from '../../ui/problem';
import { useSource } from '../../ui/source';
import { useCore, usePerson } from '../context';
import { amount, audio, duration, fileName, isVoice, link, type Shown, video } from './describe';
import { FileCard } from './file-card';
import { fromShared } from './gallery';
import { openPicture } from './lightbox';
import { closeOver, showOver } from './overlay';
import { blurOf } from './picture';
import '../styles/media.css';
import './shared-panel.css';

type Kind = 'image' | 'file';

export function openShared(conv: string): void {
  showOver(<SharedPanel conv={conv} />);
}

function SharedPanel({ conv }: { conv: string }) {
  const text = t.value.media;
  const [kind, setKind] = useState<Kind>('image');
  return (
    <Dialog title={text.panel} onClose={closeOver}>
      <Segments
        label={text.panel}
        value={kind}
        options={[
          ['image', text.tabImages],
          ['file', text.tabFiles],
        ]}
        onChange={(one: Kind) => setKind(one)}
      />
      <SharedList key={kind} conv={conv} kind={kind} />
    </Dialog>
  );
}

/** Pixels from its end at which more of the list is asked for. */
const reach = '600px';

function SharedList({ conv, kind }: { conv: string; kind: Kind }) {
  const core = useCore();
  const text = t.value.media;
  const [items, setItems] = useState<SharedFile[]>([]);
  const [next, setNext] = useState<string | null>();
  const [error, setError] = useState('');
  const [asking, setAsking] = useState(false);
  const end = useRef<HTMLDivElement>(null);

  const more = async () => {
    if (asking || next === null) return;
    setAsking(true);
    setError('');
    try {
      const page = await core.media.shared(conv, kind, next);
      setItems((now) => [...now, ...page.items]);
      setNext(page.next);
    } catch (e) {
      setError(explain(e));
    }
    setAsking(false);
  };
  const latest = useRef(more);
  latest.current = more;
  useEffect(() => {
    if (!end.current || error) return;
    const watch = new IntersectionObserver(([one]) => one?.isIntersecting && void latest.current(), {
      rootMargin: reach,
    });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [items.length, error]);

  const days = byDay(items);
  return (
    <div class="shared" aria-busy={asking}>
      {days.map(([day, list]) => (
        <section key={day}>
          <h3 class="list-heading">{day}</h3>
          {kind === 'image' ? (
            <ul class="shared-grid">
              {list.map((f) => (
                <Tile key={`${f.seq} ${f.index}`} conv={conv} f={f} all={items} />
              ))}
            </ul>
          ) : (
            <ul class="shared-files">
              {list.map((f) => (
                <FileRow key={`${f.seq} ${f.index}`} f={f} />
              ))}
            </ul>
          )}
        </section>
      ))}
      {next === null && items.length === 0 && <p class="empty">{kind === 'image' ? text.noImages : text.noFiles}</p>}
      {error ? (
        <p class="callout error" role="alert">
          {error}{' '}
          <button type="button" class="link" onClick={() => void more()}>
            {t.value.chat.again}
          </button>
        </p>
      ) : (
        next !== null && <div ref={end} class="skeleton shared-more" aria-hidden="true" />
      )}
    </div>
  );
}

function byDay(items: SharedFile[]): [string, SharedFile[]][] {
  const days = new Map<string, SharedFile[]>();
  for (const f of items) {
    const day = dayName(Date.parse(f.ts));
    days.set(day, [...(days.get(day) ?? []), f]);
  }
  return [...days];
}

function Tile({ conv, f, all }: { conv: string; f: SharedFile; all: SharedFile[] }) {
  const [gone, setGone] = useState(false);
  const { src, failure } = useSource(link(f.content, 'th') || (f.type === video ? '' : link(f.content, 'co')));
  const blur = blurOf(f.content);
  const open = () => openPicture(conv, fromShared(f), all.map(fromShared).reverse());
  return (
    <li class="shared-tile" style={blur ? { backgroundImage: `url(${blur})` } : {}}>
      {src && !gone && !failure ? (
        <img src={src} alt="" loading="lazy" decoding="async" onError={() => setGone(true)} />
      ) : (
        <Icon name={f.type === video ? 'video' : 'image'} />
      )}
      <button type="button" class="shot-open" aria-label={t.value.media.view(fileName(f.content))} onClick={open} />
      {f.type === video && <span class="shot-length">{duration(amount(f.content, 'si'))}</span>}
    </li>
  );
}

function FileRow({ f }: { f: SharedFile }) {
  const person = usePerson(f.sender);
  const one: Shown = { at: f.index, type: f.type, content: named(f) };
  return (
    <li>
      <FileCard one={one} />
      <Name class="row-sub shared-who" name={person.name} uid={person.uid} />
    </li>
  );
}

/** A voice message has no name worth telling: its kind and length are. */
function named(f: SharedFile): Record<string, unknown> {
  if (f.type !== audio || !isVoice(f)) return f.content;
  return { ...f.content, fn: t.value.media.voice(duration(amount(f.content, 'si'))) };
}
