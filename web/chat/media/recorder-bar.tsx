// What shows while a voice message is recorded, in the place where one writes.

import { Icon } from '../../ui/icon';
import { t } from '../../ui/prefs';
import { duration } from './describe';
import { slideFar } from './record';
import type { Recording } from './recording';
import { pathOf } from './waveform';

const shown = 48;

interface RecorderBarProps {
  recording: Recording;
  /** By a finger: it cancels by sliding. */
  held: boolean;
  /** Pixels. */
  slide: number;
  cancel(): void;
}

export function RecorderBar({ recording, held, slide, cancel }: RecorderBarProps) {
  const text = t.value.media;
  const levels = recording.levels.value.slice(-shown);
  const lines = [...Array.from({ length: shown - levels.length }, () => 0), ...levels];
  const away = slide > slideFar;
  return (
    <div class={`recorder ${away ? 'away' : ''}`}>
      {held ? (
        <span class="recorder-dot" aria-hidden="true" />
      ) : (
        <button
          type="button"
          class="icon-button"
          aria-label={text.cancelRecording}
          title={text.cancelRecording}
          onClick={cancel}
        >
          <Icon name="trash" />
        </button>
      )}
      <span class="hidden-visually" role="status">
        {text.recording}
      </span>
      <span class="recorder-time">{duration(Math.floor(recording.length.value))}</span>
      {held ? (
        <span class="recorder-slide" style={{ transform: `translateX(${-Math.min(slide, slideFar) / 2}px)` }}>
          <Icon name="previous" />
          {away ? text.release : text.slide}
        </span>
      ) : (
        <svg class="recorder-wave" viewBox="0 0 192 24" preserveAspectRatio="none" aria-hidden="true">
          <path d={pathOf(lines)} />
        </svg>
      )}
    </div>
  );
}
