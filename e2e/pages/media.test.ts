// Files in conversations. On each store.

import { describe, expect, test } from 'vitest';
import { gatherAt, stores } from './crowd';
import { binary, film, gif, pdf, picture, plain, type SentFile, wav } from './files';
import type { Person } from './person';

describe.each(stores)('in %s', (store) => {
  const crowd = gatherAt(store, '--limit-file', '20000000', '--quota-user', '45000000');

  async function choose(p: Person, files: SentFile[]): Promise<void> {
    await p.page.locator('.composer-attach input[type=file]').first().setInputFiles(files);
    await p.page.locator('.offer').first().waitFor();
  }

  /** Sends files as one message, which stands in the conversation afterwards. */
  async function send(p: Person, files: SentFile[], caption?: string): Promise<void> {
    const before = await count(p);
    await choose(p, files);
    if (caption) await p.page.locator('.caption').fill(caption);
    await p.page.locator('dialog [type=submit]:enabled').click();
    await p.page.locator('dialog').waitFor({ state: 'detached' });
    await expect.poll(() => count(p)).toBe(before + 1);
  }

  /** The newest message. */
  const newest = (p: Person) => p.page.locator('.message').last();
  const count = (p: Person) => p.page.locator('.message').count();
  /** Waits until the newest message is an own one that the server has, and the newest of the other too. */
  async function sent(p: Person, other?: Person): Promise<void> {
    await newest(p).locator('.mark[aria-label="Sent"], .mark[aria-label="Read"]').waitFor();
    const all = await count(p);
    if (other) await expect.poll(() => count(other)).toBe(all);
  }

  /** Waits until pictures show, and tells how wide they really are. */
  async function widths(p: Person, message = newest(p)): Promise<number[]> {
    const images = message.locator('.shot.here > img');
    await images.first().waitFor();
    return images.evaluateAll((all) => all.map((img) => (img as HTMLImageElement).naturalWidth));
  }

  /** Alice and bob in a group of their own, and its name. */
  async function two(): Promise<[Person, Person, string]> {
    const room = await crowd.room('bob');
    const alice = await crowd.enter('alice');
    const bob = await crowd.enter('bob');
    await alice.openChat(room);
    await bob.openChat(room);
    return [alice, bob, room];
  }

  /** Status of a path for whom somebody's browser is signed in as. */
  const status = (p: Person, path: string) => p.page.evaluate(async (url) => (await fetch(url)).status, path);

  describe('each kind is sent and seen', () => {
    test('a picture, with a caption; whoever is not in the conversation can’t have it', async () => {
      const [alice, bob, room] = await two();
      const carol = await crowd.enter('carol');
      await send(alice, [await picture(alice.page, 'view.jpg', { w: 1200, h: 800 })], 'The view');
      await sent(alice, bob);
      await bob.message('The view').waitFor();
      expect((await widths(bob))[0]).toBeGreaterThan(100);
      const box = await newest(bob).locator('.shot-box').boundingBox();
      expect((box?.width ?? 0) / (box?.height ?? 1)).toBeCloseTo(1.5, 1);
      await expect.poll(() => bob.row(room).textContent()).toContain('The view');

      const src = (await newest(bob).locator('.shot img').getAttribute('src')) ?? '';
      const whole = src.replace('/thumb', '');
      const { access_token: token } = await crowd.server.login('carol');
      for (const path of [src, whole, `${whole}?download=1`, `${whole}/original`]) {
        expect(await status(carol, path)).toBe(404);
        const headers = { Authorization: `Bearer ${token}` };
        expect((await fetch(crowd.server.http + path, { headers })).status).toBe(404);
        expect((await fetch(crowd.server.http + path)).status).toBe(401);
      }
      expect(await status(bob, whole)).toBe(200);
    });

    test('a moving GIF moves, a PNG is seen, and nothing jumps when they come', async () => {
      const [alice, bob] = await two();
      await send(alice, [gif('wink.gif')]);
      await sent(alice, bob);
      await newest(bob).locator('.shot.here').waitFor();
      expect(await newest(bob).locator('.shot img').getAttribute('src')).not.toContain('thumb');
      await send(alice, [await picture(alice.page, 'tall.png', { w: 300, h: 900 })]);
      await sent(alice, bob);
      const before = await newest(bob).boundingBox();
      expect((await widths(bob))[0]).toBeGreaterThan(50);
      expect((await newest(bob).boundingBox())?.height).toBe(before?.height);
    });

    test('a film: its still picture and length at once, and it plays', async () => {
      const [alice, bob] = await two();
      await send(alice, [await film(alice.page, 'clip.webm')]);
      await sent(alice, bob);
      expect(await widths(bob)).toEqual([320]);
      await newest(bob).locator('.shot-open').click();
      const video = bob.page.locator('.lightbox video');
      await expect.poll(() => video.evaluate((v) => (v as HTMLVideoElement).currentTime)).toBeGreaterThan(0.2);
      await bob.page.keyboard.press('Escape');
      await bob.page.locator('.lightbox').waitFor({ state: 'detached' });
    });

    test('sound, text, a table, a PDF, and what nobody knows', async () => {
      const [alice, bob] = await two();
      const long = `${'very '.repeat(20)}long name.bin`;
      await send(alice, [
        wav('tone.wav'),
        plain('notes.txt', 'Just text.\n'),
        { name: 'sums.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n1,2\n3,4\n') },
        pdf('report.pdf'),
        binary(long, 3000),
      ]);
      await sent(alice, bob);
      const m = newest(bob);
      await m.locator('.voice-play').click();
      await m.locator('.voice[data-playing]').waitFor();
      expect(
        await m.locator('.file-icon').evaluateAll((all) => all.map((i) => (i as HTMLElement).dataset.kind)),
      ).toEqual(['doc', 'sheet', 'pdf', 'other']);
      expect(await m.locator('.file-name').last().getAttribute('title')).toBe(long);

      const coming = bob.page.waitForEvent('download');
      await m.getByRole('link', { name: 'Download notes.txt' }).first().click();
      const download = await coming;
      expect(download.suggestedFilename()).toBe('notes.txt');
      expect((await (await download.createReadStream()).toArray()).join('')).toBe('Just text.\n');

      const shown = bob.page.waitForResponse(
        (r) => r.url().includes('/media/') && r.headers()['content-type'] === 'application/pdf',
      );
      await m.getByRole('button', { name: 'Show report.pdf' }).click();
      expect((await shown).status()).toBe(200);
      await bob.page.locator('.pdf-frame').waitFor();
      await bob.page.keyboard.press('Escape');
    });

    test('an HTML page that calls itself a picture is a file to download, and runs nowhere', async () => {
      const [alice, bob] = await two();
      const html = '<!doctype html><script>document.title = "taken over"</script>';
      await send(alice, [{ name: 'fun.png', mimeType: 'image/png', buffer: Buffer.from(html) }]);
      await sent(alice, bob);
      const href = await newest(bob).locator('.file-main').getAttribute('href');
      const answer = await bob.page.evaluate(
        async (url) => {
          const r = await fetch(url);
          return Object.fromEntries(r.headers);
        },
        (href ?? '').replace('?download=1', ''),
      );
      expect(answer['content-disposition']).toMatch(/^attachment/);
      expect(answer['content-security-policy']).toContain('sandbox');
      expect(answer['x-content-type-options']).toBe('nosniff');
    });

    test('a voice message: recorded, seen as a wave, played to its end, and the next one plays on', async () => {
      const [alice, bob, room] = await two();
      for (const n of [1, 2]) {
        await alice.page.getByRole('button', { name: 'Record a voice message' }).click();
        await alice.page.locator('.recorder-time', { hasText: '0:01' }).waitFor();
        await alice.page.getByRole('button', { name: 'Send the voice message' }).click();
        await expect.poll(() => bob.page.locator('.voice').count()).toBeGreaterThanOrEqual(n);
        await sent(alice, bob);
      }
      expect(await bob.row(room).textContent()).toMatch(/Voice message 0:0[12]/);
      const voices = bob.page.locator('.voice');
      const first = voices.nth((await voices.count()) - 2);
      const second = voices.last();
      // Short as they are, they may be over before one looks.
      const playing = await Promise.all(
        [1, 2].map((n) => bob.glimpse(`.message:nth-last-child(${n} of .message) .voice[data-playing]`)),
      );
      await first.getByRole('button', { name: 'Play' }).click();
      for (const seen of playing) await seen();
      await second.getByRole('button', { name: 'Play' }).waitFor();
      // What was played last can be moved in, and be made faster.
      const slider = second.getByRole('slider');
      await slider.press('ArrowRight');
      await expect.poll(async () => Number(await slider.getAttribute('aria-valuenow'))).toBeGreaterThan(0);
      await slider.press('Home');
      await expect.poll(() => slider.getAttribute('aria-valuenow')).toBe('0');
      await second.getByRole('button', { name: /Speed/ }).click();
      await expect.poll(() => second.getByRole('button', { name: /Speed/ }).textContent()).toBe('1.5×');
      expect(await first.getByRole('button', { name: /Speed/ }).count()).toBe(0);

      // Esc throws a recording away.
      const before = await bob.page.locator('.message').count();
      await alice.page.getByRole('button', { name: 'Record a voice message' }).click();
      await alice.page.locator('.recorder').waitFor();
      await alice.page.keyboard.press('Escape');
      await alice.page.locator('.recorder').waitFor({ state: 'detached' });
      await alice.write('no voice');
      await bob.message('no voice').waitFor();
      expect(await bob.page.locator('.message').count()).toBe(before + 1);
    });
  });

  describe('ways in', () => {
    test('more than one message holds are several; pasted and dropped files too', async () => {
      const [alice, bob] = await two();
      const pictures = await Promise.all(
        Array.from({ length: 8 }, (_, i) => picture(alice.page, `p${i}.jpg`, { hue: i * 40, w: 320, h: 240 })),
      );
      await choose(alice, pictures);
      await alice.page.getByText('These go as 2 messages.').waitFor();
      await alice.page.locator('.caption').fill('Eight of them');
      await alice.page.locator('dialog [type=submit]:enabled').click();
      await bob.message('Eight of them').waitFor();
      await expect.poll(() => bob.message('Eight of them').locator('.shot').count()).toBe(6);
      await expect.poll(() => newest(bob).locator('.shot').count()).toBe(2);

      for (const way of ['paste', 'drop'] as const) {
        await alice.page.evaluate((way) => {
          const data = new DataTransfer();
          data.items.add(new File(['some words'], `${way}.txt`, { type: 'text/plain' }));
          const area = document.querySelector('.composer-input') as HTMLElement;
          const init = { bubbles: true, cancelable: true };
          area.dispatchEvent(
            way === 'paste'
              ? new ClipboardEvent('paste', { ...init, clipboardData: data })
              : new DragEvent('drop', { ...init, dataTransfer: data }),
          );
        }, way);
        await alice.page.locator('.offer', { hasText: `${way}.txt` }).waitFor();
        await alice.page.locator('dialog [type=submit]:enabled').click();
        await newest(bob)
          .locator('.file-name', { hasText: `${way}.txt` })
          .waitFor();
      }
    });

    test('what can’t be sent is said before: too large, empty; the rest goes', async () => {
      const [alice, bob] = await two();
      await alice.page.evaluate(() => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(20_000_001)], 'huge.bin'));
        data.items.add(new File([], 'empty.txt'));
        data.items.add(new File(['good'], 'good.txt'));
        const init = { bubbles: true, cancelable: true, clipboardData: data };
        document.querySelector('.composer-input')?.dispatchEvent(new ClipboardEvent('paste', init));
      });
      await alice.page.getByText('Too large: a file may have up to 19 MB.').waitFor();
      await alice.page.getByText('This file is empty.').waitFor();
      await alice.page.locator('dialog [type=submit]:enabled').click();
      await newest(bob).locator('.file-name', { hasText: 'good.txt' }).waitFor();
      expect(await newest(bob).locator('.file-card').count()).toBe(1);
    });

    test('the original goes only where the sender asks for that', async () => {
      const [alice, bob] = await two();
      const one = await picture(alice.page, 'orig.jpg', { w: 800, h: 600 });
      await choose(alice, [one]);
      await alice.page.getByRole('switch', { name: 'Send original pictures' }).click();
      await alice.page.locator('dialog [type=submit]:enabled').click();
      await sent(alice, bob);
      await newest(bob).locator('.shot-open').click();
      const image = bob.page.locator('.lightbox-stage.here img');
      await expect.poll(() => image.getAttribute('src')).toMatch(/\/original$/);
      const href = await image.getAttribute('src');
      const size = await bob.page.evaluate(async (url) => (await (await fetch(url)).blob()).size, href ?? '');
      expect(size).toBe(one.buffer.length);
    });

    test('a damaged picture is refused with the reason; deleting it leaves nothing', async () => {
      const [alice] = await two();
      const whole = await picture(alice.page, 'cut.jpg', { w: 800, h: 600 });
      await send(alice, [{ ...whole, buffer: whole.buffer.subarray(0, 400) }]);
      const failure = newest(alice).locator('.failure');
      await failure.getByText(/The picture is damaged/).waitFor();
      await failure.getByRole('button', { name: 'Delete' }).click();
      await failure.waitFor({ state: 'detached' });
      await alice.write('after it');
      await alice.marked('after it', 'Sent');
    });
  });

  describe('pictures one after the other', () => {
    test('by keys, over messages; zoom; the focus comes back', async () => {
      const [alice, bob] = await two();
      for (const hue of [0, 120]) {
        await send(alice, [await picture(alice.page, `hue${hue}.png`, { hue, w: 900, h: 600 })]);
        await sent(alice, bob);
      }
      await widths(bob);
      const opener = newest(bob).locator('.shot-open');
      await opener.focus();
      await bob.page.keyboard.press('Enter');
      const box = bob.page.locator('.lightbox');
      const image = box.locator('.lightbox-stage.here img');
      await image.waitFor();
      const second = await image.getAttribute('src');
      await bob.page.keyboard.press('ArrowLeft');
      await expect.poll(() => image.getAttribute('src')).not.toBe(second);
      await bob.page.keyboard.press('ArrowRight');
      await expect.poll(() => image.getAttribute('src')).toBe(second);
      await bob.page.keyboard.press('+');
      await expect.poll(() => image.evaluate((el) => getComputedStyle(el).transform)).toContain('1.5');
      const at = await image.boundingBox();
      await bob.page.mouse.move((at?.x ?? 0) + 300, (at?.y ?? 0) + 200);
      await bob.page.mouse.wheel(0, 800);
      await expect.poll(() => image.evaluate((el) => getComputedStyle(el).transform)).toBe('matrix(1, 0, 0, 1, 0, 0)');
      await image.dblclick();
      await expect.poll(() => image.evaluate((el) => getComputedStyle(el).transform)).toContain('2.5');
      await bob.page.keyboard.press('Escape');
      await box.waitFor({ state: 'detached' });
      await expect.poll(() => opener.evaluate((el) => el === document.activeElement)).toBe(true);
    });
  });

  describe('pictures of people and groups', () => {
    test('cut out, seen by others, removed again', async () => {
      const alice = await crowd.enter('alice');
      const bob = await crowd.enter('bob');
      await alice.page.getByRole('link', { name: 'Settings' }).click();
      await alice.page
        .locator('.change-picture input')
        .setInputFiles([await picture(alice.page, 'me.png', { w: 500, h: 300 })]);
      await alice.page.locator('.crop').press('+');
      await alice.page.getByRole('button', { name: 'Use picture' }).click();
      await alice.page.locator('dialog').waitFor({ state: 'detached' });
      const image = bob.row('Alice').locator('.avatar img');
      await expect.poll(() => image.getAttribute('src')).toMatch(/^\/media\//);
      await expect.poll(() => image.evaluate((el) => (el as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
      await alice.page.getByRole('button', { name: 'Remove picture' }).click();
      await bob.row('Alice').locator('.avatar .initials').waitFor();
    });
  });

  test('how much room files take', async () => {
    const dave = await crowd.enter('dave');
    await dave.page.getByRole('link', { name: 'Settings' }).click();
    await dave.page.getByText('Your files use 0 B of 43 MB.').waitFor();
    await dave.page.getByText('A file may have up to 19 MB.').waitFor();
  });
});
