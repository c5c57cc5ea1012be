import { batch, effect, type ReadonlySignal, signal } from '@preact/signals';
import { recall, remember } from './remember';
import type { Texts } from './text/en';
import type { languages } from './text/languages';

export type Language = keyof typeof languages;
export type Theme = 'system' | 'light' | 'dark';

const load: Record<Language, () => Promise<Texts>> = {
  en: async () => (await import('./text/en')).en,
  zh: async () => (await import('./text/zh')).zh,
};

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
const chosen = signal<Language>(firstLanguage());
const texts = signal({} as Texts);
let wanted: Language;

export const language: ReadonlySignal<Language> = chosen;

/** The texts in the chosen language: read `t.value` while rendering and the view follows a change of language. */
export const t: ReadonlySignal<Texts> = texts;

/** A page loads the texts of its language alone, and shows nothing before they are there. */
export const ready = speak(chosen.peek());

/** Changes the language, as soon as its texts are there. Rejects when they can't be loaded. */
export async function speak(l: Language): Promise<void> {
  wanted = l;
  const its = await load[l]();
  if (wanted !== l) return; // changed again meanwhile
  batch(() => {
    chosen.value = l;
    texts.value = its;
  });
}

export const theme = signal<Theme>(firstTheme());

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
