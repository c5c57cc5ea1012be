// The chat in another system's page: another site, third-party cookies blocked, a policy that allows little, a page that means no good.

import AxeBuilder from '@axe-core/playwright';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { doubt } from '../../web/core/hosted';
import { Server } from '../server';
import { picture } from './files';
import { app, HostPage } from './host-page';
import { counting, listening, withoutTimers } from './in-page';
import { Line } from './line';
import { launch, Person } from './person';

let server: Server;
let host: HostPage;
let browser: Browser;
let page: Page;
let errors: string[];

beforeAll(async () => {
  browser = await launch('--test-third-party-cookie-phaseout');
});
afterAll(() => browser?.close());
// Each attempt has a server and a host of its own: it finds nothing that another left.
beforeEach(async () => {
  errors = [];
  server = await Server.start('--limit-login-rate', '0');
  host = await HostPage.start(server);
  host.csp = `default-src 'none'; connect-src 'self'; script-src ${server.http}; frame-src ${server.http}; require-trusted-types-for 'script'`;
});
afterEach(async () => {
  await page?.context().close();
  host?.stop();
  await server?.stop();
  expect(errors).toEqual([]);
});

/** Opens the host's page. before: runs in it before anything of its own. */
async function visit(o: { phone?: boolean; before?: () => void; withoutTimers?: number } = {}): Promise<Page> {
  const context = await browser.newContext({
    locale: 'en-GB',
    viewport: o.phone ? { width: 390, height: 780 } : { width: 1100, height: 800 },
  });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (e) => errors.push(String(e.stack ?? e)));
  page.on('console', (m) => {
    if (/Content Security Policy|Refused to|TrustedScript/.test(m.text())) errors.push(m.text());
  });
  if (o.before) await page.addInitScript(o.before);
  if (o.withoutTimers) await page.addInitScript(withoutTimers, o.withoutTimers);
  await page.goto(host.origin);
  return page;
}

/** `Magpie(…)` in the page; a refusal comes as its message. */
function magpie(...call: unknown[]): Promise<unknown> {
  return page.evaluate(
    (call) =>
      (window as unknown as { Magpie: (...a: unknown[]) => Promise<unknown> }).Magpie(...call).catch((e) => e.message),
    call,
  );
}

/** The iframe of the bubble, or of an element; when it shows something. */
async function panel(at = 0): Promise<Frame> {
  const panels = () => page.frames().filter((f) => f.url().includes('/embed/v1/panel'));
  await expect.poll(() => panels().length).toBeGreaterThan(at);
  const frame = panels()[at] as Frame;
  await frame.locator('.shell:not([aria-busy])').waitFor();
  return frame;
}

/** Waits until a panel shows something; panels come and go meanwhile. */
async function shown(what: string, hasText: string): Promise<void> {
  const count = (f: Frame) =>
    f
      .locator(what, { hasText })
      .filter({ visible: true })
      .count()
      .catch(() => 0);
  await expect.poll(async () => Math.max(...(await Promise.all(page.frames().map(count))))).toBeGreaterThan(0);
}

/** Where a panel stands in the page; it moves while it opens. */
async function boxOf(chat: Frame) {
  return (await chat.frameElement()).boundingBox();
}

/** What a screen reader is told of the page around the panel: `button "Open the chat"`. */
async function told(): Promise<string[]> {
  const cdp = await page.context().newCDPSession(page);
  const { nodes } = await cdp.send('Accessibility.getFullAXTree');
  await cdp.detach();
  return nodes.filter((n) => !n.ignored).map((n) => `${n.role?.value} "${n.name?.value ?? ''}"`);
}

const bubble = { desktop: [1100 - 48, 800 - 48], left: [48, 800 - 48] } as const;

/** What the page has been told by events since it asked to be. */
function events(): Promise<string[]> {
  return page.evaluate(() => (window as unknown as { heard: string[] }).heard);
}

