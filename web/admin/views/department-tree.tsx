import { useRef, useState } from 'preact/hooks';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import { can } from '../client';
import type { Branch } from '../departments';
import { openOne } from '../route';
import { a } from '../text';
import type { Department } from '../types';

/** Where a department is to go: below `parent`, at a place among its new sisters. */
export interface Move {
  id: string;
  parent: string;
  position: number;
}

interface Row {
  department: Department;
  depth: number;
  /** Departments below it. */
  below: number;
  sisters: Branch[];
  index: number;
}

interface TreeProps {
  branches: Branch[];
  /** Departments whose sub-departments are not shown. */
  closed: ReadonlySet<string>;
  onClosed(closed: ReadonlySet<string>): void;
  open: string;
  move(m: Move): void;
}

type Where = 'before' | 'inside' | 'after';

function flatten(branches: Branch[], closed: ReadonlySet<string>, depth = 1, out: Row[] = []): Row[] {
  branches.forEach((b, index) => {
    out.push({ department: b.department, depth, below: b.below.length, sisters: branches, index });
    if (!closed.has(b.department.id)) flatten(b.below, closed, depth + 1, out);
  });
  return out;
}

/**
 * The departments as a tree (WAI-ARIA tree view): arrows move, open and close, Enter shows one. With Alt the arrows move the department itself:
 * up and down among its sisters, left out of its parent, right below the sister above. The pointer drags.
 */
export function DepartmentTree({ branches, closed, onClosed, open, move }: TreeProps) {
  const [dragged, setDragged] = useState('');
  const [target, setTarget] = useState<{ id: string; where: Where }>();
  const [current, setCurrent] = useState('');
  const list = useRef<HTMLDivElement>(null);
  const rows = flatten(branches, closed);
  const focused = rows.some((r) => r.department.id === current)
    ? current
    : rows.some((r) => r.department.id === open)
      ? open
      : rows[0]?.department.id;

  const focus = (id: string | undefined) => {
    if (!id) return;
    setCurrent(id);
    list.current?.querySelector<HTMLElement>(`[data-key="${id}"]`)?.focus();
  };
  const toggle = (id: string, shut: boolean) => {
    const next = new Set(closed);
    if (shut) next.add(id);
    else next.delete(id);
    onClosed(next);
  };
  const carry = ({ department: d, sisters, index }: Row, key: string) => {
    if (key === 'ArrowUp' && index > 0) move({ id: d.id, parent: d.parent, position: index - 1 });
    if (key === 'ArrowDown' && index < sisters.length - 1) move({ id: d.id, parent: d.parent, position: index + 1 });
    if (key === 'ArrowRight' && index > 0) {
      const above = sisters[index - 1] as Branch;
      toggle(above.department.id, false);
      move({ id: d.id, parent: above.department.id, position: above.below.length });
    }
    if (key === 'ArrowLeft' && d.parent) {
      const parent = rows.find((r) => r.department.id === d.parent);
      if (parent) move({ id: d.id, parent: parent.department.parent, position: parent.index + 1 });
    }
  };
  const keys = (e: KeyboardEvent) => {
    const at = rows.findIndex((r) => r.department.id === focused);
    const row = rows[at];
    if (!row || e.ctrlKey || e.metaKey) return;
    const { id, parent } = row.department;
    const shut = closed.has(id);
    if (e.altKey) {
      if (!can('change') || !e.key.startsWith('Arrow')) return;
      carry(row, e.key);
    } else if (e.key === 'ArrowDown') focus(rows[at + 1]?.department.id);
    else if (e.key === 'ArrowUp') focus(rows[at - 1]?.department.id);
    else if (e.key === 'Home') focus(rows[0]?.department.id);
    else if (e.key === 'End') focus(rows.at(-1)?.department.id);
    else if (e.key === 'ArrowRight' && row.below > 0) {
      if (shut) toggle(id, false);
      else focus(rows[at + 1]?.department.id);
    } else if (e.key === 'ArrowLeft') {
      if (row.below > 0 && !shut) toggle(id, true);
      else focus(parent);
    } else if (e.key === 'Enter' || e.key === ' ') openOne(id);
    else return;
    e.preventDefault();
  };

  const dropped = (row: Row, where: Where) => {
    const id = dragged;
    setDragged('');
    setTarget(undefined);
    if (!id || id === row.department.id) return;
    if (where === 'inside') return move({ id, parent: row.department.id, position: row.below });
    // Places are counted without the one that moves.
    const left = row.sisters.filter((b) => b.department.id !== id);
    const at = left.findIndex((b) => b.department.id === row.department.id);
    move({ id, parent: row.department.parent, position: where === 'before' ? at : at + 1 });
  };

  return (
    <div ref={list} class="tree" role="tree" aria-label={a.value.nav.departments} onKeyDown={keys}>
      {rows.map((row) => {
        const { department: d, depth, below } = row;
        const shut = closed.has(d.id);
        const over = target?.id === d.id ? target.where : undefined;
        return (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the tree hears the keys.
          <div
            key={d.id}
            role="treeitem"
            data-key={d.id}
            tabIndex={d.id === focused ? 0 : -1}
            aria-level={depth}
            aria-posinset={row.index + 1}
            aria-setsize={row.sisters.length}
            aria-expanded={below > 0 ? !shut : undefined}
            aria-selected={d.id === open}
            class={`tree-row ${d.id === dragged ? 'dragged' : ''}`}
            data-over={over}
            style={{ '--depth': depth - 1 }}
            draggable={can('change')}
            onFocus={() => setCurrent(d.id)}
            onClick={() => openOne(d.id)}
            onDragStart={(e) => {
              e.dataTransfer?.setData('text/plain', d.name);
              setDragged(d.id);
            }}
            onDragEnd={() => {
              setDragged('');
              setTarget(undefined);
            }}
            onDragOver={(e) => {
              if (!dragged) return;
              e.preventDefault();
              const where = whereIn(e.currentTarget, e.clientY);
              if (target?.id !== d.id || target.where !== where) setTarget({ id: d.id, where });
            }}
            onDrop={(e) => {
              e.preventDefault();
              dropped(row, whereIn(e.currentTarget, e.clientY));
            }}
          >
            {below > 0 ? (
              <button
                type="button"
                class={`icon-button small tree-toggle ${shut ? '' : 'turned'}`}
                tabIndex={-1}
                aria-hidden="true"
                onClick={(e) => {
                  e.stopPropagation();
                  toggle(d.id, !shut);
                }}
              >
                <Icon name="next" />
              </button>
            ) : (
              <span class="tree-toggle" />
            )}
            <Words class="tree-name ellipsis">{d.name}</Words>
            <span class="tree-count">{a.value.departments.members(d.people, d.members)}</span>
          </div>
        );
      })}
    </div>
  );
}

/** The upper and lower quarters of a row stand for the places between rows. */
function whereIn(row: HTMLElement, y: number): Where {
  const box = row.getBoundingClientRect();
  const part = (y - box.top) / box.height;
  return part < 0.25 ? 'before' : part > 0.75 ? 'after' : 'inside';
}
