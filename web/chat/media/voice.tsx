// A voice message, or another sound: play, seek in the waveform, how fast.

import { useEffect, useRef } from 'preact/hooks';
import type { Message } from '../../core';
import { format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { t } from '../../ui/prefs';
import { toast } from '../../ui/toast';
import { route } from '../route';
import { amount, duration, fileName, isVoice, link, type Shown, words } from './describe';
import { FileName } from './file-card';
import { useLocal } from './picture';
import { current, nextRate, pause, play, playing, position, rate, seek } from './player';
import { isGoing, UploadRing } from './uploading';
import { barsOf, pathOf } from './waveform';

/** Seconds of one step by arrow keys. */
const step = 5;

export function Voice({ m, one }: { m: Message; one: Shown }) {
  const text = t.value.media;
  const root = useRef<HTMLDivElement>(null);
  const { content, pending } = one;
  const key = `${m.id} ${one.at}`;
  const local = useLocal(pending?.key);
  const href = link(content, 'co') || local || '';
  const length = amount(content, 'si');
  const mine = current.value === key;
  const on = mine && playing.value;
  const at = mine ? Math.min(position.value, length || position.value) : 0;
  const voice = isVoice(one);

  const start = (from = at) => {
    play(key, href, from, () => (voice ? after(root.current) : undefined)).catch((e) => {
      if (e instanceof Error && e.name !== 'AbortError') toast(text.unavailable);
    });
  };
  useEffect(
    () => () => {
      // What plays goes on when its row is scrolled out of the page, but not when the conversation is left.
      const now = route.peek();
      if (current.peek() === key && !(now.view === 'chats' && now.conv === m.conv)) pause();
    },
    [key, m.conv],
  );

  const go = (to: number) => {
    const there = Math.max(0, Math.min(length, to));
    if (mine) seek(key, there);
    else start(there);
  };
  const keys = (e: KeyboardEvent) => {
    const to = { ArrowRight: at + step, ArrowUp: at + step, ArrowLeft: at - step, ArrowDown: at - step, Home: 0 }[
      e.key
    ];
    // Keys move in what was begun; they don't begin to play.
    if (to === undefined || !mine) return;
    e.preventDefault();
    go(to);
  };
  const point = (e: PointerEvent & { currentTarget: HTMLElement }) => {
    if (!(e.buttons & 1) || !href || !length) return;
    const box = e.currentTarget.getBoundingClientRect();
    e.currentTarget.setPointerCapture(e.pointerId);
    const part = (e.clientX - box.left) / box.width;
    go((getComputedStyle(e.currentTarget).direction === 'rtl' ? 1 - part : part) * length);
  };
  const d = pathOf(barsOf(words(content, 'wf')));
  const part = length ? at / length : 0;
  return (
    <div ref={root} class="voice" data-playing={on ? '' : undefined}>
      {isGoing(m, pending) ? (
        <UploadRing m={m} file={pending} />
      ) : (
        <button
          type="button"
          class="voice-play"
          aria-label={on ? text.pause : text.play}
          disabled={!href}
          onClick={() => (on ? pause() : start())}
        >
          <Icon name={on ? 'pause' : 'play'} />
        </button>
      )}
      <div class="voice-body">
        {!voice && <FileName name={fileName(content)} />}
        <div
          class="voice-wave"
          role="slider"
          tabIndex={0}
          aria-label={text.position}
          aria-valuemin={0}
          aria-valuemax={Math.round(length)}
          aria-valuenow={Math.round(at)}
          aria-valuetext={`${duration(at)} / ${duration(length)}`}
          onKeyDown={keys}
          onPointerDown={point}
          onPointerMove={point}
        >
          <svg viewBox="0 0 192 24" preserveAspectRatio="none" aria-hidden="true">
            <path d={d} />
          </svg>
          <svg
            class="voice-done"
            viewBox="0 0 192 24"
            preserveAspectRatio="none"
            aria-hidden="true"
            style={{ clipPath: `inset(0 ${(1 - part) * 100}% 0 0)` }}
          >
            <path d={d} />
          </svg>
        </div>
        <span class="voice-line">
          <span>{duration(mine && (on || at > 0) ? at : length)}</span>
          {mine && (
            <button
              type="button"
              class="voice-rate"
              aria-label={text.speed(`${format.value.number.format(rate.value)}×`)}
              onClick={nextRate}
            >
              {format.value.number.format(rate.value)}×
            </button>
          )}
        </span>
      </div>
    </div>
  );
}

/** The next voice message that stands below plays on. */
function after(root: HTMLElement | null): void {
  if (!root) return;
  const all = [...document.querySelectorAll('.timeline .voice')];
  const next = all[all.indexOf(root) + 1];
  next?.querySelector<HTMLButtonElement>('.voice-play:not(:disabled)')?.click();
}
