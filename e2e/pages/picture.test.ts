// Takes the README's pictures of the running program: MAGPIE_PICTURES=1 npm run e2e pages/picture

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { test } from 'vitest';
import { gather } from './crowd';
import { Office, stands, Visitor } from './office';

const crowd = gather('--webhook-allow', '127.0.0.0/8');
const images = fileURLToPath(new URL('../../docs/images/', import.meta.url));

test.runIf(process.env.MAGPIE_PICTURES)('the README’s picture is of the program', async () => {
  const alice = await crowd.enter('alice', { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 });
  const bob = await crowd.enter('bob', {
    viewport: { width: 360, height: 720 },
    deviceScaleFactor: 1.5,
    colorScheme: 'dark',
    isMobile: true,
    hasTouch: true,
  });
  const carol = await crowd.enter('carol');
  for (const one of [alice, bob, carol]) await one.openChat('Launch week');
  await alice.write('Yes to the logo! The tail is just right. 🎉');
  await carol.message('Yes to the logo! The tail is just right. 🎉').waitFor();
  await carol.page
    .locator('.composer-attach input[type=file]')
    .first()
    .setInputFiles({ name: 'stickers.png', mimeType: 'image/png', buffer: await stickers() });
  await carol.page.locator('.offer').first().waitFor();
  await carol.page.locator('.caption').fill('Then to print they go. 喜鹊贴纸，周四见！');
  await carol.page.locator('dialog [type=submit]:enabled').click();
  for (const one of [alice, bob]) await one.page.locator('.shot.here > img').waitFor();
  await alice.page.waitForLoadState('networkidle');
  await alice.composer.blur();
  await alice.page.mouse.move(900, 5);
  // Late, as others see somebody type for a few seconds only.
  await carol.composer.pressSequentially('Thu');
  await bob.page.locator('.typing-line', { hasText: 'is typing' }).waitFor();
  await alice.page.locator('.typing-line', { hasText: 'is typing' }).waitFor();
  const [desktop, phone] = await Promise.all([shot(alice), shot(bob)]);
  await mkdir(images, { recursive: true });
  await drawn(
    `<style>
      body { margin: 0; width: 1640px; height: 900px; position: relative; overflow: hidden;
        background: radial-gradient(1200px 700px at 30% 0, #d5eef2, transparent), linear-gradient(#eef3f5, #dfe8ec); }
      img { position: absolute; border-radius: 14px; box-shadow: 0 30px 70px #0b1b2440, 0 2px 8px #0b1b2426; }
      .desktop { left: 48px; top: 56px; width: 1220px; }
      .phone { right: 40px; bottom: 36px; width: 330px; border: 7px solid #0b1013; border-radius: 34px; }
    </style><img class="desktop" src="${desktop}"><img class="phone" src="${phone}">`,
    { width: 1640, height: 900 },
    `${images}chat.png`,
  );
});

test.runIf(process.env.MAGPIE_PICTURES)('and of the chat in the pages of another system', async () => {
  const office = await Office.start(crowd.server);
  const bob = await Visitor.open(office, false, { deviceScaleFactor: 1.5, viewport: { width: 1100, height: 720 } });
  try {
    await bob.signIn('bob');
    await bob.page.goto(`${office.at()}/project`);
    await bob.page.locator('magpie-chat iframe').waitFor();
    await stands(
      await bob.panel('magpie-chat'),
      'Alice, can you say yes to the logo today? Then the stickers can go to print.',
    );
    await bob.bubble(/1 unread/).waitFor();
    await bob.page.waitForLoadState('networkidle');
    const inline = await shot(bob);
    await bob.page.goto(office.at());
    await bob.page.getByRole('button', { name: 'Write to Alice Moreau' }).click();
    const panel = await bob.panel();
    await panel.locator('.message').last().waitFor();
    await bob.page.getByRole('button', { name: 'Pink' }).click();
    await bob.page.waitForLoadState('networkidle');
    const bubble = await shot(bob);
    await drawn(
      `<style>
        body { margin: 0; width: 1640px; height: 900px; position: relative; overflow: hidden;
          background: radial-gradient(1200px 700px at 70% 0, #f2e4ec, transparent), linear-gradient(#eef3f5, #dfe8ec); }
        img { position: absolute; border-radius: 14px; width: 1010px; box-shadow: 0 30px 70px #0b1b2440, 0 2px 8px #0b1b2426; }
        .inline { left: 40px; top: 40px; }
        .bubble { right: 40px; bottom: 40px; }
      </style><img class="inline" src="${inline}"><img class="bubble" src="${bubble}">`,
      { width: 1640, height: 900 },
      `${images}embed.png`,
    );
  } finally {
    await bob.close();
    await office.stop();
  }
});

async function shot(one: { page: Page }): Promise<string> {
  return `data:image/png;base64,${(await one.page.screenshot()).toString('base64')}`;
}

/** A sheet of stickers: the logo, on paper. */
function stickers(): Promise<Buffer> {
  const sticker = (turn: number, ground: string) =>
    `<span style="rotate:${turn}deg;background:${ground}"><img src="${crowd.server.http}/icon.svg"></span>`;
  const sheet = [sticker(-7, '#fff'), sticker(5, '#ffd9a0'), sticker(-3, '#9adbe4'), sticker(8, '#f6fafb')].join('');
  return drawn(
    `<style>
      body { margin: 0; display: flex; align-items: center; justify-content: center; gap: 26px; width: 760px; height: 300px;
        background: linear-gradient(135deg, #1590a8, #0d3d4a); }
      span { padding: 13px; border-radius: 40px; box-shadow: 0 8px 18px #0006; }
      img { display: block; width: 118px; border-radius: 28px; }
    </style>${sheet}`,
    { width: 760, height: 300 },
  );
}

/** Takes a picture of a page of its own. */
async function drawn(html: string, viewport: { width: number; height: number }, path?: string): Promise<Buffer> {
  const context = await crowd.browser.newContext({ viewport, deviceScaleFactor: 1.5 });
  const page = await context.newPage();
  await page.setContent(html);
  await page.waitForLoadState('networkidle');
  await page.evaluate(() => Promise.all([...document.images].map((one) => one.decode())));
  const picture = await page.screenshot(path === undefined ? {} : { path });
  await context.close();
  return picture;
}