test('one tag: a bubble that counts, a panel that is signed in, messages and files both ways', async () => {
  host.attributes = `data-app="${app}" data-token-url="/im-token"`;
  await visit({ before: listening });
  await expect.poll(events).toContain('ready {"user":"alice"}');
  await expect.poll(() => magpie('unread')).toBeGreaterThan(0);
  const unread = Number(await magpie('unread'));
  await expect.poll(events).toContain(`unread ${unread}`);
  await expect.poll(told).toContain(`button "Open the chat, ${unread} unread messages"`);

  // By the keyboard alone.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const chat = await panel();
  await expect.poll(told).toContain('dialog "Chat"');
  await expect.poll(events).toContain('open ""');
  await chat.locator('.conversation', { hasText: 'Bob Tanaka' }).click();
  const composer = chat.locator('.composer-input');
  await composer.fill('from the office');
  await composer.press('Enter');
  await chat.locator('.message', { hasText: 'from the office' }).locator('.mark[aria-label="Sent"]').waitFor();

  // Somebody answers in the app, with a picture: it comes as a message, an event, and as bytes without a cookie.
  const bob = await Person.open(browser, server);
  await bob.signIn('bob');
  await bob.openChat('Alice Moreau');
  await bob.message('from the office').waitFor();
  await bob.page
    .locator('input[type=file]')
    .first()
    .setInputFiles([await picture(bob.page, 'view.png')]);
  await bob.page.getByRole('button', { name: 'Send', exact: true }).click();
  const shot = chat.locator('.shot img').last();
  await shot.waitFor();
  expect(await shot.getAttribute('src')).toMatch(/^blob:/);
  await expect.poll(() => shot.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBeGreaterThan(0);
  await expect
    .poll(async () => (await events()).find((e) => e.startsWith('message')))
    .toMatch(/"chat":{"user":"bob"}.*"from":"bob"/);
  expect((await events()).join()).not.toContain('view.png');
  await bob.close();
  // It is saved by its name, and seen at full size.
  await chat.locator('.shot-open').last().click();
  await chat.locator('.lightbox-stage.here img').waitFor();
  const saving = page.waitForEvent('download');
  await chat.getByRole('button', { name: /^Download/ }).click();
  expect((await saving).suggestedFilename()).toBe('view.png');
  await page.keyboard.press('Escape');
  await chat.locator('.lightbox').waitFor({ state: 'detached' });

  // Nothing is kept in the browser, nothing of the panel stands in the host's history, and Esc closes the panel.
  expect(await page.context().cookies()).toEqual([]);
  const kept = await chat.evaluate(async () => {
    const count = async (f: () => Promise<number> | number) => {
      try {
        return await f();
      } catch {
        return 0; // blocked by the browser
      }
    };
    return [
      await count(() => localStorage.length),
      await count(() => sessionStorage.length),
      await count(async () => (await indexedDB.databases()).length),
      await count(async () => (await navigator.serviceWorker.getRegistrations()).length),
    ];
  });
  expect(kept).toEqual([0, 0, 0, 0]);
  expect(await page.evaluate(() => history.length)).toBe(2); // about:blank and the page
  expect(chat.url()).toBe(`${server.http}/embed/v1/panel?app=${app}`);
  await composer.press('Escape');
  await expect.poll(events).toContain('close ""');
  expect(await page.evaluate(() => document.activeElement?.localName)).toBe('magpie-launcher');
});

/** Notes when the first conversation shows. */
function watching(): void {
  const see = new MutationObserver(() => {
    if (!document.querySelector('.conversation')) return;
    see.disconnect();
    (window as unknown as { shownAt: number }).shownAt = performance.now();
  });
  see.observe(document, { childList: true, subtree: true });
}

test('until the conversations show, at most 120 kB come; a second opening asks for nothing', async () => {
  const line = await Line.lay(server.http);
  try {
    host.from = line.http;
    host.csp = '';
    host.attributes = `data-app="${app}" data-token-url="/im-token" data-open`;
    await visit({ before: watching });
    const chat = await panel();
    await chat.locator('.conversation').first().waitFor();
    const came = await chat.evaluate(() => {
      const { shownAt } = window as unknown as { shownAt: number };
      const of = (type: string) => performance.getEntriesByType(type) as PerformanceResourceTiming[];
      const before = [...of('navigation'), ...of('resource')].filter((e) => e.startTime < shownAt);
      return before.reduce((sum, e) => sum + e.transferSize, 0);
    });
    expect(came).toBeGreaterThan(50_000);
    expect(came).toBeLessThanOrEqual(120_000);
    await magpie('hide');
    line.hold();
    await magpie('show');
    await chat.locator('.conversation').first().waitFor();
    expect(await magpie('unread')).toBeGreaterThan(0);
  } finally {
    line.close();
  }
});

test('a page whose styles and globals mean no good changes nothing, and nothing of ours reaches it', async () => {
  host.attributes = `data-app="${app}" data-token-url="/im-token"`;
  host.csp = '';
  host.head = `<style>
    * { all: unset !important; display: none !important; color: lime !important; font: 40px fantasy !important; position: static !important; z-index: -1 !important; }
    html, body, h1, magpie-launcher { display: block !important; } body { transform: scale(0.5); filter: blur(2px); }
    magpie-launcher { opacity: 0.1 !important; inset: 0 !important; width: 10px !important; --mp-accent: red !important; }
    iframe { border: 9px solid red !important; }
  </style><script>
    window.before = Object.keys(window);
    Array.prototype.extra = 1; Object.prototype.surprise = 1;
    document.querySelector = () => { throw new Error('not yours'); };
  </script>`;
  await visit();
  await page.waitForFunction(() => 'Magpie' in window);
  await magpie('show');
  const chat = await panel();
  await chat.locator('.conversation').first().waitFor();
  await expect.poll(() => boxOf(chat)).toEqual({ x: 680, y: 52, width: 400, height: 660 });
  const style = await chat
    .locator('.conversation')
    .first()
    .evaluate((el) => {
      const { display, color, fontSize } = getComputedStyle(el);
      return { display, color, fontSize };
    });
  expect(style).toMatchObject({ display: 'flex', fontSize: '15px' });
  expect(style.color).not.toBe('rgb(0, 255, 0)');
  await page.mouse.click(...bubble.desktop);
  await expect.poll(told).toContainEqual(expect.stringMatching(/^button "Open the chat/));

  const ours = await page.evaluate(() => {
    const w = window as unknown as { before: string[] };
    return {
      globals: Object.keys(window).filter((k) => !w.before.includes(k) && k !== 'before' && k !== 'surprise'),
      styles: document.styleSheets.length + document.adoptedStyleSheets.length,
      attributes: [...document.documentElement.attributes, ...(document.body?.attributes ?? [])].map((a) => a.name),
      closed: document.documentElement.lastElementChild?.shadowRoot === null,
    };
  });
  expect(ours).toEqual({ globals: ['Magpie'], styles: 1, attributes: ['lang'], closed: true });
});

test('destroy leaves nothing, and boot works again', async () => {
  host.body = '<h1>Office</h1><magpie-chat chat="group:launch"></magpie-chat>';
  await visit({ before: counting });
  const { access_token } = await server.login('alice');
  const connections = async () => {
    const { items } = await server.call<{ items: { terminal: string }[] }>(
      'GET',
      '/admin/sessions?uid=alice',
      access_token,
    );
    return items.filter((s) => s.terminal === 'widget').length;
  };
  // Those of the tests before go with their pages.
  await expect.poll(connections).toBe(0);
  await page.waitForFunction(() => 'Magpie' in window);
  await page.evaluate(() => {
    const w = window as unknown as { Magpie: unknown; kept: unknown };
    w.kept = w.Magpie;
  });
  const left = () => page.evaluate(() => (window as unknown as { left: () => string[] }).left());
  const clean = (await left()).filter((one) => one !== 'Magpie');

  const options = { app, tokenUrl: '/im-token' };
  for (let round = 1; round <= 2; round++) {
    const booted = await page.evaluate(
      (o) =>
        (window as unknown as { kept: (...a: unknown[]) => Promise<unknown> }).kept('boot', o).then(() => 'booted'),
      options,
    );
    expect(booted).toBe('booted');
    expect(await magpie('boot', options)).toBe(undefined); // once more changes nothing
    await expect.poll(() => page.frames().length).toBe(3);
    await magpie('show');
    for (const at of [0, 1]) await (await panel(at)).locator('.shell').waitFor();
    await expect.poll(connections).toBe(2);
    expect((await left()).length).toBeGreaterThan(clean.length);
    await magpie('destroy');
    await expect.poll(() => page.frames().length).toBe(1);
    expect(await left()).toEqual(clean);
    await expect.poll(connections).toBe(0);
    const after = await page.evaluate(() =>
      (window as unknown as { kept: (...a: unknown[]) => Promise<unknown> }).kept('show').catch((e) => e.message),
    );
    expect(after).toMatch(/destroyed/);
  }
});

test('words that another frame forges are not heard', async () => {
  // The evil page is framed by the host, and does all it can: greets the panel, and answers as it.
  host.csp = '';
  host.attributes = `data-app="${app}" data-token-url="/im-token"`;
  const evil = await HostPage.plain(`<script>
    window.heard = [];
    window.tries = 0;
    setInterval(() => {
      tries++;
      for (let i = 0; i < top.frames.length; i++) {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = (e) => heard.push(e.data);
        port1.postMessage({ type: 'start', theme: {}, locale: 'en', inline: true, shown: true });
        top.frames[i].postMessage('magpie-port-1', '*', [port2]);
      }
      for (const type of ['close', 'here', 'account', 'unread']) top.postMessage({ type, unread: 99, user: 'mallory' }, '*');
    }, 20);
  </script>`);
  try {
    // Frames in shadow roots are out of its reach: so there is a panel that stands in the open, and that nobody has greeted.
    const open = `${server.http}/embed/v1/panel?app=${app}`;
    host.body = `<h1>Office</h1><iframe src="${open}"></iframe><iframe src="${evil.origin}"></iframe>`;
    await visit({ before: listening });
    await expect.poll(events).toContain('ready {"user":"alice"}');
    await magpie('show');
    const chat = await panel(1);
    await chat.locator('.conversation').first().waitFor();
    const forged = page.frames().find((f) => f.url().startsWith(evil.origin)) as Frame;
    const tries = () => forged.evaluate(() => (window as unknown as { tries: number }).tries);
    const before = await tries();
    await expect.poll(tries).toBeGreaterThan(before + 3);
    expect(await forged.evaluate(() => (window as unknown as { heard: unknown[] }).heard)).toEqual([]);
    // The page that frames it is heard, with the very same words.
    const answer = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = (e) => resolve(e.data);
          port1.postMessage({ type: 'start', theme: {}, locale: 'en', inline: true, shown: true });
          frames[0]?.postMessage('magpie-port-1', '*', [port2]);
        }),
    );
    expect(answer).toMatchObject({ type: expect.any(String) });
    // And heard anew, as a page is that is loaded in the middle of a greeting: the panel goes on by the newest port.
    const again = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          const wanted = new Set(['here', 'unread', 'account', 'done']);
          port1.onmessage = ({ data }) => {
            wanted.delete(data.type);
            if (wanted.size === 0) resolve('all');
          };
          port1.postMessage({ type: 'start', theme: {}, locale: 'en', inline: true, shown: true });
          port1.postMessage({ type: 'logout', id: 1 });
          frames[0]?.postMessage('magpie-port-1', '*', [port2]);
        }),
    );
    expect(again).toBe('all');
    expect((await events()).join()).not.toMatch(/99|mallory|close/);
    // A page whose origin the app does not allow can't even frame the panel.
    await page.goto(evil.origin);
    await page.evaluate(
      (src) => document.body.append(Object.assign(document.createElement('iframe'), { src })),
      `${server.http}/embed/v1/panel?app=${app}`,
    );
    await expect.poll(() => page.frames().some((f) => f.url().startsWith('chrome-error:'))).toBe(true);
    errors.length = 0; // it said so
  } finally {
    evil.stop();
  }
});

