// The button that records a voice message: held by a finger and let go, or clicked and clicked again.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Attachment } from '../../core';
import { Icon } from '../../ui/icon';
import { t } from '../../ui/prefs';
import { toast } from '../../ui/toast';
import { lazy } from './lazy';
import type { Recording } from './recording';

/** A page that came over plain HTTP has no microphone. */
export const canRecord = typeof MediaRecorder === 'function' && !!navigator.mediaDevices;

/** ms: a shorter touch was a click. */
const tap = 400;
/** Pixels to the side that cancel. */
export const slideFar = 110;

const RecorderBar = lazy(async () => (await import('./recorder-bar')).RecorderBar);

interface RecordProps {
  send(voice: Attachment): Promise<void>;
  /** It begins or has ended: the place to write makes room. */
  onChange(on: boolean): void;
}

export function Record({ send, onChange }: RecordProps) {
  const text = t.value.media;
  const [recording, setRecording] = useState<Recording>();
  const [slide, setSlide] = useState(0);
  const [held, setHeld] = useState(false);
  /** The finger that holds it: where and when it came down. */
  const finger = useRef<{ x: number; at: number } | undefined>(undefined);
  const state = useRef<'idle' | 'asking' | 'on' | 'ending' | 'left'>('idle');
  const current = useRef<Recording | undefined>(undefined);
  /** The click that follows the touch has been dealt with. */
  const ignore = useRef(false);

  const left = () => state.current === 'left';
  const done = () => {
    state.current = 'idle';
    current.current = undefined;
    setRecording(undefined);
    setSlide(0);
    setHeld(false);
    onChange(false);
  };
  const begin = async () => {
    if (state.current !== 'idle') return;
    state.current = 'asking';
    try {
      const { Recording } = await import('./recording');
      const one = await Recording.start();
      // Left while the browser was asking: nobody would see that it hears.
      if (left()) return one.cancel();
      state.current = 'on';
      current.current = one;
      setRecording(one);
      onChange(true);
    } catch {
      if (left()) return;
      state.current = 'idle';
      toast(t.peek().media.noMicrophone);
    }
  };
  const cancel = () => {
    if (state.current !== 'on') return;
    current.current?.cancel();
    done();
  };
  const finish = async () => {
    const one = current.current;
    if (!one || state.current !== 'on') return;
    state.current = 'ending';
    const voice = await one.finish();
    if (!left()) done();
    if (!voice) return toast(t.peek().media.tooShort);
    await send(voice).catch(() => toast(t.peek().problem.unknown));
  };
  // Left for another conversation: nothing is sent unseen.
  useEffect(
    () => () => {
      if (state.current === 'on') current.current?.cancel();
      state.current = 'left';
    },
    [],
  );
  useEffect(() => {
    if (!recording) return;
    const esc = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return;
      e.preventDefault();
      e.stopPropagation();
      cancel();
    };
    addEventListener('keydown', esc, true);
    return () => removeEventListener('keydown', esc, true);
  });

  const down = (e: PointerEvent & { currentTarget: HTMLElement }) => {
    ignore.current = e.pointerType !== 'mouse' && state.current === 'idle';
    if (!ignore.current) return;
    e.currentTarget.setPointerCapture(e.pointerId);
    finger.current = { x: e.clientX, at: performance.now() };
    setHeld(true);
    void begin();
  };
  const move = (e: PointerEvent) => {
    if (finger.current) setSlide(Math.max(0, Math.abs(finger.current.x - e.clientX)));
  };
  const up = (e: PointerEvent) => {
    const f = finger.current;
    if (!f) return;
    finger.current = undefined;
    setHeld(false);
    // A short touch, or one that the browser's question has ended, goes on as a click.
    if (state.current !== 'on' || e.type === 'pointercancel' || performance.now() - f.at < tap) return setSlide(0);
    if (Math.abs(f.x - e.clientX) > slideFar) cancel();
    else void finish();
  };
  const click = (e: MouseEvent) => {
    if (ignore.current && e.detail > 0) {
      ignore.current = false;
      return;
    }
    if (state.current === 'on') void finish();
    else void begin();
  };
  return (
    <>
      {recording && <RecorderBar recording={recording} held={held} slide={slide} cancel={cancel} />}
      <button
        type="button"
        class={`send record ${recording ? 'on' : ''}`}
        aria-label={recording ? text.stopSend : text.record}
        title={recording ? text.stopSend : text.record}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
        onContextMenu={(e) => e.preventDefault()}
        onClick={click}
      >
        <Icon name={recording && !held ? 'send' : 'mic'} />
      </button>
    </>
  );
}
