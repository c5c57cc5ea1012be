import { afterEach, describe, expect, test, vi } from 'vitest';
import { clicked, type Page } from './clicked';
import { notify, onNotified } from './notify';

const notice = { title: 'Bob', body: 'hello', tag: 'u:bob', path: '/c/u:bob' };

/** What the browser shows by a page's own. */
class Own {
  static shown: Own[] = [];
  onclick?: () => void;
  close = vi.fn();
  constructor(
    readonly title: string,
    readonly options: object,
  ) {
    Own.shown.push(this);
  }
}

afterEach(() => {
  vi.unstubAllGlobals();
  Own.shown = [];
});

function stub(showNotification?: () => Promise<void>) {
  const registration = showNotification && { active: {}, showNotification };
  const workers = Object.assign(new EventTarget(), { getRegistration: async () => registration });
  vi.stubGlobal('navigator', { serviceWorker: workers });
  vi.stubGlobal('Notification', Own);
  vi.stubGlobal('focus', vi.fn());
  return workers;
}

describe('a notification', () => {
  test('is shown by the worker, which knows what a click opens', async () => {
    const show = vi.fn(async () => {});
    stub(show);
    await notify({ ...notice, icon: '/i.png' }, () => {});
    expect(show).toHaveBeenCalledWith('Bob', {
      body: 'hello',
      tag: 'u:bob',
      silent: true,
      icon: '/i.png',
      data: { path: '/c/u:bob' },
    });
    expect(Own.shown).toEqual([]);
  });

  test.each([
    ['there is no worker', undefined],
    ['the worker may not', () => Promise.reject(new TypeError('No notification permission'))],
  ])('is shown by the page where %s', async (_, show) => {
    stub(show);
    const open = vi.fn();
    await notify(notice, open);
    expect(Own.shown).toMatchObject([{ title: 'Bob', options: { body: 'hello', tag: 'u:bob' } }]);
    Own.shown[0]?.onclick?.();
    expect(open).toHaveBeenCalledWith('/c/u:bob');
    expect(Own.shown[0]?.close).toHaveBeenCalled();
  });

  test('that nobody may show does no harm', async () => {
    stub();
    vi.stubGlobal('Notification', undefined);
    await expect(notify(notice, () => {})).resolves.toBeUndefined();
    vi.stubGlobal('navigator', {}); // a page that came over plain HTTP
    await expect(notify(notice, () => {})).resolves.toBeUndefined();
    expect(() => onNotified(() => {})).not.toThrow();
  });

  test('that was clicked opens its conversation in the page that is told', () => {
    const workers = stub();
    const open = vi.fn();
    onNotified(open);
    for (const data of [{ shell: [] }, { open: 7 }, { open: '/c/u:bob' }])
      workers.dispatchEvent(new MessageEvent('message', { data }));
    expect(open.mock.calls).toEqual([['/c/u:bob']]);
  });
});

describe('a click', () => {
  const page = (path: string, visibilityState = 'hidden') => ({
    url: `https://chat.test${path}`,
    visibilityState,
    focus: vi.fn(async () => {}),
    postMessage: vi.fn(),
  });
  async function click(pages: Page[], path: unknown = '/c/u:bob') {
    const openWindow = vi.fn(async () => {});
    await clicked(path, { matchAll: async () => pages, openWindow });
    return openWindow;
  }

  test('goes to the page that shows the conversation, or else to one in sight, or else to any', async () => {
    const [first, seen, shows] = [page('/'), page('/people', 'visible'), page('/c/u:bob')];
    await click([first, seen, shows]);
    await click([first, seen]);
    await click([first]);
    for (const one of [first, seen, shows]) {
      expect(one.postMessage.mock.calls).toEqual([[{ open: '/c/u:bob' }]]);
      expect(one.focus).toHaveBeenCalledTimes(1);
    }
  });

  test('opens a new page where there is none of the app', async () => {
    expect(await click([])).toHaveBeenCalledWith('/c/u:bob');
    const other = page('/admin/people', 'visible');
    expect(await click([other])).toHaveBeenCalledWith('/c/u:bob');
    expect(other.postMessage).not.toHaveBeenCalled();
  });

  test('is told although the page may not be brought to the front', async () => {
    const one = page('/');
    one.focus.mockRejectedValue(new DOMException('no', 'InvalidAccessError'));
    await click([one]);
    expect(one.postMessage).toHaveBeenCalled();
  });

  test.each([null, 7, 'https://evil.example/', '//evil.example/'])(
    'on something else (%s) opens nothing',
    async (path) => {
      expect(await click([], path)).not.toHaveBeenCalled();
    },
  );
});
