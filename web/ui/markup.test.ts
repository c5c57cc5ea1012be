import { describe, expect, test } from 'vitest';
import { type Inline, isEmojiOnly, mentionsIn, parse, plain } from './markup';

/** The tree in brackets: `b(bold) i(slanted) s(struck) c(code) a(link) @(name)`; blocks between bars. */
function tree(text: string, people: [uid: string, name: string][] = []): string {
  const short = { strong: 'b', em: 'i', del: 's' };
  const show = (part: Inline): string => {
    if (typeof part === 'string') return part;
    if ('children' in part) return `${short[part.kind]}(${part.children.map(show).join('')})`;
    if (part.kind === 'mention') return `@(${part.uid})`;
    return `${part.kind === 'code' ? 'c' : 'a'}(${part.text})`;
  };
  return parse(
    text,
    people.map(([uid, name]) => ({ uid, name })),
  )
    .map((b) =>
      b.kind === 'code' ? `C|${b.text}` : `${b.kind === 'quote' ? 'Q' : 'T'}|${b.children.map(show).join('')}`,
    )
    .join('|');
}

describe('marks', () => {
  test.each([
    ['a **bold** word', 'T|a b(bold) word'],
    ['*slanted*, ~~struck~~', 'T|i(slanted), s(struck)'],
    ['_slanted_, (_too_) and 这是_强调_吗', 'T|i(slanted), (i(too)) and 这是i(强调)吗'],
    ['**a *b* c**', 'T|b(a i(b) c)'],
    ['这是**重点**内容和*强调*吗', 'T|这是b(重点)内容和i(强调)吗'],
    ['`a *b*` and ``` x ```', 'T|c(a *b*) and c( x )'],
    ['**https://example.org/a*b*c**', 'T|b(a(https://example.org/a*b*c))'],
    ['see https://example.org/~~x~~y', 'T|see a(https://example.org/~~x~~y)'],
    ['one\ntwo *three*', 'T|one\ntwo i(three)'],
    ['> so\n> it *was*\nyes', 'Q|so\nit i(was)|T|yes'],
    ['before\n```ts\nlet a = `*x*`;\n```\nafter', 'T|before|C|let a = `*x*`;|T|after'],
    ['```\na\n```\n```\nb\n```', 'C|a|C|b'],
  ])('%s', (text, as) => {
    expect(tree(text)).toBe(as);
  });

  test.each([
    '2*3*4 = 24',
    'a * b * c',
    '** not bold **',
    '*open',
    '**',
    '****',
    '***',
    '~~~',
    'snake_case_name and __init__',
    'a_b_ and _c_d',
    '¯\\_(ツ)_/¯',
    '>_<',
    '```\nnever closed',
    '<b>not HTML</b> &amp;',
    '*a\nb*',
    '`',
  ])('%s stays as written', (text) => {
    expect(tree(text)).toBe(`T|${text}`);
  });

  test('what was opened inside and not closed is text', () => {
    expect(tree('**a ~~b** c~~')).toBe('T|b(a ~~b) c~~');
  });

  test('16,384 characters of marks are read in one go, and nothing is lost', () => {
    for (const piece of ['*a', '**a', '~~a ', '`', '``', '```\n', '> ', '@a', '*a ~~b **c ', 'a*b ']) {
      const text = piece.repeat(Math.ceil(16384 / piece.length));
      const length = plain(parse(text, [{ uid: 'a', name: 'a' }]).length ? text : '').length;
      expect(length).toBeLessThanOrEqual(text.length);
    }
  });

  test('a list shows the words alone', () => {
    expect(plain('> **so**\n```\ncode\n```\n`x`   ~~y~~')).toBe('so code x y');
  });
});

describe('mentions', () => {
  const people: [string, string][] = [
    ['ann', 'Ann'],
    ['lee', 'Ann Lee'],
    ['w', '王伟'],
    ['odd', 'a.*(b'],
    ['*', 'all'],
  ];

  test.each([
    ['hi @Ann Lee and @Ann!', 'T|hi @(lee) and @(ann)!'],
    ['请@王伟看看', 'T|请@(w)看看'],
    ['**@Ann**', 'T|b(@(ann))'],
    ['@all', 'T|@(*)'],
    ['@a.*(b here', 'T|@(odd) here'],
    ['mail@Ann', 'T|mail@Ann'],
    ['`@Ann`', 'T|c(@Ann)'],
    ['@Nobody', 'T|@Nobody'],
  ])('%s', (text, as) => {
    expect(tree(text, people)).toBe(as);
  });

  test('who is mentioned is read from the text, each once', () => {
    const known = people.map(([uid, name]) => ({ uid, name }));
    expect(mentionsIn('@Ann, **@Ann Lee** and @Ann; not `@王伟`', known, new Map())).toEqual(['ann', 'lee']);
  });

  test('of two with one name it is the one that was chosen', () => {
    const two = [
      { uid: 'a', name: 'Sam' },
      { uid: 'b', name: 'Sam' },
    ];
    expect(mentionsIn('@Sam', two, new Map([['Sam', 'b']]))).toEqual(['b']);
    expect(mentionsIn('@Sam', two, new Map())).toEqual(['a']);
  });
});

describe('emoji alone', () => {
  test.each(['👍', '👍🏽', '❤️', '👩‍👩‍👧‍👦', '🇨🇳', '1️⃣', '😀 😀', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '☕'])('%s is big', (text) => {
    expect(isEmojiOnly(text)).toBe(true);
  });
  test.each(['', 'a', '1', '12', '👍 ok', '#', '*', '😀'.repeat(6), '你好', '😀'.repeat(8000)])('%# is not', (text) => {
    expect(isEmojiOnly(text)).toBe(false);
  });
});
