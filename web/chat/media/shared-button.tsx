// The ways to a conversation's files: from its panel and from its menu.

import { Icon } from '../../ui/icon';
import { MenuItem } from '../../ui/menu';
import { t } from '../../ui/prefs';
import { withPart } from './lazy';

const open = (conv: string) => withPart(import('./shared-panel'), ({ openShared }) => openShared(conv));

export function SharedButton({ conv }: { conv: string }) {
  return (
    <button type="button" class="button plain shared-button" onClick={() => open(conv)}>
      <Icon name="image" />
      {t.value.media.panel}
      <Icon name="next" />
    </button>
  );
}

export function SharedMenuItem({ conv }: { conv: string }) {
  return (
    <MenuItem icon="image" onSelect={() => open(conv)}>
      {t.value.media.panel}
    </MenuItem>
  );
}
