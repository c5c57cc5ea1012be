import { expect, test } from 'vitest';
import { emojiOf, findEmoji } from './emoji-words';

test.each([
  ['dumpling', '🥟'],
  ['Party', '🥳'],
  ['thank', '🙏'],
  ['饺子', '🥟'],
  ['赞', '👍'],
  ['红包', '🧧'],
  ['火', '🔥'],
])('%s finds %s', (query, emoji) => {
  expect(findEmoji(query)).toContain(emoji);
});

test('a whole word comes before one that only begins so', () => {
  expect(findEmoji('cat')[0]).toBe('🐱');
});

test('nonsense finds nothing', () => {
  expect(findEmoji('zzzz')).toEqual([]);
});

test('each picture stands there once, and has a name in both languages but for those that are letters', () => {
  const all = Object.values(emojiOf).flat();
  expect(new Set(all.map((e) => e.emoji)).size).toBe(all.length);
  for (const { emoji, words } of all) {
    expect(
      words.some((w) => /^[a-z]+$/.test(w)),
      emoji,
    ).toBe(true);
    if (emoji !== '🆗')
      expect(
        words.some((w) => /\p{Script=Han}/u.test(w)),
        emoji,
      ).toBe(true);
  }
});
