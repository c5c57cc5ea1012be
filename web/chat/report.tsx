import type { Message } from '../core';
import { EditDialog } from '../ui/edit';
import { t } from '../ui/prefs';
import { toast } from '../ui/toast';
import { useCore } from './context';

/** Characters of a reason: the server's own limit. */
const limit = 500;

/** Tells the administrators of a message, and why. */
export function ReportMessage({ message, onClose }: { message: Message; onClose(): void }) {
  const core = useCore();
  const text = t.value.report;
  return (
    <EditDialog
      title={text.title}
      label={text.reason}
      value=""
      maxLength={limit}
      long
      required={t.value.signIn.required}
      action={text.submit}
      onClose={onClose}
      save={async (reason) => {
        await core.report(message.conv, message.seq ?? 0, reason);
        toast(text.done);
      }}
    >
      {() => <p class="field-hint">{text.hint}</p>}
    </EditDialog>
  );
}
