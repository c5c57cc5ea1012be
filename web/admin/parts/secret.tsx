import { useState } from 'preact/hooks';
import { Confirm, Dialog } from '../../ui/dialog';
import { ago } from '../../ui/format';
import { toast } from '../../ui/toast';
import { a } from '../text';
import { CopyLine } from '../views/person';

interface SecretProps {
  title: string;
  label: string;
  value: string;
  onClose(): void;
}

/** What is shown once: it stays until one says that one has it. */
export function Secret({ title, label, value, onClose }: SecretProps) {
  const text = a.value.apps;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <button type="button" class="button primary" onClick={onClose}>
          {text.keep}
        </button>
      }
    >
      <CopyLine label={label} value={value} hint={text.secretHint} />
    </Dialog>
  );
}

/** "made 3 days ago · last used 5 minutes ago" */
export function since(key: { created: string; last_used: string | null }): string {
  const text = a.value.apps;
  const used = key.last_used ? text.used(ago(Date.parse(key.last_used))) : text.unused;
  return `${text.madeAt(ago(Date.parse(key.created)))} · ${used}`;
}

interface DeleteProps {
  /** The name of the button for those who do not see what it stands beside. */
  label: string;
  title: string;
  text: string;
  done: string;
  run(): Promise<unknown>;
}

/** A button that deletes what it stands beside, after asking. */
export function DeleteButton({ label, title, text, done, run }: DeleteProps) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button type="button" class="button small danger" aria-label={label} onClick={() => setAsking(true)}>
        {a.value.apps.delete}
      </button>
      {asking && (
        <Confirm
          title={title}
          text={text}
          action={a.value.apps.delete}
          danger
          onClose={() => setAsking(false)}
          run={async () => {
            await run();
            toast(done);
          }}
        />
      )}
    </>
  );
}
