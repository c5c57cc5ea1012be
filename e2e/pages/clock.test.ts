// A device whose clock is hours off.

import { expect, test } from 'vitest';
import { gather } from './crowd';

const crowd = gather();

/** The time zone in which it is this hour now. */
function zoneAt(hour: number): string {
  const ahead = ((hour - new Date().getUTCHours() + 36) % 24) - 12;
  return `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`; // the signs of these names are the other way round
}

// Each time the device believes to be in another day than it is.
test.each([
  { off: 5, hour: 22 },
  { off: -5, hour: 2 },
])('by $off h: days and times are those of the server', async ({ off, hour }) => {
  const alice = await crowd.open({ timezoneId: zoneAt(hour) });
  await alice.page.addInitScript((ms) => {
    const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...a: []) {
        super(...((a.length > 0 ? a : [Right.now() + ms]) as []));
      }
      static override now() {
        return Right.now() + ms;
      }
    } as DateConstructor;
  }, off * 3_600_000);
  await alice.page.reload();
  await alice.signIn('alice');
  await alice.openChat('Bob');
  const text = `clock: ${off} hours off`;
  await alice.write(text);
  await alice.marked(text, 'Sent');
  await expect.poll(() => alice.page.locator('.day-line').last().textContent()).toBe('Today');
  // An hour may end meanwhile.
  const hours = [hour, hour + 1].map((h) => String(h).padStart(2, '0'));
  const time = new RegExp(`^(${hours.join('|')}):\\d\\d$`);
  expect(await alice.message(text).locator('time').textContent()).toMatch(time);
  await expect.poll(() => alice.row('Bob').locator('time').textContent()).toMatch(time);
});
