// Administrators at browsers.

import AxeBuilder from '@axe-core/playwright';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Crowd } from './crowd';
import type { Person } from './person';

export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** Signs in and opens a page of the administration. */
export async function administer(crowd: Crowd, uid: string, path: string, o?: BrowserContextOptions): Promise<Person> {
  const one = await crowd.enter(uid, o);
  await one.page.goto(crowd.server.http + path);
  return one;
}

/** Waits until nothing moves or fades any more, apart from what always does. */
async function still(page: Page): Promise<void> {
  const moving = () =>
    page.evaluate(
      () =>
        document
          .getAnimations()
          .filter((one) => one.playState === 'running' && one.effect?.getComputedTiming().endTime !== Infinity).length,
    );
  await expect.poll(moving, { message: 'what moves' }).toBe(0);
}

/** Holds that axe finds nothing grave in what is shown, outside frames, and that nothing is wider than the window. */
export async function accessible(page: Page, view: string): Promise<void> {
  await still(page);
  // Without a page of its own, which costs as much again: there are no frames to look into.
  const { violations } = await new AxeBuilder({ page }).exclude('iframe').setLegacyMode(true).analyze();
  const grave = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  expect(
    grave.map((v) => `${view}: ${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('\n')}`),
  ).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), view).toBeLessThanOrEqual(0);
}

/** Opens pages of the administration in one look, and holds each to be accessible once `ready` is there. */
export async function lookAtAll(
  crowd: Crowd,
  look: BrowserContextOptions,
  views: readonly (readonly [path: string, ready: string])[],
): Promise<void> {
  const one = await crowd.enter('alice', { reducedMotion: 'reduce', ...look });
  for (const [path, ready] of views) {
    await one.page.goto(`${crowd.server.http}/admin/${path}`);
    await one.page.locator(ready).first().waitFor();
    await accessible(one.page, path);
  }
}

/** The looks in which every view is held to be accessible: between them each language, each theme, a desktop and a phone. */
export const looks = [
  ['light, English', { colorScheme: 'light', locale: 'en-GB' }],
  ['dark, Chinese, on a phone', { colorScheme: 'dark', locale: 'zh-CN', ...phone }],
] as const satisfies readonly (readonly [string, BrowserContextOptions])[];
