import { useState } from 'preact/hooks';
import type { Group } from '../core';
import { Dialog } from '../ui/dialog';
import { Area } from '../ui/field';
import { Icon } from '../ui/icon';
import { Words } from '../ui/name';
import { t } from '../ui/prefs';
import { explain } from '../ui/problem';
import { recall, remember } from '../ui/remember';
import { useCore } from './context';
import { follow, href } from './route';

/** Characters in an announcement: the server's own limit. */
const limit = 2000;

/** What a group has announced, above its messages until it is put away; a new one comes back. */
export function AnnouncementStrip({ gid }: { gid: string }) {
  const announcement = useCore().group(gid).value?.announcement.trim() ?? '';
  const key = `announcement.${gid}`;
  const [seen, setSeen] = useState(() => recall(key));
  const text = t.value.group;
  if (!announcement || seen === announcement) return null;
  return (
    <div class="announcement-strip">
      <Icon name="announce" />
      <a class="ellipsis" href={href.conv(`g:${gid}`, true)} onClick={follow}>
        <span class="hidden-visually">{text.announcement + t.value.list.colon}</span>
        <Words>{announcement}</Words>
      </a>
      <button
        type="button"
        class="icon-button"
        aria-label={text.putAway}
        title={text.putAway}
        onClick={() => {
          remember(key, announcement);
          setSeen(announcement);
        }}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

export function EditAnnouncement({ group, onClose }: { group: Group; onClose(): void }) {
  const core = useCore();
  const text = t.value.group;
  const [value, setValue] = useState(group.announcement);
  const [error, setError] = useState('');
  const save = async () => {
    try {
      if (value.trim() !== group.announcement) await core.updateGroup(group.gid, { announcement: value.trim() });
      onClose();
    } catch (e) {
      setError(explain(e));
    }
  };
  return (
    <Dialog
      title={text.announcement}
      onClose={onClose}
      onSubmit={save}
      footer={
        <button type="submit" class="button primary">
          {text.save}
        </button>
      }
    >
      <Area label={text.announcementHint} value={value} onInput={setValue} maxLength={limit} error={error} />
    </Dialog>
  );
}
