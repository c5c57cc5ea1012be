import { signal } from '@preact/signals';
import { explain } from './problem';

interface Toast {
  id: number;
  text: string;
}

const toasts = signal<Toast[]>([]);
let last = 0;

/** Says a short thing at the foot of the page for a while. */
export function toast(text: string): void {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-2), { id, text }];
  setTimeout(() => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
  }, 5000);
}

/** Runs what a click asked for; a failure is said, not swallowed. */
export function attempt(work: Promise<unknown>, done?: () => void): void {
  work.then(done, (e) => toast(explain(e)));
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((one) => (
        <div key={one.id} class="toast" dir="auto">
          {one.text}
        </div>
      ))}
    </div>
  );
}
