// What people write between stars and ticks, as a tree. There is no HTML on the way in or out: a view makes nodes of it.

import { findLinks } from './linkify';

export type Inline =
  | string
  | { kind: 'strong' | 'em' | 'del'; children: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'link'; text: string; href: string; host?: string | undefined }
  | { kind: 'mention'; text: string; uid: string };

export type Block = { kind: 'text' | 'quote'; children: Inline[] } | { kind: 'code'; text: string };

/** Somebody that a message mentions: `name` is what stands behind the `@`; `uid` is `*` for everyone. */
export interface Mention {
  uid: string;
  name: string;
}

const kinds = { '**': 'strong', '*': 'em', _: 'em', '~~': 'del' } as const;
type Mark = keyof typeof kinds;

/** Text as blocks. Emphasis ends with its line, so that a stray star never reaches further; what isn't closed stays as written. */
export function parse(text: string, mentions: readonly Mention[] = []): Block[] {
  const blocks: Block[] = [];
  const lines = text.split('\n');
  // From the last line up: a fence that no other follows opens nothing, and asking that of every fence anew would be slow.
  let lastFence = lines.length - 1;
  while (lastFence >= 0 && !isFence(lines[lastFence])) lastFence--;
  const at = mentionPattern(mentions);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (i < lastFence && line.startsWith('```') && !line.includes('`', 3)) {
      let end = i + 1;
      while (!isFence(lines[end])) end++;
      blocks.push({ kind: 'code', text: lines.slice(i + 1, end).join('\n') });
      i = end;
      continue;
    }
    const quoted = /^>(?: |$)/.test(line);
    const kind = quoted ? 'quote' : 'text';
    const children = inline(quoted ? line.slice(2) : line, mentions, at);
    const before = blocks.at(-1);
    if (before?.kind === kind) before.children.push('\n', ...children);
    else blocks.push({ kind, children });
  }
  return blocks;
}