test('who is signed in follows the host: nobody, somebody else, out', async () => {
  host.user = undefined;
  host.attributes = `data-app="${app}" data-token-url="/im-token" data-open`;
  await visit({ before: listening, withoutTimers: doubt });
  await expect.poll(events).toContain('auth-expired ""');
  const frame = () => page.frames()[1] as Frame;
  await frame().getByText('You are signed out here.').waitFor();
  expect(host.asked).toBe(1); // and not again and again

  host.user = 'alice';
  await frame().getByRole('button', { name: 'Try again' }).click();
  await expect.poll(events).toContain('ready {"user":"alice"}');
  await frame().locator('.conversation', { hasText: 'Bob Tanaka' }).waitFor();
  // She begins to answer, and is gone: whoever comes next answers nothing.
  await magpie('openChat', { group: 'launch' });
  await frame().locator('.message').last().waitFor();
  await frame().locator('.composer-input').press('Control+ArrowUp');
  await frame().locator('.answer-bar').waitFor();
  await frame().locator('.composer-input').fill('half written');
  // Asked anew, and still her: all stands as it was, at every moment.
  await frame().evaluate(() => {
    const w = window as unknown as { gone: string[] };
    w.gone = [];
    new MutationObserver((all) => {
      for (const node of all.flatMap((one) => [...one.removedNodes]))
        if (node instanceof Element && (node.matches('.shell') || node.querySelector('.composer-input')))
          w.gone.push(node.className);
    }).observe(document, { childList: true, subtree: true });
  });
  const { asked } = host;
  expect(await magpie('identify')).toBe(undefined);
  expect(host.asked).toBe(asked + 1);
  expect(await frame().evaluate(() => (window as unknown as { gone: string[] }).gone)).toEqual([]);
  expect(await frame().locator('.composer-input').inputValue()).toBe('half written');
  await frame().locator('.answer-bar').waitFor();

  host.user = 'bob';
  expect(await magpie('identify')).toBe(undefined);
  await expect.poll(events).toContain('ready {"user":"bob"}');
  await frame().locator('.conversation', { hasText: 'Alice Moreau' }).waitFor({ state: 'attached' });
  await frame().locator('.message').last().waitFor();
  expect(await frame().locator('.answer-bar').count()).toBe(0);

  await magpie('logout');
  await frame().getByText('You are signed out of the chat.').waitFor();
  expect(await magpie('unread')).toBe(0);
  expect(await magpie('openChat', { user: 'alice', and: 'more' })).toBe(undefined);
  expect(await magpie('openChat', 'nonsense')).toMatch(/no conversation/);
  expect(await magpie('setTheme', { colors: { accent: 'red;}' } })).toMatch(/colors.accent/);
  await expect.poll(events).toContain('error "call"');
});

