import { signal } from '@preact/signals';
import type { Conversation } from '../core';
import { Confirm } from '../ui/dialog';
import { Switch } from '../ui/field';
import { Icon } from '../ui/icon';
import { MenuItem } from '../ui/menu';
import { clean } from '../ui/name';
import { personal } from '../ui/personal';
import { t } from '../ui/prefs';
import { attempt } from '../ui/toast';
import { useConversation, useCore } from './context';
import { SharedButton, SharedMenuItem } from './media/shared-button';

/** The conversation whose history one is asked about. */
const clearing = signal<Conversation | undefined>(undefined);

personal(() => {
  clearing.value = undefined;
});

/** What one can do with a conversation, in the list and in its bar. */
export function ConversationMenuItems({ conv }: { conv: string }) {
  const core = useCore();
  const c = useConversation(conv, (one) => one);
  const text = t.value.list;
  if (!c) return null;
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
      {c.last && (
        <>
          <hr />
          <MenuItem
            icon="trash"
            danger
            onSelect={() => {
              clearing.value = c;
            }}
          >
            {text.clear}
          </MenuItem>
        </>
      )}
    </>
  );
}

/** The same as switches, in the panel of details. */
export function ConversationSwitches({ conv }: { conv: string }) {
  const core = useCore();
  const c = useConversation(conv, (one) => one);
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
      {c.last && (
        <button
          type="button"
          class="button plain danger"
          onClick={() => {
            clearing.value = c;
          }}
        >
          <Icon name="trash" />
          {text.clear}
        </button>
      )}
    </div>
  );
}

/** Asks before a history is cleared. It outlives the menu that led to it. */
export function ClearDialog() {
  const core = useCore();
  const c = clearing.value;
  const text = t.value.list;
  if (!c) return null;
  return (
    <Confirm
      title={text.clearAsk(clean(c.name))}
      text={text.clearHint}
      action={text.clearNow}
      danger
      onClose={() => {
        clearing.value = undefined;
      }}
      run={() => core.clear(c.conv)}
    />
  );
}
