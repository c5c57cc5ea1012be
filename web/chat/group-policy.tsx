import type { Group, JoinPolicy } from '../core';
import { Segments, Switch } from '../ui/field';
import { t } from '../ui/prefs';
import { attempt } from '../ui/toast';
import { useCore } from './context';

/** What the owner and administrators decide for the whole group: who may write, and who may enter. */
export function GroupPolicy({ group }: { group: Group }) {
  const core = useCore();
  const text = t.value.group;
  const options: [JoinPolicy, string][] = [
    ['open', text.joinOpen],
    ['approval', text.joinApproval],
    ['invite', text.joinInvite],
  ];
  return (
    <section class="switches" aria-label={text.policy}>
      <Switch
        label={text.muteAll}
        hint={text.muteAllHint}
        checked={group.muted_all}
        onChange={(muted_all) => attempt(core.updateGroup(group.gid, { muted_all }))}
      />
      {!group.by_department && (
        <div class="setting join-policy">
          <span>{text.join}</span>
          <Segments
            label={text.join}
            value={group.join}
            options={options}
            onChange={(join) => attempt(core.updateGroup(group.gid, { join }))}
          />
          <small class="row-sub">{text.joinHints[group.join]}</small>
        </div>
      )}
    </section>
  );
}
