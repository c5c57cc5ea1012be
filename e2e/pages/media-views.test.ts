// How files look in lists, answers and dialogs, for everyone: in both languages, by touch, with assistive technology.

import { describe, expect, test } from 'vitest';
import { accessible } from './administrator';
import { gather } from './crowd';
import { binary, gif, office, pdf, picture, plain, type SentFile, wav, webp } from './files';
import type { Person } from './person';

const crowd = gather();

const newest = (p: Person) => p.page.locator('.message').last();
const count = (p: Person) => p.page.locator('.message').count();

/** Sends files, and waits until the server has them. */
async function send(p: Person, files: SentFile[], caption?: string): Promise<void> {
  const before = await count(p);
  await p.page.locator('.composer-attach input[type=file]').first().setInputFiles(files);
  if (caption) await p.page.locator('.caption').fill(caption);
  await p.page.locator('dialog [type=submit]:enabled').click();
  await expect.poll(() => count(p)).toBe(before + 1);
  await newest(p).locator('.mark[aria-label="Sent"], .mark[aria-label="Read"]').waitFor();
}

const check = (p: Person, view: string) => accessible(p.page, view);

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  test('axe finds nothing grave where files are', async () => {
    const room = await crowd.room('bob');
    const alice = await crowd.enter('alice', { colorScheme, reducedMotion: 'reduce' });
    await alice.openChat(room);
    const files = [await picture(alice.page, 'one.png'), wav('tone.wav'), plain('a.txt', 'a'), pdf('b.pdf')];
    await alice.page
      .locator('.composer-attach input[type=file]')
      .first()
      .setInputFiles([...files, plain('empty.txt', '')]);
    await alice.page.getByText('This file is empty.').waitFor();
    await check(alice, 'preview');
    await alice.page.locator('dialog [type=submit]:enabled').click();
    await newest(alice).locator('.shot.here').waitFor();
    await newest(alice).locator('.voice-play').click();
    await newest(alice).getByRole('button', { name: /Speed/ }).waitFor();
    await check(alice, 'messages');
    await newest(alice).locator('.shot-open').click();
    await alice.page.locator('.lightbox-stage.here').waitFor();
    await check(alice, 'viewer');
    await alice.page.keyboard.press('Escape');
    await newest(alice).getByRole('button', { name: 'Show b.pdf' }).click();
    await alice.page.locator('.pdf-frame').waitFor();
    await check(alice, 'PDF');
    await alice.page.keyboard.press('Escape');
    await alice.page.getByRole('button', { name: 'Record a voice message' }).click();
    await alice.page.locator('.recorder').waitFor();
    await check(alice, 'recording');
    await alice.page.keyboard.press('Escape');
    await alice.page.getByRole('link', { name: 'Settings' }).click();
    await alice.page.locator('.storage').waitFor();
    await alice.page.locator('.change-picture input').setInputFiles([files[0] as SentFile]);
    await alice.page.locator('.crop').waitFor();
    await check(alice, 'crop');
  });
});

test('a line says what a message’s files are, in the language of the page', async () => {
  const room = await crowd.room('bob');
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob', { locale: 'zh-CN' });
  await alice.openChat(room);
  const line = bob.row(room).locator('.preview');
  await send(alice, [await picture(alice.page, 'a.jpg')]);
  await expect.poll(() => line.textContent()).toMatch(/[:：]照片$/);
  await send(alice, [await picture(alice.page, 'a.jpg'), await picture(alice.page, 'b.jpg')]);
  await expect.poll(() => line.textContent()).toContain('2 张照片');
  await send(alice, [plain('report.txt', 'x')]);
  await expect.poll(() => line.textContent()).toContain('report.txt');
  await expect.poll(() => alice.row(room).locator('.preview').textContent()).toBe('You: report.txt');
  await send(alice, [await picture(alice.page, 'c.jpg'), plain('d.txt', 'd')]);
  await expect.poll(() => line.textContent()).toContain('2 个文件');
});

