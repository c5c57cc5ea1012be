import { useState } from 'preact/hooks';
import type { Group } from '../core';
import { Avatar } from '../ui/avatar';
import { Dialog } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { t } from '../ui/prefs';
import { GroupLinks, JoinRequests } from '../ui/ways-in';
import { useCore, usePerson } from './context';

/** Who asks to join, and the links into the group: for those who manage it. */
export function WaysIn({ group }: { group: Group }) {
  const core = useCore();
  const requests = core.joining.requests(group.gid).value;
  const [inviting, setInviting] = useState(false);
  const text = t.value.group;
  return (
    <>
      {requests.length > 0 && (
        <section class="ways-in" aria-label={text.requests}>
          <h3 class="list-heading">
            {text.requests} <span class="badge">{requests.length}</span>
          </h3>
          <JoinRequests
            requests={requests}
            nameOf={(uid) => core.person(uid).value.name}
            picture={(uid) => <Picture uid={uid} />}
            answer={(uid, accept) => core.joining.answer(group.gid, uid, accept)}
          />
        </section>
      )}
      <div class="ways-in switches">
        <button type="button" class="button plain shared-button" onClick={() => setInviting(true)}>
          <Icon name="groupAdd" />
          {text.invite}
          <Icon name="next" />
        </button>
      </div>
      {inviting && (
        <Dialog title={text.links} onClose={() => setInviting(false)}>
          <GroupLinks
            name={group.name}
            nameOf={(uid) => core.person(uid).value.name}
            list={() => core.joining.links(group.gid)}
            change={{
              make: (days) => core.joining.makeLink(group.gid, days),
              withdraw: (id) => core.joining.withdraw(group.gid, id),
            }}
          />
        </Dialog>
      )}
    </>
  );
}

function Picture({ uid }: { uid: string }) {
  const person = usePerson(uid);
  return <Avatar id={uid} name={person.name} src={person.avatar} size="s" />;
}
