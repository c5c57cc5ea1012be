// The organisation's departments, which several sections need: read once, and again when something of them has changed.

import { computed, signal } from '@preact/signals';
import { api } from './client';
import type { Department } from './types';

export const departments = signal<readonly Department[] | undefined>(undefined);
export const departmentsError = signal<unknown>(undefined);

let asked = false;

/** Reads them unless they are here. Never throws. */
export function needDepartments(): void {
  if (asked) return;
  asked = true;
  void readDepartments();
}

export async function readDepartments(): Promise<void> {
  try {
    departments.value = (await api.get<{ items: Department[] }>('/admin/departments')).items;
    departmentsError.value = undefined;
  } catch (e) {
    asked = false;
    departmentsError.value = e;
  }
}

const byID = computed(() => new Map((departments.value ?? []).map((d) => [d.id, d])));

export function department(id: string): Department | undefined {
  return byID.value.get(id);
}

/** "Company / Research / Lab", from the top. */
export function pathOf(id: string): string {
  const names: string[] = [];
  for (let d = byID.value.get(id); d && names.length < 30; d = byID.value.get(d.parent)) names.unshift(d.name);
  return names.join(' / ');
}

export interface Branch {
  department: Department;
  below: Branch[];
}

/** The tree of a flat list, sisters in their order. */
export function tree(all: readonly Department[]): Branch[] {
  const below = new Map<string, Branch[]>();
  for (const one of [...all].sort((x, y) => x.position - y.position)) {
    const sisters = below.get(one.parent) ?? [];
    sisters.push({ department: one, below: [] });
    below.set(one.parent, sisters);
  }
  for (const sisters of below.values()) for (const b of sisters) b.below = below.get(b.department.id) ?? [];
  return below.get('') ?? [];
}

/** Where a department is to go: below `parent`, at a place among its new sisters, of which it is none itself. */
export interface Move {
  id: string;
  parent: string;
  position: number;
}

/** A place in the tree as one points at it. */
export type Where = 'before' | 'inside' | 'after';

function sisters(all: readonly Department[], parent: string): Department[] {
  return all.filter((d) => d.parent === parent).sort((x, y) => x.position - y.position);
}

/**
 * Where an arrow carries a department: up and down among its sisters, right below the sister above, left out of its parent. Undefined where it is at the end.
 */
export function carried(all: readonly Department[], id: string, arrow: string): Move | undefined {
  const d = all.find((one) => one.id === id);
  if (!d) return;
  const beside = sisters(all, d.parent);
  const at = beside.indexOf(d);
  const above = beside[at - 1];
  if (arrow === 'ArrowUp' && above) return { id, parent: d.parent, position: at - 1 };
  if (arrow === 'ArrowDown' && at < beside.length - 1) return { id, parent: d.parent, position: at + 1 };
  if (arrow === 'ArrowRight' && above) return { id, parent: above.id, position: sisters(all, above.id).length };
  const parent = arrow === 'ArrowLeft' && all.find((one) => one.id === d.parent);
  if (parent) return { id, parent: parent.parent, position: sisters(all, parent.parent).indexOf(parent) + 1 };
}

/** Where a department goes that is dropped at another one. */
export function dropped(all: readonly Department[], id: string, onto: string, where: Where): Move | undefined {
  const target = all.find((one) => one.id === onto);
  if (!target || id === onto) return;
  if (where === 'inside') {
    const position = sisters(all, onto).filter((d) => d.id !== id).length;
    return { id, parent: onto, position };
  }
  const at = sisters(all, target.parent)
    .filter((d) => d.id !== id)
    .indexOf(target);
  return { id, parent: target.parent, position: where === 'before' ? at : at + 1 };
}

/** The options of a choice, in the order of the tree, indented. */
export function departmentOptions(all: readonly Department[]): [string, string][] {
  const out: [string, string][] = [];
  const walk = (branches: Branch[], depth: number) => {
    for (const b of branches) {
      out.push([b.department.id, `${'\u2003'.repeat(depth)}${b.department.name}`]);
      walk(b.below, depth + 1);
    }
  };
  walk(tree(all), 0);
  return out;
}
