// How each page of ours begins.

import { ready } from './prefs';

/** Has a page drawn once its texts are there. Without them it says so in both languages, as nothing else could. */
export function openPage(draw: (root: HTMLElement) => void): void {
  const root = document.getElementById('app') as HTMLElement;
  ready.then(
    () => draw(root),
    () => root.replaceChildren(apology()),
  );
}

function apology(): HTMLElement {
  const box = document.createElement('div');
  box.className = 'empty';
  box.role = 'alert';
  for (const [lang, words] of [
    ['en', 'The page could not be loaded.'],
    ['zh-CN', '页面未能加载。'],
  ] as const) {
    const line = document.createElement('p');
    line.lang = lang;
    line.textContent = words;
    box.append(line);
  }
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button';
  button.textContent = 'Reload · 重新加载';
  button.onclick = () => location.reload();
  box.append(button);
  return box;
}
