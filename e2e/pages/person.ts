// People at browsers: what the tests of the pages say they do and see.

import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core';
import { expect } from 'vitest';
import { demo } from '../server';
import { noting } from './in-page';

// Chromium looks for its maker's servers at every start unless told not to; the tests need no network but this machine's.
export const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A microphone that hums, and that needs no question.
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

export function launch(...more: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...args, ...more] });
}

/** One person at one browser of their own. */
export class Person {
  /** What went wrong in the page; the tests hold it to be empty. */
  readonly errors: string[] = [];
  /** What the page wrote to the console as an error. */
  private readonly complaints: string[] = [];
  private uid = 'nobody';

  private constructor(readonly page: Page) {
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (e) => this.errors.push(String(e.stack ?? e)));
    page.on('console', (m) => {
      if (m.type() === 'error') this.complaints.push(m.text());
      if (/Content Security Policy|Refused to/.test(m.text())) this.errors.push(m.text());
    });
  }

  /** Opens the app's first page. */
  static async open(browser: Browser, server: { http: string }, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 }, ...options });
    return Person.at(context, server);
  }

  /** Opens the app's first page in a new tab. */
  static async at(context: BrowserContext, server: { http: string }): Promise<Person> {
    const one = new Person(await context.newPage());
    await one.page.addInitScript(noting);
    await one.page.goto(server.http);
    return one;
  }

  async signIn(uid: string, password = demo.password, org = demo.org): Promise<void> {
    this.uid = uid;
    await this.page.locator('[name=organization]').fill(org);
    await this.page.locator('[name=username]').fill(uid);
    await this.page.locator('[name=current-password]').fill(password);
    await this.page.locator('[type=submit]').click();
    await this.page.locator('.conversation').first().waitFor();
  }

  /** The row of a conversation in the list. */
  row(name: string): Locator {
    return this.page.locator('.conversation', { has: this.page.locator('.row-name', { hasText: name }) });
  }

  async openChat(name: string): Promise<void> {
    await this.row(name).click();
    await this.page.locator('.bar-title', { hasText: name }).waitFor();
    await this.composer.waitFor();
  }

  get composer(): Locator {
    return this.page.locator('.composer-input');
  }

  async write(text: string): Promise<void> {
    await this.composer.fill(text);
    // On a touch screen Enter breaks the line.
    const touch = await this.page.evaluate(() => matchMedia('(pointer: coarse)').matches);
    if (touch) await this.page.locator('.composer .send').click();
    else await this.composer.press('Enter');
  }

  /** The messages of the open conversation whose text is this. */
  message(text: string): Locator {
    return this.page.locator('.message', { has: this.page.getByText(text, { exact: true }) });
  }

  /** Waits until an own message bears a mark: 'Sent', 'Read', 'Waiting to be sent', 'Not sent'. */
  async marked(text: string, mark: string): Promise<void> {
    await this.message(text).locator(`.mark[aria-label="${mark}"]`).waitFor();
  }

  /** What stands in the page, first what lies above the rest, in one line. */
  async seen(): Promise<string> {
    const text = this.page.evaluate(() =>
      [
        ...document.querySelectorAll<HTMLElement>(
          'dialog[open], [role=alert], .toast, [role=log], main, body:not(:has(main))',
        ),
      ]
        .map((el) => [el.innerText.replace(/\s+/g, ' '), el.role === 'log'] as const)
        .map(([words, log]) => (log ? words.slice(-150) : words.slice(0, 200)))
        .join(' | '),
    );
    const late = new Promise<string>((resolve) => setTimeout(resolve, 5000, '(it does not answer)'));
    const shown = await Promise.race([text, late]).catch((e) => String(e));
    return [
      `${this.uid} at ${this.page.url()}:`,
      shown,
      ...this.complaints.slice(-3).map((one) => one.slice(0, 200)),
    ].join(' ');
  }

  /** Waits until the page has said this at its foot; what was waited for once is not found again. */
  async told(words: string): Promise<void> {
    const look = () =>
      this.page.evaluate((words) => {
        const { told } = window as unknown as { told: string[] };
        const at = told.findIndex((one) => one.includes(words));
        return told.splice(0, at + 1).length > 0;
      }, words);
    await expect.poll(look, { message: `the page says ${words}` }).toBe(true);
  }

  /** Looks out for what stands in the page for a moment only. Resolves, before it comes, with what waits for it. */
  async glimpse(selector: string, words = ''): Promise<() => Promise<void>> {
    const watch = await this.page.evaluateHandle(
      ([selector, words]) => {
        const here = () => [...document.querySelectorAll(selector)].some((el) => el.textContent?.includes(words));
        const came = new Promise<void>((resolve, reject) => {
          const look = () => {
            if (here()) resolve();
          };
          new MutationObserver(look).observe(document, {
            childList: true,
            subtree: true,
            attributes: true,
            characterData: true,
          });
          look();
          setTimeout(() => reject(new Error(`${selector} ${words} did not come`)), 30_000);
        });
        came.catch(() => {}); // told to whoever waits
        return { came };
      },
      [selector, words] as const,
    );
    return () => watch.evaluate(({ came }) => came);
  }

  /** Waits until the app's files are kept in the browser: all of its parts can be had without a network then. */
  async kept(): Promise<void> {
    await this.page.evaluate(async () => {
      const { serviceWorker } = navigator;
      await serviceWorker.ready;
      if (serviceWorker.controller) return;
      await new Promise((resolve) => {
        serviceWorker.addEventListener('controllerchange', resolve, { once: true });
      });
    });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
