import { useState } from 'preact/hooks';
import { now } from './day';
import { Dialog } from './dialog';
import { Segments } from './field';
import { t } from './prefs';
import { explain } from './problem';
import './styles/ways-in.css';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

interface MuteProps {
  name: string;
  /** until: RFC 3339. */
  run(until: string): Promise<void>;
  onClose(): void;
}

/** Takes a member's voice for a time that one chooses. */
export function MuteMember({ name, run, onClose }: MuteProps) {
  const text = t.value.group;
  const [span, setSpan] = useState(String(hour));
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const options: [string, string][] = [
    [String(10 * minute), text.minutes(10)],
    [String(hour), text.hours(1)],
    [String(day), text.days(1)],
    [String(7 * day), text.days(7)],
    [String(30 * day), text.days(30)],
  ];
  const submit = async () => {
    setBusy(true);
    try {
      await run(new Date(now() + Number(span)).toISOString());
      onClose();
    } catch (e) {
      setError(explain(e));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={text.muteTitle(name)}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <button type="button" class="button" onClick={onClose}>
            {t.value.dialog.cancel}
          </button>
          <button type="submit" class="button primary" disabled={busy}>
            {text.mute}
          </button>
        </>
      }
    >
      <p>{text.muteHint}</p>
      <div class="mute-spans">
        <Segments label={text.muteFor} value={span} options={options} onChange={setSpan} />
      </div>
      {error && (
        <p class="callout error" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}
