// Takes the README's picture of the running program: MAGPIE_PICTURES=1 npm run e2e pages/picture

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { gather } from './crowd';

const crowd = gather();

test.runIf(process.env.MAGPIE_PICTURES)('the README’s picture is of the program', async () => {
  const alice = await crowd.enter('alice', { viewport: { width: 1360, height: 850 }, deviceScaleFactor: 1.5 });
  const bob = await crowd.enter('bob');
  const carol = await crowd.enter('carol');
  await alice.openChat('Launch week');
  await bob.openChat('Launch week');
  await carol.openChat('Launch week');
  await alice.write('Yes to the logo! The tail is just right. 🎉');
  await carol.message('Yes to the logo! The tail is just right. 🎉').waitFor();
  await carol.write('Then to print they go. 喜鹊贴纸，周四见！');
  await alice.message('Then to print they go. 喜鹊贴纸，周四见！').waitFor();
  await alice.page.waitForLoadState('networkidle');
  await alice.composer.blur();
  await alice.page.mouse.move(900, 5);
  // Late, as others see somebody type for a few seconds only.
  await bob.composer.pressSequentially('I will');
  await alice.page.locator('.typing-line', { hasText: 'is typing' }).waitFor();
  const images = fileURLToPath(new URL('../../docs/images/', import.meta.url));
  await mkdir(images, { recursive: true });
  await alice.page.screenshot({ path: `${images}chat.png` });
});
