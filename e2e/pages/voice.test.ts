// Voice messages: what the microphone hears, and when it hears nothing.

import { expect, test } from 'vitest';
import { gather } from './crowd';
import type { Person } from './person';

const crowd = gather();

const begin = (p: Person) => p.page.getByRole('button', { name: 'Record a voice message' }).click();
const end = (p: Person) => p.page.getByRole('button', { name: 'Send the voice message' });

test('the microphone is let go when one leaves while the browser asks, and one press of the button sends once', async () => {
  const room = await crowd.room('bob');
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  await bob.openChat(room);
  await alice.openChat(room);
  // The browser's question, which is answered when the test says so.
  await alice.page.evaluate(() => {
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (o) => {
      const stream = await ask(o);
      await new Promise<void>((resolve) => {
        Object.assign(window, { allow: resolve, tracks: stream.getTracks() });
      });
      return stream;
    };
  });
  const asked = () => alice.page.waitForFunction(() => 'allow' in window);
  const allow = () =>
    alice.page.evaluate(() => {
      const w = window as unknown as { allow?: () => void };
      w.allow?.();
      delete w.allow;
    });
  const hears = () =>
    alice.page.evaluate(() =>
      (window as unknown as { tracks: MediaStreamTrack[] }).tracks.some((one) => one.readyState === 'live'),
    );
  await begin(alice);
  await asked();
  await alice.openChat('Carol');
  await allow();
  await expect.poll(hears).toBe(false);
  expect(await alice.page.locator('.recorder').count()).toBe(0);

  await alice.openChat(room);
  await begin(alice);
  await asked();
  await allow();
  await alice.page.locator('.recorder-time', { hasText: '0:01' }).waitFor();
  await end(alice).evaluate((button: HTMLElement) => {
    button.click();
    button.click();
  });
  await bob.page.locator('.voice').waitFor();
  expect(await hears()).toBe(false);
  await alice.write('once');
  await bob.message('once').waitFor();
  expect(await bob.page.locator('.voice').count()).toBe(1);
});

test('a browser that records nothing but MP4, as Safari does, is understood', async () => {
  const room = await crowd.room('bob');
  const alice = await crowd.open();
  await alice.page.addInitScript(() => {
    const known = MediaRecorder.isTypeSupported.bind(MediaRecorder);
    MediaRecorder.isTypeSupported = (type) => !/webm|ogg/.test(type) && known(type);
  });
  await alice.page.reload();
  await alice.signIn('alice');
  const bob = await crowd.enter('bob');
  await bob.openChat(room);
  await alice.openChat(room);
  await begin(alice);
  await alice.page.locator('.recorder-time', { hasText: '0:01' }).waitFor();
  await end(alice).click();
  const voice = bob.page.locator('.voice');
  await voice.waitFor();
  const played = bob.page.waitForResponse((r) => new URL(r.url()).pathname.startsWith('/media/'));
  const playing = voice.getByRole('button', { name: 'Pause' }).waitFor(); // it may be over before one looks
  await voice.getByRole('button', { name: 'Play' }).click();
  await playing;
  const { headers, name } = await played.then(async (r) => ({
    headers: await r.allHeaders(),
    name: (await r.headerValue('content-disposition')) ?? '',
  }));
  expect(headers['content-type']).toMatch(/^audio\/(mp4|x-m4a)/);
  expect(name).toContain('voice.m4a');
  expect(await voice.getByRole('slider').getAttribute('aria-valuetext')).toMatch(/0:0[12]$/);
});
