import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { t } from '../../ui/prefs';
import { explain } from '../../ui/problem';
import type { Pages } from '../pages';
import { a } from '../text';

export interface Column<T> {
  name: string;
  title: string;
  /** It may be sorted by this. */
  sortable?: boolean;
  /** Left out where there is little room. */
  minor?: boolean;
  /** Stands at the end of the cell, in figures of one width. */
  number?: boolean;
  /** Needs little room: a time of the day, or a date. */
  short?: boolean;
  /** Needs more room than others: a few words. */
  wide?: boolean;
  cell(item: T): ComponentChildren;
}

export interface Sort {
  by: string;
  down: boolean;
}

interface TableProps<T> {
  /** What the table is of, for screen readers. */
  label: string;
  columns: Column<T>[];
  pages: Pages<T>;
  keyOf(item: T): string;
  /** The row of this key is open. */
  open?: string;
  sort?: Sort | undefined;
  onSort?(sort: Sort): void;
  /** Said when there is nothing: what could be here, or that nothing matches. */
  empty: ComponentChildren;
}

/** Rows that are drawn above and below those in sight. */
const margin = 12;

/**
 * A table that reads on as one scrolls, and has only the rows in sight in the page. All rows are of one height (`.table` in table.css);
 * the first cell of each holds a link or button, between which the arrow keys move.
 */
export function Table<T>({ label, columns, pages, keyOf, open, sort, onSort, empty }: TableProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const view = useMemo(() => signal({ from: 0, to: 40 }), [pages]);
  const rowHeight = useRef(0);
  const items = pages.items.value;
  const state = pages.state.value;
  const total = pages.total.value;
  const { from, to } = view.value;

  const look = () => {
    const el = box.current;
    if (!el) return;
    const row = body.current?.querySelector<HTMLElement>('tr.item');
    if (row) rowHeight.current = row.offsetHeight || rowHeight.current;
    const height = rowHeight.current || 52;
    const top = Math.floor(el.scrollTop / height);
    const next = { from: Math.max(0, top - margin), to: top + Math.ceil(el.clientHeight / height) + margin };
    const now = view.peek();
    if (next.from !== now.from || next.to !== now.to) view.value = next;
    if (next.to + margin > pages.items.peek().length && pages.state.peek() === 'ready') void pages.more();
  };

  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = 0;
  }, [pages]);
  useEffect(() => {
    look();
    const el = box.current;
    if (!el) return;
    const resized = new ResizeObserver(look);
    resized.observe(el);
    return () => resized.disconnect();
  }, [pages, items.length]);

  const keys = (e: KeyboardEvent) => {
    const row = e.target instanceof Element ? e.target.closest('tr') : null;
    const step = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling }[e.key];
    const next = step?.querySelector<HTMLElement>('a, button');
    if (!next) return;
    e.preventDefault();
    next.focus();
  };

  const shown = items.slice(from, to);
  const height = rowHeight.current;
  const rows = total?.exact ? total.count + 1 : pages.ended ? items.length + 1 : -1;
  return (
    <div class="table-box" ref={box} onScroll={look}>
      <table class="table" aria-label={label} aria-rowcount={rows} aria-busy={state === 'loading'}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((c) => (
              <Head key={c.name} column={c} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={keys}>
          {from > 0 && <Gap height={from * height} />}
          {shown.map((item, i) => {
            const key = keyOf(item);
            return (
              <tr key={key} class={`item ${key === open ? 'open' : ''}`} aria-rowindex={from + i + 2}>
                {columns.map((c) => (
                  <td key={c.name} class={cellClass(c)}>
                    {c.cell(item)}
                  </td>
                ))}
              </tr>
            );
          })}
          {to < items.length && <Gap height={(items.length - to) * height} />}
        </tbody>
      </table>
      {state === 'loading' && <Waiting rows={items.length === 0 ? 8 : 2} />}
      {state === 'failed' && (
        <div class="callout error table-note" role="alert">
          <p>{explain(pages.error.value)}</p>
          <button type="button" class="button small" onClick={() => void pages.more()}>
            {t.value.chat.again}
          </button>
        </div>
      )}
      {state === 'ready' && items.length === 0 && <div class="empty">{empty}</div>}
    </div>
  );
}

function cellClass<T>(c: Column<T>): string | undefined {
  return (
    [c.minor && 'minor', c.number && 'number', c.short && 'short', c.wide && 'wide'].filter(Boolean).join(' ') ||
    undefined
  );
}

interface HeadProps<T> {
  column: Column<T>;
  sort: Sort | undefined;
  onSort: ((sort: Sort) => void) | undefined;
}

function Head<T>({ column: c, sort, onSort }: HeadProps<T>) {
  if (!c.sortable || !onSort) {
    return (
      <th scope="col" class={cellClass(c)}>
        {c.title}
      </th>
    );
  }
  const here = sort?.by === c.name;
  return (
    <th scope="col" class={cellClass(c)} aria-sort={here ? (sort.down ? 'descending' : 'ascending') : 'none'}>
      <button type="button" class="sort" onClick={() => onSort({ by: c.name, down: here && !sort.down })}>
        {c.title}
        <Icon name="down" class={`${here ? '' : 'unsorted'} ${here && !sort.down ? 'up' : ''}`} />
      </button>
    </th>
  );
}

/** Stands for rows that are not drawn. */
function Gap({ height }: { height: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row of a table can't be focused.
    <tr aria-hidden="true">
      <td class="gap" style={{ height: `${height}px` }} />
    </tr>
  );
}

function Waiting({ rows }: { rows: number }) {
  return (
    <div class="table-waiting" role="status" aria-label={a.value.loading}>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} class="skeleton bar" />
      ))}
    </div>
  );
}

/** "1,234 people", "more than 10,000 people". */
export function Count<T>({ pages, words }: { pages: Pages<T>; words(n: number, shown: string): string }) {
  const total = pages.total.value;
  if (!total) return null;
  const shown = format.value.number.format(total.count);
  return <p class="count">{words(total.count, total.exact ? shown : `${shown}+`)}</p>;
}
