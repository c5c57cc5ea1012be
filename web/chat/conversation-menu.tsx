import type { Conversation } from '../core';
import { Switch } from '../ui/field';
import { MenuItem } from '../ui/menu';
import { t } from '../ui/prefs';
import { attempt } from '../ui/toast';
import { useCore } from './context';
import { SharedButton, SharedMenuItem } from './media/shared-button';

/** What one can do with a conversation, in the list and in its bar. */
export function ConversationMenuItems({ c }: { c: Conversation }) {
  const core = useCore();
  const text = t.value.list;
  const read = () => {
    const view = core.open(c.conv);
    view.markRead();
    view.close();
  };
  return (
    <>
      {c.unread > 0 && (
        <MenuItem icon="checks" onSelect={read}>
          {text.markRead}
        </MenuItem>
      )}
      <MenuItem icon="pin" onSelect={() => attempt(core.setConversation(c.conv, { pinned: !c.pinned }))}>
        {c.pinned ? text.unpin : text.pin}
      </MenuItem>
      <MenuItem
        icon={c.muted ? 'bell' : 'bellOff'}
        onSelect={() => attempt(core.setConversation(c.conv, { muted: !c.muted }))}
      >
        {c.muted ? text.unmute : text.mute}
      </MenuItem>
      <SharedMenuItem conv={c.conv} />
    </>
  );
}

/** The same as switches, in the panel of details. */
export function ConversationSwitches({ conv }: { conv: string }) {
  const core = useCore();
  const c = core.conversations.value.find((one) => one.conv === conv);
  const text = t.value.list;
  if (!c) return null;
  return (
    <div class="switches">
      <SharedButton conv={conv} />
      <Switch
        label={text.pin}
        checked={c.pinned}
        onChange={(pinned) => attempt(core.setConversation(conv, { pinned }))}
      />
      <Switch
        label={text.mute}
        hint={text.muteHint}
        checked={c.muted}
        onChange={(muted) => attempt(core.setConversation(conv, { muted }))}
      />
    </div>
  );
}
