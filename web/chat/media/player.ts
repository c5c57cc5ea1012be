// One sound at a time: what plays, how far it is, how fast. Views read the signals.

import { batch, signal } from '@preact/signals';
import { personal } from '../../ui/personal';
import { recall, remember } from '../../ui/remember';
import { hold } from '../../ui/source';

/** The message that plays or was paused last: its id and the place of the sound in it. */
export const current = signal('');
export const playing = signal(false);
/** Seconds into it. */
export const position = signal(0);
export const rates = [1, 1.5, 2];
export const rate = signal(rates.find((r) => String(r) === recall('voice-rate')) ?? 1);

let sound: HTMLAudioElement | undefined;
let ended: () => void = () => {};
let release: () => void = () => {};

/** A recording does not say how long it is, and can't be sought in before that is known: its end is looked for once. */
const beyond = 1e8;

function element(): HTMLAudioElement {
  if (sound) return sound;
  const el = new Audio();
  el.addEventListener('timeupdate', () => {
    if (el.currentTime < beyond && el.duration !== Number.POSITIVE_INFINITY) position.value = el.currentTime;
  });
  el.addEventListener('play', () => {
    playing.value = true;
    frame();
  });
  el.addEventListener('pause', () => {
    playing.value = false;
  });
  el.addEventListener('ended', () => {
    position.value = 0;
    ended();
  });
  sound = el;
  return el;
}

/** timeupdate comes four times a second: a waveform that fills wants more. */
function frame(): void {
  if (!sound || sound.paused) return;
  if (Number.isFinite(sound.duration)) position.value = sound.currentTime;
  requestAnimationFrame(frame);
}

/** Plays a sound, or goes on with it. href: where it is; then: what is to happen at its end. Rejects when it can't be played. */
export async function play(key: string, href: string, from: number, then: () => void): Promise<void> {
  const el = element();
  ended = () => {}; // looking for the end is not reaching it
  if (current.peek() !== key || el.error) {
    el.pause();
    current.value = key;
    position.value = from;
    await load(el, href);
    if (el !== sound || current.peek() !== key) return; // another one was chosen meanwhile, or the person has left
    el.currentTime = from;
  }
  ended = then;
  el.playbackRate = rate.peek();
  await el.play();
}

personal(() => {
  ended = () => {};
  sound?.pause();
  sound = undefined; // whatever it was still to do is of no one's interest
  release();
  release = () => {};
  batch(() => {
    current.value = '';
    playing.value = false;
    position.value = 0;
  });
});

export function pause(): void {
  sound?.pause();
}

/** Seconds. */
export function seek(key: string, to: number): void {
  if (current.peek() !== key || !sound) return;
  sound.currentTime = to;
  position.value = to;
}

export function nextRate(): void {
  rate.value = rates[(rates.indexOf(rate.peek()) + 1) % rates.length] ?? 1;
  remember('voice-rate', String(rate.value));
  if (sound) sound.playbackRate = rate.value;
}

async function load(el: HTMLAudioElement, href: string): Promise<void> {
  release();
  const source = hold(href);
  release = source.release;
  const url = await source.url;
  if (el !== sound) return;
  el.src = url;
  await once(el, 'loadedmetadata');
  if (el.duration !== Number.POSITIVE_INFINITY) return;
  el.currentTime = beyond;
  await once(el, 'timeupdate');
  el.currentTime = 0;
}

function once(el: HTMLAudioElement, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (f: () => void) => () => {
      el.removeEventListener(event, fine);
      el.removeEventListener('error', wrong);
      f();
    };
    const fine = done(resolve);
    const wrong = done(() => reject(new Error('The sound can’t be played.')));
    el.addEventListener(event, fine);
    el.addEventListener('error', wrong);
  });
}
