import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icon';
import { t } from './prefs';
import { attempt } from './toast';

interface QrProps {
  /** What the code says. */
  content: string;
  title: string;
  /** A line below the title. */
  note: string;
}

/** Rows of modules, true for dark ones, with the quiet zone of four that ISO/IEC 18004 wants around the code. */
type Modules = boolean[][];

/** A QR code with what it is about, to be shown, saved or printed. What draws it is fetched when the first is shown. */
export function QrCode({ content, title, note }: QrProps) {
  const [modules, setModules] = useState<Modules>();
  const [failed, setFailed] = useState(false);
  const text = t.value.group;
  useEffect(() => {
    let here = true;
    import('uqr').then(
      ({ encode }) => here && setModules(encode(content, { ecc: 'M', border: 4 }).data),
      () => here && setFailed(true),
    );
    return () => {
      here = false;
    };
  }, [content]);
  if (failed) return <p class="field-error">{text.qrFailed}</p>;
  if (!modules) return <div class="qr-sheet" aria-busy="true" />;
  return (
    <>
      <figure class="qr-sheet">
        <svg viewBox={`0 0 ${modules.length} ${modules.length}`} role="img" aria-label={text.qrOf(title)}>
          <path d={outline(modules)} />
        </svg>
        <figcaption>
          <strong dir="auto">{title}</strong>
          <span>{note}</span>
        </figcaption>
      </figure>
      <div class="qr-actions">
        <button type="button" class="button small" onClick={() => attempt(save(modules, title, note))}>
          <Icon name="download" />
          {text.savePicture}
        </button>
        <button type="button" class="button small" onClick={() => print()}>
          {text.print}
        </button>
      </div>
    </>
  );
}

/** The path of an SVG whose unit is one module. */
function outline(modules: Modules): string {
  return modules
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
    .filter(Boolean)
    .join('');
}

/** Pixels of a side of the picture that is saved; the text stands below. */
const side = 1024;
const textHeight = 160;

async function save(modules: Modules, title: string, note: string): Promise<void> {
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side + textHeight;
  const on = canvas.getContext('2d');
  if (!on) throw new TypeError('no canvas');
  on.fillStyle = '#fff';
  on.fillRect(0, 0, canvas.width, canvas.height);
  on.fillStyle = '#000';
  const unit = Math.floor(side / modules.length);
  const edge = Math.floor((side - unit * modules.length) / 2);
  modules.forEach((row, y) => {
    row.forEach((dark, x) => {
      if (dark) on.fillRect(edge + x * unit, edge + y * unit, unit, unit);
    });
  });
  const font = getComputedStyle(document.body).fontFamily;
  on.textAlign = 'center';
  on.font = `600 48px ${font}`;
  on.fillText(title, side / 2, side + 40, side - 80);
  on.font = `32px ${font}`;
  on.fillText(note, side / 2, side + 100, side - 80);
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png');
  });
  if (!blob) throw new TypeError('no picture');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${title.replace(/[\\/:*?"<>|]/g, ' ').trim() || 'QR'}.png`;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
