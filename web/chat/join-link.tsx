import { useEffect, useState } from 'preact/hooks';
import type { Group } from '../core';
import { Avatar } from '../ui/avatar';
import { format } from '../ui/format';
import { Name } from '../ui/name';
import { t } from '../ui/prefs';
import { explain, statusOf } from '../ui/problem';
import { useCore } from './context';
import { Nothing } from './lost';
import { follow, go, href } from './route';

/** The token of the link: after the #, so that it is in no server's log. */
const tokenHere = () => location.hash.slice(1);

/** The page that an invitation link leads to: which group it is, and the way in. */
export function JoinLink() {
  const core = useCore();
  const text = t.value.group;
  const [token, setToken] = useState(tokenHere);
  const [group, setGroup] = useState<Group>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [times, setTimes] = useState(0);
  useEffect(() => {
    const changed = () => setToken(tokenHere());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  useEffect(() => {
    let here = true;
    setGroup(undefined);
    setError(undefined);
    core.joining.look(token).then(
      (g) => here && setGroup(g),
      (e) => here && setError(e),
    );
    return () => {
      here = false;
    };
  }, [core, token, times]);
  const enter = async () => {
    setBusy(true);
    try {
      const gid = await core.joining.enter(token);
      go(href.conv(`g:${gid}`), 'replace');
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  const status = statusOf(error);
  if (error !== undefined && (status === 404 || status === 422)) {
    return (
      <Nothing title={text.linkOver} hint={text.linkOverHint}>
        <a class="button primary" href={href.chats} onClick={follow}>
          {t.value.nav.chats}
        </a>
      </Nothing>
    );
  }
  if (!group) {
    if (error === undefined) return <div class="empty blank" aria-busy="true" />;
    return (
      <div class="empty blank" role="alert">
        <strong>{explain(error)}</strong>
        <button type="button" class="button" onClick={() => setTimes(times + 1)}>
          {t.value.chat.again}
        </button>
      </div>
    );
  }
  const isIn = core.groups.value.some((g) => g.gid === group.gid);
  return (
    <div class="empty blank">
      <Avatar id={`g:${group.gid}`} name={group.name} src={group.avatar} size="l" group />
      <strong>
        <Name name={group.name} />
      </strong>
      <span>{text.memberCount(group.members, format.value.number.format(group.members))}</span>
      <span>{text.invited}</span>
      {isIn ? (
        <a class="button primary" href={href.conv(`g:${group.gid}`)} onClick={follow}>
          {text.openGroup}
        </a>
      ) : (
        <button type="button" class="button primary" disabled={busy} onClick={enter}>
          {text.joinNow}
        </button>
      )}
      {error !== undefined && (
        <p class="callout error" role="alert">
          {explain(error)}
        </p>
      )}
    </div>
  );
}