/** The same text without its marks on one line, for lists and quoted lines. */
export function plain(text: string): string {
  return parse(text)
    .map((b) => (b.kind === 'code' ? b.text : b.children.map(words).join('')))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function words(part: Inline): string {
  if (typeof part === 'string') return part;
  return 'children' in part ? part.children.map(words).join('') : part.text;
}

function isFence(line: string | undefined): boolean {
  return line === undefined || line.trimEnd() === '```';
}

interface Open {
  mark: Mark | undefined;
  children: Inline[];
}

function inline(line: string, mentions: readonly Mention[], at: RegExp | undefined): Inline[] {
  // At most one of each mark is open at a time: so the depth is bounded, and one way through the line is enough.
  const stack: Open[] = [{ mark: undefined, children: [] }];
  const push = (...parts: Inline[]) => stack.at(-1)?.children.push(...parts);

  const mark = (sign: Mark, begin: number) => {
    const before = line[begin - 1];
    const after = line[begin + sign.length];
    const single = sign === '*' || sign === '_';
    const level = stack.findLastIndex((o) => o.mark === sign);
    if (level > 0 && before && !/\s/.test(before) && !(single && isWord(after))) {
      close(stack, level);
    } else if (level === -1 && after && opens(sign, before, after)) {
      stack.push({ mark: sign, children: [] });
    } else push(sign);
  };

  const marked = (from: number, to: number) => {
    let done = from;
    for (const found of line.slice(from, to).matchAll(/\*+|~~+|_+/g)) {
      const begin = from + found.index;
      // Three stars and more, long waves and lines are drawings, not marks.
      if (!(found[0] in kinds)) continue;
      if (begin > done) push(line.slice(done, begin));
      mark(found[0] as Mark, begin);
      done = begin + found[0].length;
    }
    if (to > done) push(line.slice(done, to));
  };

  const linked = (from: number, to: number) => {
    let done = from;
    for (const link of findLinks(line.slice(from, to))) {
      marked(done, from + link.at);
      push({ kind: 'link', text: link.text, href: link.href, host: link.host });
      done = from + link.at + link.text.length;
    }
    marked(done, to);
  };

  const mentioned = (from: number, to: number) => {
    let done = from;
    for (const found of at ? line.slice(from, to).matchAll(at) : []) {
      const begin = from + found.index;
      const uid = mentions.find((m) => m.name === found[0].slice(1))?.uid;
      if (!uid || isWord(line[begin - 1])) continue;
      linked(done, begin);
      push({ kind: 'mention', text: found[0], uid });
      done = begin + found[0].length;
    }
    linked(done, to);
  };

  let done = 0;
  for (const found of line.matchAll(/```([^`]+)```|`([^`]+)`/g)) {
    mentioned(done, found.index);
    push({ kind: 'code', text: found[1] ?? found[2] ?? '' });
    done = found.index + found[0].length;
  }
  mentioned(done, line.length);
  while (stack.length > 1) unmark(stack);
  return stack[0]?.children ?? [];
}

/** A line below a word begins only where words begin: in drawings and in names of files it is itself. */
function opens(sign: Mark, before: string | undefined, after: string): boolean {
  if (/\s/.test(after)) return false;
  if (sign === '_' && !/[\p{L}\p{N}*~]/u.test(after)) return false;
  return !((sign === '*' || sign === '_') && isWord(before));
}

/** Ends the mark at `level`; those that were opened inside and not closed are text after all. */
function close(stack: Open[], level: number): void {
  while (stack.length - 1 > level) unmark(stack);
  const ended = stack.pop();
  if (!ended?.mark) return;
  if (ended.children.length === 0) stack.at(-1)?.children.push(ended.mark, ended.mark);
  else stack.at(-1)?.children.push({ kind: kinds[ended.mark], children: ended.children });
}

function unmark(stack: Open[]): void {
  const open = stack.pop();
  if (open?.mark) stack.at(-1)?.children.push(open.mark, ...open.children);
}

/** A letter or digit of a script that puts spaces between words: between Han characters a star may well be a mark. */
function isWord(c: string | undefined): boolean {
  return (
    c !== undefined && /[\p{L}\p{N}_]/u.test(c) && !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(c)
  );
}

function mentionPattern(mentions: readonly Mention[]): RegExp | undefined {
  // The longest first: "@Ann Lee" is not "@Ann".
  const names = [...new Set(mentions.map((m) => m.name).filter(Boolean))].sort((a, b) => b.length - a.length);
  if (names.length === 0) return undefined;
  return new RegExp(`@(?:${names.map((n) => n.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|')})`, 'gu');
}

/** The uids of those whose names stand behind an `@` in a text. Of two with one name, the one that was `chosen`. */
export function mentionsIn(text: string, people: readonly Mention[], chosen: ReadonlyMap<string, string>): string[] {
  const known = people.map((p) => ({ name: p.name, uid: chosen.get(p.name) ?? p.uid }));
  const found = new Set<string>();
  const walk = (parts: readonly Inline[]) => {
    for (const part of parts) {
      if (typeof part === 'string') continue;
      if (part.kind === 'mention') found.add(part.uid);
      else if ('children' in part) walk(part.children);
    }
  };
  for (const block of parse(text, known)) if (block.kind !== 'code') walk(block.children);
  return [...found];
}

const oneEmoji =
  '(?:\\p{RI}\\p{RI}|[0-9#*]\\uFE0F?\\u20E3|(?:\\p{Emoji_Presentation}|\\p{Extended_Pictographic}\\uFE0F?)\\p{Emoji_Modifier}?[\\u{E0020}-\\u{E007F}]*(?:\\u200D\\p{Extended_Pictographic}\\uFE0F?\\p{Emoji_Modifier}?)*)';
const emojiOnly = new RegExp(`^(?:${oneEmoji}\\s*){1,5}$`, 'u');

/** Nothing but a few emoji: they are shown big. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 200 && emojiOnly.test(text);
}
