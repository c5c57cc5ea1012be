import { expect, test } from 'vitest';
import { mergeThemes, onColour, readTheme } from './theme';

test('what is allowed comes through', () => {
  const theme = {
    mode: 'dark',
    colors: { accent: '#0a6', onAccent: '#FFFFFF', own: { light: '#dff', dark: '#123456' } },
    radius: 0,
    font: '"Segoe UI", Arial, sans-serif',
    position: 'start',
    zIndex: 10,
  };
  expect(readTheme(theme)).toEqual(theme);
  expect(readTheme('light')).toEqual({ mode: 'light' });
  expect(readTheme(undefined)).toEqual({});
  expect(readTheme({ mode: undefined, colors: undefined })).toEqual({});
});

test.each([
  ['mode', { mode: 'sepia' }],
  ['colors.accent', { colors: { accent: 'red' } }],
  ['colors.accent', { colors: { accent: '#12345' } }],
  ['colors.accent', { colors: { accent: '#fff;background:url(//evil)' } }],
  ['colors.accent', { colors: { accent: { light: '#fff' } } }],
  ['colors.accent', { colors: { accent: 7 } }],
  ['colors.border', { colors: { border: '#fff' } }],
  ['radius', { radius: '4px' }],
  ['radius', { radius: 25 }],
  ['radius', { radius: -1 }],
  ['radius', { radius: Number.NaN }],
  ['font', { font: 'x; } * { display: none' }],
  ['font', { font: 'url(//evil/font)' }],
  ['font', { font: '"Half' }],
  ['font', { font: 'a'.repeat(500) }],
  ['position', { position: 'top' }],
  ['zIndex', { zIndex: 0 }],
  ['zIndex', { zIndex: 1e12 }],
  ['css', { css: '*{}' }],
  ['mode', 'purple'],
])('%s that is not allowed is named', (key, theme) => {
  expect(() => readTheme(theme)).toThrow(`theme.${key} can't be`);
});

test('a later theme changes what it names', () => {
  const before = { mode: 'dark', colors: { accent: '#000', ink: '#111' }, radius: 3 } as const;
  expect(mergeThemes(before, { colors: { accent: '#fff' } })).toEqual({
    mode: 'dark',
    colors: { accent: '#fff', ink: '#111' },
    radius: 3,
  });
});

test('words on a colour can be read', () => {
  expect(onColour('#0a6c82')).toBe('light-dark(#fff,#fff)');
  expect(onColour('#ffe066')).toBe('light-dark(#000,#000)');
  expect(onColour('#fff')).toBe('light-dark(#000,#000)');
  expect(onColour({ light: '#000', dark: '#fff' })).toBe('light-dark(#fff,#000)');
});
