// The part of a picture that stands for a person or a group.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Dialog } from '../../ui/dialog';
import { t } from '../../ui/prefs';
import { explain } from '../../ui/problem';
import { toast } from '../../ui/toast';
import { useCore } from '../context';
import { type Crop, kept, middle, mostZoom, sideOf } from './crop-square';
import { useGestures } from './gestures';
import { closeOver, showOver } from './overlay';
import './crop.css';

/** Pixels of the square that is sent; the server makes it smaller. */
const side = 512;
/** Part of the square that an arrow key moves. */
const step = 0.05;

interface CropProps {
  /** Takes the link of the uploaded picture. Rejects with Problem. */
  take(link: string): Promise<void>;
}

export async function openCrop(file: File, p: CropProps): Promise<void> {
  const url = URL.createObjectURL(file);
  const img = new Image();
  img.src = url;
  try {
    await img.decode();
    showOver(<CropDialog {...p} img={img} />);
  } catch {
    URL.revokeObjectURL(url);
    toast(t.peek().media.notPicture);
  }
}

function CropDialog({ img, take }: CropProps & { img: HTMLImageElement }) {
  const core = useCore();
  const text = t.value.media;
  const { naturalWidth: width, naturalHeight: height } = img;
  const [crop, setCrop] = useState(() => middle(width, height));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => () => URL.revokeObjectURL(img.src), [img]);

  const change = (f: (c: Crop) => Crop) => setCrop((c) => kept(f(c), width, height));
  /** Pixels of the picture in one of the page. */
  const scale = (c: Crop) => sideOf(c, width, height) / (stage.current?.clientWidth ?? side);
  const stage = useGestures<HTMLDivElement>({
    move: (dx, dy) => change((c) => ({ ...c, x: c.x - dx * scale(c), y: c.y - dy * scale(c) })),
    zoom: (factor) => change((c) => ({ ...c, zoom: c.zoom * factor })),
  });
  useEffect(() => {
    if (canvas.current) draw(canvas.current, img, crop);
  }, [img, crop]);

  const keys = (e: KeyboardEvent) => {
    const by = sideOf(crop, width, height) * step;
    const [x, y] = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[e.key] ?? [0, 0];
    const factor = { '+': 1.1, '=': 1.1, '-': 1 / 1.1 }[e.key] ?? 1;
    if (x === 0 && y === 0 && factor === 1) return;
    e.preventDefault();
    change((c) => ({ x: c.x + (x ?? 0), y: c.y + (y ?? 0), zoom: c.zoom * factor }));
  };
  const use = async () => {
    setBusy(true);
    setError('');
    try {
      const out = document.createElement('canvas');
      out.width = out.height = Math.min(side, Math.max(64, Math.round(sideOf(crop, width, height))));
      draw(out, img, crop);
      await take(await core.media.avatar(await encoded(out)));
      closeOver();
    } catch (e) {
      setError(explain(e));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={text.cropTitle}
      onClose={closeOver}
      onSubmit={() => void use()}
      footer={
        <>
          <button type="button" class="button" onClick={closeOver}>
            {t.value.dialog.cancel}
          </button>
          <button type="submit" class="button primary" disabled={busy}>
            {text.usePicture}
          </button>
        </>
      }
    >
      <div
        ref={stage}
        class="crop"
        role="application"
        aria-label={text.cropArea}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the picture.
        tabIndex={0}
        onKeyDown={keys}
      >
        <canvas ref={canvas} width={side} height={side} />
        <span class="crop-round" aria-hidden="true" />
      </div>
      <p class="row-sub">{text.cropHint}</p>
      <input
        type="range"
        class="crop-zoom"
        min={0}
        max={1}
        step={0.01}
        aria-label={text.cropZoom}
        value={Math.log(crop.zoom) / Math.log(mostZoom)}
        onInput={(e) => {
          const zoom = mostZoom ** Number(e.currentTarget.value);
          change((c) => ({ ...c, zoom }));
        }}
      />
      {error && (
        <p class="callout error" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}

function draw(canvas: HTMLCanvasElement, img: HTMLImageElement, crop: Crop): void {
  const g = canvas.getContext('2d');
  if (!g) return;
  const from = sideOf(crop, img.naturalWidth, img.naturalHeight);
  g.clearRect(0, 0, canvas.width, canvas.height);
  g.imageSmoothingQuality = 'high';
  g.drawImage(img, crop.x - from / 2, crop.y - from / 2, from, from, 0, 0, canvas.width, canvas.height);
}

/** PNG keeps what is transparent. */
function encoded(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((b) => (b ? resolve(b) : reject(new Error('The picture could not be made.'))), 'image/png');
  });
}