test('a page whose policy forbids the frame is told at once, and so is the person', async () => {
  host.csp = `default-src 'none'; connect-src 'self'; script-src ${server.http}`;
  host.attributes = `data-app="${app}" data-token-url="/im-token" data-open`;
  await visit({ before: listening });
  await expect.poll(events).toContain('error "panel"');
  await expect.poll(told).toContain('button "Try again"');
  expect(await magpie('boot', { app, tokenUrl: '/im-token' })).toMatch(/frame-src/);
  errors.length = 0; // the browser has said so too
});

test('the page is loaded before the panel begins, which a policy that only reports does not stop', async () => {
  await visit({ before: listening }); // no chat yet
  const loads: (() => Promise<void>)[] = [];
  await page.route('**/embed/v1/panel?*', (route) => {
    loads.push(() => route.continue());
  });
  host.reportOnly = "frame-src 'self'";
  host.attributes = `data-app="${app}" data-token-url="/im-token" data-open`;
  host.body = '<h1>Office</h1><magpie-chat chat="group:launch"></magpie-chat>';
  host.head = "<script>Magpie('identify')</script>";
  host.csp = '';
  await page.reload({ waitUntil: 'load' }); // though the panels do not come
  await expect.poll(() => loads.length).toBe(2);
  for (const come of loads) await come();
  await expect.poll(events).toContain('ready {"user":"alice"}');
  expect(await events()).not.toContain('error "panel"');
  expect(errors.splice(0).join()).toContain('report-only');
});

