import type { GroupLink, JoinRequest } from '../../core';
import { Avatar } from '../../ui/avatar';
import { t } from '../../ui/prefs';
import { GroupLinks, JoinRequests } from '../../ui/ways-in';
import { api, can } from '../client';
import { useFetched } from '../fetched';
import { named } from '../names';
import { Block, PaneProblem } from '../parts/split';
import type { AdminGroup } from '../types';

interface WaysProps {
  /** Of the group, after /api/v1. */
  path: string;
  group: AdminGroup;
  onChange(): void;
}

/** Who asks to join a group, and the links into it. */
export function GroupWays({ path, group, onChange }: WaysProps) {
  const text = t.value.group;
  const { value: asking, error, again } = useFetched<{ items: JoinRequest[] }>(`${path}/requests`);
  const nameOf = (uid: string) => named(uid).name;
  return (
    <>
      {error !== undefined && <PaneProblem error={error} again={again} />}
      {asking && asking.items.length > 0 && (
        <Block title={`${text.requests} (${asking.items.length})`}>
          <JoinRequests
            requests={asking.items}
            nameOf={nameOf}
            picture={(uid) => <Avatar id={uid} name={named(uid).name} src={named(uid).avatar} size="s" />}
            answer={
              can('change')
                ? async (uid, accept) => {
                    await api.request(accept ? 'PUT' : 'DELETE', `${path}/requests/${encodeURIComponent(uid)}`);
                    again();
                    onChange();
                  }
                : undefined
            }
          />
        </Block>
      )}
      {!group.follows && (
        <Block title={text.links}>
          <GroupLinks
            name={group.name}
            nameOf={nameOf}
            list={() => api.list<GroupLink>(`${path}/links`)}
            change={
              can('change')
                ? {
                    make: (days) => api.request<GroupLink>('POST', `${path}/links`, { body: { days } }),
                    withdraw: (id) => api.request('DELETE', `${path}/links/${encodeURIComponent(id)}`),
                  }
                : undefined
            }
          />
        </Block>
      )}
    </>
  );
}
