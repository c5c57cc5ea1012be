import { computed, effect, signal } from '@preact/signals';
import { recall, remember } from './remember';
import { en, type Texts } from './text/en';
import { zh } from './text/zh';

export type Language = 'en' | 'zh';
export type Theme = 'system' | 'light' | 'dark';

export const languages: Record<Language, Texts> = { en, zh };

function firstLanguage(): Language {
  const kept = recall('language');
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.languages
    .find((l) => /^(en|zh)\b/i.test(l))
    ?.toLowerCase()
    .startsWith('zh')
    ? 'zh'
    : 'en';
}

function firstTheme(): Theme {
  const kept = recall('theme');
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

export const textSizes = ['small', 'normal', 'large', 'huge'] as const;
export type TextSize = (typeof textSizes)[number];

function firstTextSize(): TextSize {
  return textSizes.find((size) => size === recall('text-size')) ?? 'normal';
}

export const textSize = signal<TextSize>(firstTextSize());
export const language = signal<Language>(firstLanguage());
export const theme = signal<Theme>(firstTheme());

/** The texts in the chosen language: read `t.value` while rendering and the view follows a change of language. */
export const t = computed<Texts>(() => languages[language.value]);

effect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
  remember('language', language.value);
});

effect(() => {
  if (theme.value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  remember('theme', theme.value);
});

effect(() => {
  document.documentElement.dataset.size = textSize.value;
  remember('text-size', textSize.value);
});