test.each(['late', 'in the place of another page', 'while it is loaded anew'])(
  'a panel that comes %s does what was asked of it, and stays; who has signed out meanwhile is not signed in',
  async (how) => {
    await visit({ before: listening }); // no chat yet
    const loads: ((page?: string) => Promise<void>)[] = [];
    await page.route('**/embed/v1/panel?*', (route) => {
      loads.push((other) => (other ? route.fulfill({ status: 503, body: other }) : route.continue()));
    });
    let scripts = 0;
    let run = () => {};
    const held = new Promise<void>((resolve) => {
      run = resolve;
    });
    await page.route('**/assets/embed-*.js', async (route) => {
      if (how.includes('anew') && ++scripts === 1) await held;
      await route.continue();
    });
    host.attributes = `data-app="${app}" data-token-url="/im-token"`;
    await page.reload({ waitUntil: 'commit' });
    await page.waitForFunction(() => (window as unknown as { Magpie: { q?: unknown } }).Magpie.q === undefined);
    await page.evaluate(() => {
      const w = window as unknown as { Magpie: (...a: unknown[]) => Promise<unknown>; opened: Promise<unknown> };
      w.opened = w.Magpie('openChat', { group: 'launch' });
      void w.Magpie('logout');
    });
    await expect.poll(() => loads.length).toBe(1);
    await page.evaluate((blockedURI) => {
      const it = { blockedURI, effectiveDirective: 'frame-src' };
      document.dispatchEvent(new SecurityPolicyViolationEvent('securitypolicyviolation', it as never));
    }, server.http);
    await expect.poll(events).toContain('error "panel"');

    // The chat is given up, and comes after all.
    const frame = () => page.frames()[1] as Frame;
    if (how.includes('another')) {
      await loads[0]?.('Away.');
      await frame().getByText('Away.').waitFor();
      void frame()
        .evaluate((url) => location.assign(url), `${server.http}/embed/v1/panel?app=${app}`)
        .catch(() => {}); // it goes away with its page
      await expect.poll(() => loads.length).toBe(2);
      await loads[1]?.();
    } else {
      await loads[0]?.();
    }
    if (how.includes('anew')) {
      await expect.poll(() => scripts).toBe(1);
      const identified = magpie('identify');
      await expect.poll(() => loads.length).toBe(2);
      run();
      await expect.poll(() => host.asked).toBe(1); // it speaks, and is replaced
      await loads[1]?.();
      expect(await identified).toBe(undefined);
    } else {
      await frame().getByText('You are signed out of the chat.').waitFor();
      expect(host.asked).toBe(0);
      expect(await magpie('identify')).toBe(undefined);
    }
    await expect.poll(events).toContain('ready {"user":"alice"}');
    expect(await page.evaluate(() => (window as unknown as { opened: Promise<unknown> }).opened)).toBe(undefined);
    await magpie('hide');
    await magpie('show');
    expect(await magpie('openChat', { group: 'launch' })).toBe(undefined);
    await frame().locator('.bar-title', { hasText: 'Launch week' }).waitFor();
    expect(await magpie('boot', { app, tokenUrl: '/im-token' })).toBe(undefined);
    expect(loads).toHaveLength(how === 'late' ? 1 : 2);
  },
);

