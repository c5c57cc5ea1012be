import { useState } from 'preact/hooks';
import type { OrgAnnouncement } from '../core';
import { Dialog } from '../ui/dialog';
import { format } from '../ui/format';
import { Icon } from '../ui/icon';
import { linkify } from '../ui/linkify';
import { Words } from '../ui/name';
import { t } from '../ui/prefs';
import { attempt } from '../ui/toast';
import { useCore } from './context';

/** What the organisation has announced, above everything until it has been read: one at a time, the newest first. */
export function OrgAnnouncementStrip() {
  const core = useCore();
  const [open, setOpen] = useState<OrgAnnouncement>();
  const text = t.value.orgAnnouncement;
  const [first] = core.announcements.value;
  return (
    <>
      {first && (
        <section class="strip" aria-label={text.label}>
          <Icon name="announce" />
          <Words class="ellipsis">{first.title}</Words>
          <button type="button" class="button small" onClick={() => setOpen(first)}>
            {text.read}
          </button>
        </section>
      )}
      {open && (
        <Dialog
          title={open.title}
          onClose={() => {
            setOpen(undefined);
            attempt(core.readAnnouncement(open.id));
          }}
        >
          <p class="org-announcement" dir="auto">
            {linkify(open.text)}
          </p>
          <p class="field-hint">{format.value.full.format(Date.parse(open.created))}</p>
        </Dialog>
      )}
    </>
  );
}
