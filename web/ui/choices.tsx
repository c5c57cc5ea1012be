import type { ComponentChildren } from 'preact';
import { Segments } from './field';
import { type Language, language, speak, type Theme, t, theme } from './prefs';
import { languages } from './text/languages';
import { toast } from './toast';

export function LanguageChoice() {
  const options = (Object.keys(languages) as Language[]).map((l): [Language, ComponentChildren] => [
    l,
    <span lang={l === 'zh' ? 'zh-CN' : 'en'}>{languages[l].name}</span>,
  ]);
  return (
    <Segments
      label={t.value.settings.language}
      value={language.value}
      options={options}
      onChange={(l) => {
        speak(l).catch(() => toast(t.peek().problem.network));
      }}
    />
  );
}

export function ThemeChoice() {
  const text = t.value.settings;
  const options: [Theme, string][] = [
    ['system', text.themeSystem],
    ['light', text.themeLight],
    ['dark', text.themeDark],
  ];
  return (
    <Segments
      label={text.theme}
      value={theme.value}
      options={options}
      onChange={(one) => {
        theme.value = one;
      }}
    />
  );
}
