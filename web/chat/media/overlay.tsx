// What stands over the whole page and was opened from deep inside it: one thing at a time.

import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { personal } from '../../ui/personal';

const over = signal<VNode | null>(null);

export function showOver(node: VNode): void {
  over.value = node;
}

export function closeOver(): void {
  over.value = null;
}

personal(closeOver);

export function Over() {
  return over.value;
}
