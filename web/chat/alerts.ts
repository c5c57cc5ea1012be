// What tells of a message that one isn't looking at: a desktop notification, a short sound, a count on the page's icon.

import { effect, signal } from '@preact/signals';
import type { Conversation, Core, Message } from '../core';
import { notify, onNotified } from '../shell/notify';
import { clean } from '../ui/name';
import { t } from '../ui/prefs';
import { followed, recall, remember } from '../ui/remember';
import { go, href, route } from './route';
import { summary } from './summary';

export const supported = typeof Notification === 'function';

/** What the browser allows; 'default': it has not been asked. */
export const permission = signal<NotificationPermission>(supported ? Notification.permission : 'denied');
/** What the person wants, on this browser. */
export const wanted = signal(recall('notifications') !== 'off');
export const sound = signal(recall('sound') !== 'off');
/** Something came that would have been worth a notification: now it makes sense to ask. */
export const missed = signal(false);
/** "Not now" was the answer: it isn't asked again, the settings have it. */
export const declined = signal(recall('notifications.asked') !== null);

/** Asks the browser. Only ever called by a click. */
export async function turnOn(): Promise<void> {
  wanted.value = true;
  if (supported && Notification.permission === 'default') await Notification.requestPermission();
  if (supported) permission.value = Notification.permission;
  decline();
}

export function decline(): void {
  declined.value = true;
  remember('notifications.asked', 'yes');
}

/** Of all tabs of this browser one makes itself heard, and none while somebody looks at any of them. */
const speaker = 'magpie.speaker';
const looker = 'magpie.looker';
let speaks = !navigator.locks;

export const looksHere = () => document.visibilityState === 'visible' && document.hasFocus();

async function looksAnywhere(): Promise<boolean> {
  if (looksHere() || !navigator.locks) return looksHere();
  const { held } = await navigator.locks.query();
  return held?.some((lock) => lock.name === looker) ?? false;
}

/** Holds a lock while the page is looked at, so that the other tabs know. */
function followLooking(): void {
  let release: (() => void) | undefined;
  const follow = () => {
    if (looksHere() && !release) {
      const held = new Promise<void>((done) => {
        release = done;
      });
      navigator.locks.request(looker, { mode: 'shared' }, () => held);
    } else if (!looksHere()) {
      release?.();
      release = undefined;
    }
  };
  addEventListener('focus', follow);
  addEventListener('blur', follow);
  document.addEventListener('visibilitychange', follow);
  follow();
}

/** Whether a message is worth a word: not from a muted conversation, unless it mentions oneself by name. */
export function isWorthy(m: Message, c: Pick<Conversation, 'muted'>, me: string | undefined): boolean {
  const at = m.media[0]?.content.at;
  return !m.mine && (!c.muted || (Array.isArray(at) && at.includes(me)));
}

export function startAlerts(core: Core): void {
  if (navigator.locks) {
    navigator.locks.request(speaker, () => {
      speaks = true;
      return new Promise(() => {}); // until the page is closed
    });
    followLooking();
  }
  // The tab that speaks may be another than the one in which one chooses.
  followed('notifications', () => {
    wanted.value = recall('notifications') !== 'off';
  });
  followed('sound', () => {
    sound.value = recall('sound') !== 'off';
  });
  followed('notifications.asked', () => {
    declined.value = true;
    if (supported) permission.value = Notification.permission;
  });
  effect(() => remember('notifications', wanted.value ? 'on' : 'off'));
  effect(() => remember('sound', sound.value ? 'on' : 'off'));
  effect(() => count(core.account.value.status === 'in' ? core.unreadTotal.value : 0));
  core.on('message', (m, c) => void tell(core, m, c));
  onNotified(go);
}

async function tell(core: Core, m: Message, c: Conversation): Promise<void> {
  if (!isWorthy(m, c, core.account.peek().me?.uid)) return;
  const now = route.peek();
  if (looksHere() && now.view === 'chats' && now.conv === m.conv) return;
  missed.value = true;
  if (!speaks) return;
  const looking = await looksAnywhere();
  if (sound.peek()) play();
  if (!looking && wanted.peek() && supported && Notification.permission === 'granted') show(core, m, c);
}

function show(core: Core, m: Message, c: Conversation): void {
  const icon = document.querySelector<HTMLLinkElement>('link[rel=apple-touch-icon]')?.href;
  const words = summary(m).slice(0, 200);
  const body = c.kind === 'group' ? t.peek().chat.said(clean(core.person(m.sender).peek().name), words) : words;
  // One for each conversation: a newer one takes the place of the older.
  void notify({ title: clean(c.name), body, tag: m.conv, icon, path: href.conv(m.conv) }, go);
}

let audio: AudioContext | undefined;
let lastPlayed = 0;

/** Two soft notes, a fifth apart; a burst of messages is one sound. A browser that was never clicked in stays silent. */
export function play(): void {
  if (Date.now() - lastPlayed < 1500 || typeof AudioContext !== 'function') return;
  lastPlayed = Date.now();
  audio ??= new AudioContext();
  const begin = audio.currentTime + 0.02;
  for (const [i, pitch] of [587.33, 880].entries()) {
    const at = begin + i * 0.11;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.type = 'sine';
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.12, at + 0.015);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.32);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.35);
  }
  audio.resume().catch(() => {});
}

/** ms between two pictures of the page's icon: a burst of messages is one. */
const iconPause = 300;
let unread = 0;
let drawing: ReturnType<typeof setTimeout> | undefined;

function count(n: number): void {
  if (unread === n) return;
  unread = n;
  if (drawing !== undefined) return;
  drawing = setTimeout(() => {
    drawing = undefined;
    void badge(unread);
  }, iconPause);
}

let plain: string | undefined;

/** The page's icon with the number of unread messages on it. */
async function badge(count: number): Promise<void> {
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  if (!link) return;
  plain ??= link.href;
  if (count === 0) {
    link.href = plain;
    return;
  }
  const picture = new Image();
  picture.src = plain;
  try {
    await picture.decode();
  } catch {
    return;
  }
  if (unread !== count) return;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  const g = canvas.getContext('2d');
  if (!g) return;
  g.drawImage(picture, 0, 0, 64, 64);
  g.fillStyle = '#d23c32';
  g.beginPath();
  g.arc(44, 44, 20, 0, 2 * Math.PI);
  g.fill();
  g.fillStyle = '#fff';
  g.textAlign = 'center';
  g.textBaseline = 'middle';
  g.font = `bold ${count > 9 ? 24 : 30}px sans-serif`;
  g.fillText(count > 99 ? '99' : String(count), 44, 46);
  link.href = canvas.toDataURL();
}
