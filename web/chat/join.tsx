import { useEffect, useState } from 'preact/hooks';
import type { Group } from '../core';
import { Avatar } from '../ui/avatar';
import { Field } from '../ui/field';
import { format } from '../ui/format';
import { Name } from '../ui/name';
import { t } from '../ui/prefs';
import { attempt } from '../ui/toast';
import { useCore } from './context';
import { requestLimit } from './limits';

/** A group that one is not in and may enter, by its link. */
export function Join({ group, entered }: { group: Group; entered(): Promise<void> }) {
  const core = useCore();
  const text = t.value.group;
  const [asked, setAsked] = useState(false);
  const [message, setMessage] = useState('');
  const isIn = !!group.role;
  // Somebody has let one in.
  useEffect(() => {
    if (isIn) void entered();
  }, [isIn]);
  const join = async () => {
    if ((await core.joinGroup(group.gid, message.trim())) === 'asked') setAsked(true);
    else await entered();
  };
  return (
    <div class="empty blank">
      <Avatar id={`g:${group.gid}`} name={group.name} src={group.avatar} size="l" group />
      <strong>
        <Name name={group.name} />
      </strong>
      <span>{text.memberCount(group.members, format.value.number.format(group.members))}</span>
      {asked ? (
        <span role="status">{text.joinAsked}</span>
      ) : (
        <>
          {group.join === 'approval' && (
            <Field label={text.joinMessage} value={message} onInput={setMessage} maxLength={requestLimit} />
          )}
          <button type="button" class="button primary" onClick={() => attempt(join())}>
            {group.join === 'approval' ? text.askToJoin : text.joinNow}
          </button>
        </>
      )}
    </div>
  );
}
