import { beforeEach, expect, test, vi } from 'vitest';

/** What the browser remembers. */
const kept = new Map<string, string>();
/** How often the texts of each language were asked for; those in `missing` do not come. */
const asked: string[] = [];
const missing = new Map<string, number>();

function texts(l: 'en' | 'zh') {
  asked.push(l);
  const times = missing.get(l) ?? 0;
  missing.set(l, times - 1);
  if (times > 0) throw new Error('no network');
  return { [l]: { name: l } };
}

/** What the page hears of other tabs. */
let tabs: EventTarget;

/** Another tab chooses. */
function elsewhere(key: string, value: string): void {
  kept.set(key, value);
  tabs.dispatchEvent(Object.assign(new Event('storage'), { key, newValue: value }));
}

beforeEach(() => {
  tabs = new EventTarget();
  vi.stubGlobal('addEventListener', tabs.addEventListener.bind(tabs));
  vi.resetModules();
  vi.doMock('./text/en', () => texts('en'));
  vi.doMock('./text/zh', () => texts('zh'));
  vi.stubGlobal('navigator', { languages: ['zh-CN'] });
  vi.stubGlobal('document', { documentElement: { dataset: {} } });
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
  kept.clear();
  missing.clear();
  asked.length = 0;
});

test('texts that do not come at first are asked for again', async () => {
  missing.set('zh', 1);
  const { ready, t, language } = await import('./prefs');
  await ready;
  expect(t.value).toEqual({ name: 'zh' });
  expect(language.value).toBe('zh');
  expect(asked).toEqual(['zh', 'zh']);
});

test('the other language is better than an empty page, and is not remembered', async () => {
  missing.set('zh', 9);
  const { ready, t, language } = await import('./prefs');
  await ready;
  expect(t.value).toEqual({ name: 'en' });
  expect(language.value).toBe('en');
  expect(kept.get('magpie.language')).toBe('zh');
});

test('a page hears that there are no texts at all', async () => {
  missing.set('zh', 9).set('en', 9);
  const { ready } = await import('./prefs');
  await expect(ready).rejects.toThrow();
});

test('a language that does not come leaves the one that is there', async () => {
  missing.set('en', 1);
  const { ready, speak, t, language } = await import('./prefs');
  await ready;
  await expect(speak('en')).rejects.toThrow();
  expect(language.value).toBe('zh');
  await speak('zh');
  await speak('en');
  expect(t.value).toEqual({ name: 'en' });
  expect(kept.get('magpie.language')).toBe('en');
});

test('whoever asks for another language meanwhile is never left without words', async () => {
  missing.set('en', 9);
  const { ready, speak, t } = await import('./prefs');
  await speak('en').catch(() => ready); // as a panel whose host speaks English does
  expect(t.value).toEqual({ name: 'zh' });
});

test('what is chosen in another tab holds here', async () => {
  const { ready, t, language, theme, textSize } = await import('./prefs');
  await ready;
  elsewhere('magpie.theme', 'dark');
  elsewhere('magpie.text-size', 'huge');
  elsewhere('magpie.language', 'en');
  expect([theme.value, textSize.value]).toEqual(['dark', 'huge']);
  await vi.waitFor(() => expect(t.value).toEqual({ name: 'en' }));
  expect(language.value).toBe('en');
  expect(document.documentElement.dataset).toMatchObject({ theme: 'dark', size: 'huge' });
  elsewhere('magpie.theme', 'system');
  expect(theme.value).toBe('system');
});