test('elements of the page: one conversation, all of them, changed and taken away', async () => {
  host.attributes = `data-app="${app}" data-token-url="/im-token" data-launcher="off"`;
  host.body = '<magpie-chat chat="group:launch"></magpie-chat>';
  await visit({ before: listening });
  const one = await panel();
  await one.locator('.bar-title', { hasText: 'Launch week' }).waitFor();
  // The sender's profile opens, and no other conversation.
  await one.locator('.message .sender').first().click();
  await one.locator('.profile').waitFor();
  expect(await one.getByRole('link', { name: 'Message' }).count()).toBe(0);
  await one.getByRole('button', { name: 'Back' }).first().click();
  await one.locator('.composer-input').waitFor();
  expect(await one.locator('.conversation:visible').count()).toBe(0);

  await page.evaluate(() => document.querySelector('magpie-chat')?.setAttribute('chat', 'user:bob'));
  await shown('.bar-title', 'Bob Tanaka');
  await page.evaluate(() => document.querySelector('magpie-chat')?.removeAttribute('chat'));
  await shown('.conversation', 'Bob Tanaka');
  await page.evaluate(() => document.querySelector('magpie-chat')?.setAttribute('chat', 'nobody'));
  await expect.poll(events).toContain('error "call"');
  await page.evaluate(() => document.querySelector('magpie-chat')?.remove());
  await expect.poll(() => page.frames().length).toBe(1);
});

test('on a phone it fills the screen; right to left it stands on the left; languages and themes change in place', async () => {
  host.attributes = `data-app="${app}" data-token-url="/im-token" data-theme="dark" data-locale="zh-CN" data-open`;
  await visit({ phone: true });
  let chat = await panel();
  await chat.getByRole('heading', { name: '消息' }).waitFor();
  await expect.poll(() => boxOf(chat)).toEqual({ x: 0, y: 0, width: 390, height: 780 });
  const scheme = () => chat.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  expect(await scheme()).toBe('dark');
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  expect(grave.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join()}`)).toEqual([]);
  await magpie('setLocale', 'en');
  await chat.getByRole('heading', { name: 'Chats' }).waitFor();
  await magpie('setTheme', { mode: 'light', colors: { accent: '#7a1fa2' } });
  await expect.poll(scheme).toBe('light');
  const accent = () => chat.evaluate(() => document.documentElement.style.getPropertyValue('--accent'));
  expect(await accent()).toContain('#7a1fa2');
  await chat.getByRole('button', { name: 'Close the chat' }).click();
  await expect.poll(told).toContainEqual(expect.stringMatching(/^button "Open the chat/));
  await page.context().close();

  host.attributes = `data-app="${app}" data-token-url="/im-token"`;
  host.body = '<h1>مكتب</h1><script></script>';
  host.direction = 'rtl';
  await visit();
  await page.waitForFunction(() => 'Magpie' in window);
  await magpie('boot', { app, tokenUrl: '/im-token' });
  await page.mouse.click(...bubble.left);
  chat = await panel();
  await chat.locator('.conversation').first().waitFor();
  await expect.poll(async () => (await boxOf(chat))?.x).toBe(20);
});
