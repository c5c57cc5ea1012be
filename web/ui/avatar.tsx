import { useState } from 'preact/hooks';
import { t } from './prefs';
import { chances, useSource } from './source';

type Status = 'online' | 'offline' | 'busy' | 'away' | 'custom';

/** One or two letters that stand for a name: the last two Han characters, or the first letters of two words. */
export function initials(name: string): string {
  const clean = name.normalize('NFC').trim();
  const han = clean.match(/\p{Script=Han}/gu);
  if (han) return han.slice(-2).join('');
  const words = clean.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const first = (w: string | undefined) => (w ? ([...w][0] ?? '') : '');
  return (first(words[0]) + (words.length > 1 ? first(words.at(-1)) : '')).toLocaleUpperCase() || clean[0] || '?';
}

/** The same colour for the same id, always. FNV-1a, for its spread over short ids. */
export function hue(id: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 0x01000193);
  return (h >>> 8) % 8;
}

/** Only pictures of this server, or ones made in the page, are loaded: a foreign address would tell who looks. */
function ownPicture(src: string): boolean {
  return (
    src.startsWith('blob:') ||
    (URL.canParse(src, location.origin) && new URL(src, location.origin).origin === location.origin)
  );
}

interface AvatarProps {
  id: string;
  name: string;
  src?: string | undefined;
  size?: 'xs' | 's' | 'l';
  group?: boolean;
  status?: Status | undefined;
}

/** The picture of a person or group; decorative, as the name always stands beside it. */
export function Avatar({ id, name, src: from, size, group, status }: AvatarProps) {
  const { src } = useSource(from && ownPicture(from) ? from : '');
  // What could not be had is asked for again with the next chance.
  const [failed, setFailed] = useState<{ src: string; at: number }>();
  const lost = failed?.src === src && failed.at === chances.value;
  return (
    <span class={`avatar ${size ?? ''} ${group ? 'group' : ''}`}>
      {src && !lost ? (
        <img
          src={src}
          alt=""
          loading="lazy"
          decoding="async"
          draggable={false}
          onError={() => setFailed({ src, at: chances.peek() })}
        />
      ) : (
        <span class="initials" data-hue={hue(id)} aria-hidden="true">
          {initials(name)}
        </span>
      )}
      {status && <Dot status={status} />}
    </span>
  );
}

export function Dot({ status }: { status: Status }) {
  const word = t.value.presence[status];
  return <span class={`dot ${status}`} role="img" aria-label={word} title={word} />;
}