test('an answer to a picture shows it small', async () => {
  const room = await crowd.room('bob');
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  await alice.openChat(room);
  await bob.openChat(room);
  await send(alice, [await picture(alice.page, 'lake.jpg')]);
  await newest(bob).locator('.shot.here').waitFor();
  await bob.composer.press('Control+ArrowUp');
  await bob.page.locator('.answer-bar', { hasText: 'Photo' }).locator('.small-picture').waitFor();
  await bob.write('lovely');
  await alice.message('lovely').locator('.quoted .small-picture').waitFor();
  const small = alice.message('lovely').locator('.small-picture');
  await expect.poll(() => small.evaluate((el) => (el as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
});

test('without a network a picture is not called lost, and comes when the network is back', async () => {
  const room = await crowd.room('bob');
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  await alice.openChat(room);
  await bob.openChat(room);
  await bob.kept();
  await send(alice, [await picture(alice.page, 'harbour.png')]);
  await newest(bob).locator('.shot.here').waitFor();
  await bob.page.context().setOffline(true);
  await bob.page.reload();
  await newest(bob).locator('.shot.away').waitFor();
  expect(await newest(bob).getByText('No longer available').count()).toBe(0);
  await newest(bob).locator('.shot-open').click();
  await bob.page.getByText('Can’t be loaded right now').waitFor();
  await bob.page.context().setOffline(false);
  await bob.page.locator('.lightbox-stage.here').waitFor();
  await bob.page.keyboard.press('Escape');
  await newest(bob).locator('.shot.here').waitFor();
});

test('after a day away pictures wait for the login to be renewed, and faces are letters until then', async () => {
  const room = await crowd.room('bob');
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  await alice.openChat(room);
  await send(alice, [await picture(alice.page, 'monday.png')]);
  await alice.page.getByRole('link', { name: 'Settings' }).click();
  await alice.page.locator('.change-picture input').setInputFiles([await picture(alice.page, 'me.png')]);
  await alice.page.getByRole('button', { name: 'Use picture' }).click();
  const face = bob.row('Alice').locator('.avatar');
  await expect.poll(() => face.locator('img').getAttribute('src')).toMatch(/^\/media\//); // not the one of the demo
  await bob.openChat(room);
  await newest(bob).locator('.shot.here').waitFor();

  // The cookie of the files lives a day; the kept conversation shows before the login is renewed.
  const context = bob.page.context();
  await context.clearCookies({ name: 'magpie_media' });
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await context.route('**/api/v1/auth/refresh', async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  await bob.page.reload();
  await newest(bob).locator('.shot.away').waitFor();
  await face.locator('.initials').waitFor();
  expect(await newest(bob).getByText('No longer available').count()).toBe(0);
  release();
  await newest(bob).locator('.shot.here').waitFor();
  await expect
    .poll(() => face.locator('img').evaluate((el) => (el as HTMLImageElement).naturalWidth))
    .toBeGreaterThan(0);
});

test('a picture is a blur of its colours until it comes; what moves and what a document is shows whatever its name says', async () => {
  const room = await crowd.room('bob');
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  await alice.openChat(room);
  await bob.openChat(room);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await bob.page.context().route('**/media/*/thumb', async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  await send(alice, [await picture(alice.page, 'dusk.jpg', { w: 900, h: 600, hue: 20 })]);
  const shot = newest(bob).locator('.shot');
  await newest(bob).locator('.shot.coming').waitFor();
  const blur = await shot.evaluate((el) => getComputedStyle(el).backgroundImage);
  expect(blur).toMatch(/^url\("data:image\/png;base64,/);
  // Its colours, so far as a blur has them: more red than blue.
  const [red = 0, blue = 0] = await bob.page.evaluate(
    async (url) => {
      const img = new Image();
      img.src = url;
      await img.decode();
      const canvas = new OffscreenCanvas(1, 1).getContext('2d') as OffscreenCanvasRenderingContext2D;
      canvas.drawImage(img, 0, 0, 1, 1);
      const { data } = canvas.getImageData(0, 0, 1, 1);
      return [data[0] as number, data[2] as number];
    },
    blur.slice(5, -2),
  );
  expect(red).toBeGreaterThan(blue + 20);
  const size = () => shot.evaluate((el) => [el.clientWidth, el.clientHeight]);
  const before = await size();
  release();
  await newest(bob).locator('.shot.here').waitFor();
  expect(await size()).toEqual(before);

  await send(alice, [gif('funny.jpg')]);
  const moving = newest(bob).locator('.shot.here > img');
  await moving.waitFor();
  const first = await moving.screenshot();
  await expect.poll(async () => (await moving.screenshot()).equals(first)).toBe(false);
  await send(alice, [webp('wink.webp')]);
  await expect.poll(() => newest(bob).locator('.shot.here > img').getAttribute('src')).toMatch(/^\/media\/[^/]+$/);

  const documents = [
    office('letter.bin', 'wordprocessingml'),
    office('talk.bin', 'presentationml'),
    office('sums.bin', 'spreadsheetml'),
  ];
  await send(alice, documents);
  const icons = newest(bob).locator('.file-icon');
  await expect
    .poll(() => icons.evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.kind)))
    .toEqual(['doc', 'slides', 'sheet']);
});

test('on a phone: camera, photos or files; a finger holds to record and slides to cancel', async () => {
  const room = await crowd.room('bob');
  const alice = await crowd.enter('alice', { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true });
  const bob = await crowd.enter('bob');
  await alice.openChat(room);
  await bob.openChat(room);
  await alice.page.getByRole('button', { name: 'Attach files' }).click();
  const chooser = alice.page.waitForEvent('filechooser');
  await alice.page.getByRole('menuitem', { name: 'Camera' }).click();
  const one = await chooser;
  expect(await one.element().getAttribute('capture')).toBe('environment');
  await one.setFiles([await picture(alice.page, 'shot.jpg', { w: 900, h: 1200 })]);
  await alice.page.locator('dialog [type=submit]:enabled').click();
  await newest(bob).locator('.shot.here').waitFor();
  expect(await alice.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  const several = [await picture(alice.page, 'a.jpg'), await picture(alice.page, 'b.jpg'), plain('c.txt', 'c')];
  await send(alice, several);
  for (const part of ['.album', '.file-card']) {
    const box = await newest(alice).locator(part).boundingBox();
    const bubble = await newest(alice).locator('.bubble').boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? 0), part).toBeLessThanOrEqual((bubble?.x ?? 0) + (bubble?.width ?? 0));
  }

  const finger = await alice.page.context().newCDPSession(alice.page);
  const touch = (type: string, x?: number, y?: number) =>
    finger.send('Input.dispatchTouchEvent', {
      type: type as 'touchStart',
      touchPoints: x === undefined ? [] : [{ x, y: y ?? 0 }],
    });
  const mic = await alice.page.getByRole('button', { name: 'Record a voice message' }).boundingBox();
  const x = (mic?.x ?? 0) + 20;
  const y = (mic?.y ?? 0) + 20;
  await touch('touchStart', x, y);
  await alice.page.locator('.recorder-time', { hasText: '0:01' }).waitFor();
  await touch('touchMove', x - 160, y);
  await alice.page.getByText('Let go to cancel').waitFor();
  await touch('touchEnd');
  await alice.page.locator('.recorder').waitFor({ state: 'detached' });
  await touch('touchStart', x, y);
  await alice.page.locator('.recorder-time', { hasText: '0:01' }).waitFor();
  await touch('touchEnd');
  await expect.poll(() => bob.page.locator('.voice').count()).toBe(1);
  await newest(bob).locator('.voice').waitFor();
});

test('a conversation’s pictures and files, from its menu', async () => {
  const room = await crowd.room('carol');
  const alice = await crowd.enter('alice');
  await alice.openChat(room);
  await send(alice, [await picture(alice.page, 'red.png', { hue: 0 })]);
  await send(alice, [await picture(alice.page, 'blue.png', { hue: 240 }), binary('data.bin', 2000)]);
  await alice.page.getByRole('button', { name: `More for ${room}` }).click();
  await alice.page.getByRole('menuitem', { name: 'Files and pictures' }).click();
  const tiles = alice.page.locator('.shared-tile');
  await expect.poll(() => tiles.count()).toBe(2);
  await check(alice, 'panel');
  await tiles.first().locator('.shot-open').click();
  await alice.page.locator('.lightbox-stage.here img[alt="blue.png"]').waitFor();
  await alice.page.keyboard.press('ArrowLeft');
  await alice.page.locator('.lightbox-stage.here img[alt="red.png"]').waitFor();
  await alice.page.keyboard.press('Escape');
  await alice.page.getByRole('button', { name: `More for ${room}` }).click();
  await alice.page.getByRole('menuitem', { name: 'Files and pictures' }).click();
  await alice.page.getByText('Files', { exact: true }).click();
  await alice.page.locator('.shared-files .file-name', { hasText: 'data.bin' }).waitFor();
});
