import { bytes } from '../../ui/format';
// How far a file is on its way to the server, and the way to call it back.

import type { Message, PendingFile } from '../../core';
import { Icon } from '../../ui/icon';
import { t } from '../../ui/prefs';
import { useCore } from '../context';
import { framed } from '../surface';

/** Around of the ring, in its own units. */
const around = 2 * Math.PI * 16;

/** Whether a file is on its way, or waits to be. */
export function isGoing(m: Message | undefined, file: PendingFile | undefined): file is PendingFile {
  return !!file && m?.state === 'waiting';
}

/** A ring that closes as the file goes; a click calls the message back. */
export function UploadRing({ m, file }: { m: Message; file: PendingFile }) {
  const core = useCore();
  const text = t.value.media;
  const { sent, problem } = core.media.progress(file.key).value;
  const part = file.size > 0 ? Math.min(1, sent / file.size) : 0;
  const words = sent > 0 ? text.uploading(bytes(Math.min(sent, file.size)), bytes(file.size)) : text.waitingFile;
  return (
    <span class={`upload ${problem ? 'held' : ''} ${sent > 0 ? '' : 'still'}`}>
      <button
        type="button"
        class="upload-ring"
        aria-label={text.cancelUpload(file.name)}
        title={text.cancelUpload(file.name)}
        onClick={() => core.discard(m.conv, m.id)}
      >
        <svg viewBox="0 0 36 36" aria-hidden="true">
          <circle cx="18" cy="18" r="16" />
          <circle class="done" cx="18" cy="18" r="16" stroke-dasharray={`${Math.max(0.03, part) * around} ${around}`} />
        </svg>
        <Icon name="close" />
      </button>
      <progress class="hidden-visually" max={1} value={part} aria-label={words} />
    </span>
  );
}

/** Why the files of a message don't go on for now, or what they are in danger of: one line for all of them. */
export function UploadTrouble({ m }: { m: Message }) {
  const core = useCore();
  const text = t.value.media;
  const held = m.files?.map((f) => core.media.progress(f.key).value.problem).find((p) => p && p.status > 0);
  if (!held || m.state !== 'waiting') {
    // A panel keeps nothing ever: its files are said to go with the page by nobody but the browser.
    return core.media.passing.value.has(m.id) && !framed ? <p class="upload-trouble">{text.onlyHere}</p> : null;
  }
  return (
    <p class="upload-trouble" role="status">
      {text.tryingAgain}{' '}
      <button type="button" class="link" onClick={() => core.media.nudge()}>
        {text.tryNow}
      </button>
    </p>
  );
}
