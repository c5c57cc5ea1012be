import { describe, expect, test } from 'vitest';
import type { Item, Message } from '../core';
import { down, firstRows, place, rowLimit, rowsOf, type Span, up } from './rows';

const noon = new Date(2026, 10, 20, 12).getTime();
const minute = 60_000;

function message(seq: number, ts: number, sender = 'bob'): Message {
  const media = [{ type: 0, content: { co: `m${seq}` } }];
  return {
    id: `id${seq}`,
    conv: 'u:bob',
    seq,
    ts,
    sender,
    mine: sender === 'me',
    media,
    text: `m${seq}`,
    state: 'stored',
  };
}

/** A word for each row: what it is, and for messages the ends of their run. */
function words(items: Item[], readUpTo?: number): string[] {
  return rowsOf(items, readUpTo).map((r) =>
    r.kind === 'message' ? `${r.first ? '[' : ''}${r.message.text}${r.last ? ']' : ''}` : r.kind,
  );
}

describe('rows', () => {
  test('one sender’s messages of a few minutes stand together', () => {
    const items = [
      message(1, noon),
      message(2, noon + minute),
      message(3, noon + 9 * minute),
      message(4, noon + 9 * minute, 'me'),
    ];
    expect(words(items)).toEqual(['day', '[m1', 'm2]', '[m3]', '[m4]']);
  });

  test('a day and a notice part them', () => {
    const late = new Date(2026, 10, 20, 23, 59).getTime();
    const line: Item = { id: 'n', conv: 'g:x', ts: late, notice: 'joined', uid: 'carol' };
    expect(words([message(1, late), line, message(2, late), message(3, late + 2 * minute)])).toEqual([
      'day',
      '[m1]',
      'notice',
      '[m2]',
      'day',
      '[m3]',
    ]);
  });

  test('the line stands before the first that was not read, never before one’s own', () => {
    const items = [message(1, noon), message(2, noon, 'me'), message(3, noon), message(4, noon)];
    expect(words(items, 1)).toEqual(['day', '[m1]', '[m2]', 'new', '[m3', 'm4]']);
    expect(words(items, 4)).not.toContain('new');
    expect(words(items)).not.toContain('new');
  });

  test('there is no line while its place is not loaded', () => {
    const items = [message(51, noon), message(52, noon)];
    expect(words(items, 3)).not.toContain('new');
    expect(words(items, 50)).toEqual(['day', 'new', '[m51', 'm52]']);
  });

  test('keys are unique', () => {
    const items = Array.from({ length: 500 }, (_, i) => message(i + 1, noon + i * 11 * minute, i % 3 ? 'bob' : 'me'));
    const keys = rowsOf(items, 100).map((r) => r.key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('the part in the page', () => {
  const rows = rowsOf(
    Array.from({ length: 2000 }, (_, i) => message(i + 1, noon)),
    undefined,
  );

  test('reaches every row going up and down again, with never more than the limit', () => {
    let span: Span = { end: null, size: firstRows };
    const seen = new Set<string>();
    const look = () => {
      const { from, to } = place(rows, span);
      expect(to - from).toBeLessThanOrEqual(rowLimit);
      for (const row of rows.slice(from, to)) seen.add(row.key);
      return { from, to };
    };
    while (look().from > 0) span = up(rows, place(rows, span));
    expect(seen.size).toBe(rows.length);
    seen.clear();
    while (look().to < rows.length) span = down(rows, place(rows, span));
    expect(seen.size).toBe(rows.length);
    expect(span.end).toBeNull();
  });

  test('stays where it is when older rows come in above', () => {
    const later = rows.slice(500);
    const span = up(later, place(later, { end: later[700]?.key ?? null, size: 200 }));
    const before = place(later, span);
    const after = place(rows, span);
    expect(rows[after.from]?.key).toBe(later[before.from]?.key);
    expect(rows[after.to - 1]?.key).toBe(later[before.to - 1]?.key);
  });

  test('falls back to the newest when its last row is gone', () => {
    expect(place(rows, { end: 'discarded', size: 10 })).toEqual({ from: rows.length - 10, to: rows.length });
  });
});
