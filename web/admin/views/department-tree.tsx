import { useRef, useState } from 'preact/hooks';
import { format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import type { Branch, Where } from '../departments';
import { openOne } from '../route';
import { a } from '../text';
import type { Department } from '../types';

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
  /** Moves one as an arrow says. Both are left out where nothing may be moved. */
  carry?: ((id: string, arrow: string) => void) | undefined;
  drop?: ((id: string, onto: string, where: Where) => void) | undefined;
}

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
export function DepartmentTree({ branches, closed, onClosed, open, carry, drop }: TreeProps) {
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
  const keys = (e: KeyboardEvent) => {
    const at = rows.findIndex((r) => r.department.id === focused);
    const row = rows[at];
    if (!row || e.ctrlKey || e.metaKey) return;
    const { id, parent } = row.department;
    const shut = closed.has(id);
    if (e.altKey) {
      if (!carry || !e.key.startsWith('Arrow')) return;
      const above = row.sisters[row.index - 1];
      if (e.key === 'ArrowRight' && above) toggle(above.department.id, false);
      carry(id, e.key);
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
            draggable={drop !== undefined}
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
              if (dragged) drop?.(dragged, d.id, whereIn(e.currentTarget, e.clientY));
              setDragged('');
              setTarget(undefined);
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
            <span class="tree-count">{membersOf(d)}</span>
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

function membersOf({ people, members }: Department): string {
  const { number } = format.value;
  const direct = members < people ? number.format(members) : undefined;
  return people === 0 ? '' : a.value.departments.members(people, number.format(people), direct);
}
