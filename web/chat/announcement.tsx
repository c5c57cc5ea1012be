import { useState } from 'preact/hooks';
import { Icon } from '../ui/icon';
import { Words } from '../ui/name';
import { t } from '../ui/prefs';
import { recall, remember } from '../ui/remember';
import { useCore } from './context';
import { follow, href } from './route';

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
