import type { Item, Message, NoticeLine } from '../core';
import { dayStart } from '../ui/day';

export type Row =
  | { kind: 'day'; key: string; ts: number }
  | { kind: 'new'; key: string }
  | { kind: 'notice'; key: string; notice: NoticeLine }
  | { kind: 'message'; key: string; message: Message; first: boolean; last: boolean };

/** Messages of one sender stand together while no more than this lies between two of them. */
const together = 5 * 60_000;

/** What a conversation shows, top to bottom. `readUpTo`: the last `seq` read before it was opened, or undefined for no line. */
export function rowsOf(items: readonly Item[], readUpTo: number | undefined): Row[] {
  const rows: Row[] = [];
  let day = Number.NaN;
  let before: (Row & { kind: 'message' }) | undefined;
  // The line has its place only where the message before it is known: with hundreds unread, that one isn't loaded yet.
  const oldest = items.find((item): item is Message => !('notice' in item) && item.seq !== undefined)?.seq ?? 0;
  let marked = readUpTo === undefined || oldest > readUpTo + 1;
  for (const item of items) {
    const itsDay = dayStart(item.ts);
    if (itsDay !== day) {
      day = itsDay;
      rows.push({ kind: 'day', key: `day ${day}`, ts: item.ts });
      before = undefined;
    }
    if ('notice' in item) {
      rows.push({ kind: 'notice', key: `notice ${item.id}`, notice: item });
      before = undefined;
      continue;
    }
    if (!marked && !item.mine && item.seq !== undefined && item.seq > (readUpTo ?? 0)) {
      marked = true;
      rows.push({ kind: 'new', key: 'new' });
      before = undefined;
    }
    const joins = before?.message.sender === item.sender && item.ts - before.message.ts < together;
    if (before && joins) before.last = false;
    before = { kind: 'message', key: item.id, message: item, first: !joins, last: true };
    rows.push(before);
  }
  return rows;
}

/** Whether two rows of one item look the same. */
export function sameRow(a: Row, b: Row): boolean {
  return a.kind !== 'message' || b.kind !== 'message' || (a.first === b.first && a.last === b.last);
}

/** How many rows stand in the page at most, how many at first, and how many come at a time. */
export const rowLimit = 280;
export const firstRows = 80;
export const step = 60;

/**
 * The part of the rows that stands in the page. `end` is the key of the last one, or null to follow the newest; keys, not
 * places, as older rows come in above.
 */
export interface Span {
  end: string | null;
  size: number;
}

export interface Place {
  from: number;
  to: number;
}

export function place(rows: readonly Row[], span: Span): Place {
  let to = rows.length;
  if (span.end !== null) {
    while (to > 0 && rows[to - 1]?.key !== span.end) to--;
    if (to === 0) to = rows.length;
  }
  return { from: Math.max(0, to - span.size), to };
}

export function up(rows: readonly Row[], { from, to }: Place): Span {
  const start = Math.max(0, from - step);
  return span(rows, start, Math.min(to, start + rowLimit));
}

export function down(rows: readonly Row[], { from, to }: Place): Span {
  const end = Math.min(rows.length, to + step);
  return span(rows, Math.max(from, end - rowLimit), end);
}

function span(rows: readonly Row[], from: number, to: number): Span {
  return { end: to === rows.length ? null : (rows[to - 1]?.key ?? null), size: to - from };
}
