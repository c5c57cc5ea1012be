// Dragging, pinching, the wheel, two clicks and a swipe on one element, told as movements of its contents.

import { useEffect, useRef } from 'preact/hooks';

export interface Gestures {
  /** Pixels. */
  move(dx: number, dy: number): void;
  /** About a point, in pixels from the middle of the element. */
  zoom(factor: number, at: { x: number; y: number }): void;
  doubled?(at: { x: number; y: number }): void;
  /** One finger has gone far to a side: -1 to the left. */
  swiped?(side: -1 | 1): void;
  /** A click that moved nothing. */
  clicked?(target: EventTarget | null): void;
}

/** Pixels of a swipe; fewer than the second are a click. */
const far = 64;
const still = 6;

export function useGestures<T extends HTMLElement>(g: Gestures) {
  const ref = useRef<T>(null);
  const latest = useRef(g);
  latest.current = g;
  useEffect(() => {
    const el = ref.current;
    if (!el) return;
    const down = new Map<number, { x: number; y: number }>();
    let from = { x: 0, y: 0 };
    let moved = 0;
    let pinched = false;
    const at = (x: number, y: number) => {
      const box = el.getBoundingClientRect();
      return { x: x - box.left - box.width / 2, y: y - box.top - box.height / 2 };
    };
    const spread = () => {
      const [a, b] = [...down.values()];
      return a && b ? { far: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } : undefined;
    };
    const begin = (e: PointerEvent) => {
      if (e.button !== 0 || (e.target as Element).closest('button, a, video, input')) return;
      if (down.size === 0) {
        from = { x: e.clientX, y: e.clientY };
        moved = 0;
        pinched = false;
      } else pinched = true;
      down.set(e.pointerId, { x: e.clientX, y: e.clientY });
      el.setPointerCapture(e.pointerId);
    };
    const go = (e: PointerEvent) => {
      const last = down.get(e.pointerId);
      if (!last) return;
      const before = spread();
      down.set(e.pointerId, { x: e.clientX, y: e.clientY });
      const now = spread();
      if (before && now) {
        latest.current.zoom(now.far / Math.max(1, before.far), at(now.x, now.y));
        latest.current.move(now.x - before.x, now.y - before.y);
      } else latest.current.move(e.clientX - last.x, e.clientY - last.y);
      moved = Math.max(moved, Math.hypot(e.clientX - from.x, e.clientY - from.y));
    };
    const end = (e: PointerEvent) => {
      if (!down.delete(e.pointerId) || down.size > 0 || pinched || e.type === 'pointercancel') return;
      const dx = e.clientX - from.x;
      const dy = e.clientY - from.y;
      if (moved < still) latest.current.clicked?.(document.elementFromPoint(e.clientX, e.clientY));
      else if (e.pointerType === 'touch' && Math.abs(dx) > far && Math.abs(dx) > 2 * Math.abs(dy))
        latest.current.swiped?.(dx < 0 ? -1 : 1);
    };
    const wheel = (e: WheelEvent) => {
      e.preventDefault();
      const lines = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      // A pinch on a touchpad comes as a wheel with Ctrl, in smaller steps.
      latest.current.zoom(Math.exp(-e.deltaY * lines * (e.ctrlKey ? 0.01 : 0.0025)), at(e.clientX, e.clientY));
    };
    const twice = (e: MouseEvent) => {
      if (!(e.target as Element).closest('button, a, video')) latest.current.doubled?.(at(e.clientX, e.clientY));
    };
    el.addEventListener('pointerdown', begin);
    el.addEventListener('pointermove', go);
    el.addEventListener('pointerup', end);
    el.addEventListener('pointercancel', end);
    el.addEventListener('wheel', wheel, { passive: false });
    el.addEventListener('dblclick', twice);
    return () => {
      el.removeEventListener('pointerdown', begin);
      el.removeEventListener('pointermove', go);
      el.removeEventListener('pointerup', end);
      el.removeEventListener('pointercancel', end);
      el.removeEventListener('wheel', wheel);
      el.removeEventListener('dblclick', twice);
    };
  }, []);
  return ref;
}
