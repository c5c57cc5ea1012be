import { batch, effect, type ReadonlySignal, signal } from '@preact/signals';
import { followed, recall, remember } from './remember';
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
const none = {} as Texts;
const texts = signal(none);
let wanted = chosen.peek();

export const language: ReadonlySignal<Language> = chosen;

/** The texts in the chosen language: read `t.value` while rendering and the view follows a change of language. */
export const t: ReadonlySignal<Texts> = texts;

/** A page loads the texts of its language alone, and shows nothing before they are there. Rejects when none can be loaded. */
export const ready = begin(chosen.peek());

/** A second try, and then the other language: better than an empty page. What the person has chosen stays remembered. */
async function begin(l: Language): Promise<void> {
  const other = l === 'zh' ? 'en' : 'zh';
  await bring(l)
    .catch(() => bring(l))
    .catch(async () => {
      await bring(other);
      remember('language', l);
    });
}

/** Changes the language, as soon as its texts are there. Rejects when they can't be loaded. */
export async function speak(l: Language): Promise<void> {
  wanted = l;
  try {
    await bring(l);
  } catch (e) {
    if (wanted === l) wanted = chosen.peek();
    throw e;
  }
}

async function bring(l: Language): Promise<void> {
  const its = await load[l]();
  if (wanted !== l && texts.peek() !== none) return; // changed again meanwhile; but any words are better than none
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

// What is chosen in one tab holds in all.
followed('language', () => void speak(firstLanguage()).catch(() => {})); // the one that is there stays
followed('theme', () => {
  theme.value = firstTheme();
});
followed('text-size', () => {
  textSize.value = firstTextSize();
});
