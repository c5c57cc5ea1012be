import { Avatar, Dot } from '../ui/avatar';
import { format } from '../ui/format';
import { Icon } from '../ui/icon';
import { Name, Words } from '../ui/name';
import { t } from '../ui/prefs';
import { attempt, toast } from '../ui/toast';
import { BotTag } from './bot-tag';
import { useCore } from './context';
import { ConversationSwitches } from './conversation-menu';
import { Lost } from './lost';
import { back, follow, href } from './route';
import { only } from './surface';

/** Who somebody is, and what one can do about it. */
export function Profile({ uid, inInfo }: { uid: string; inInfo?: boolean }) {
  const core = useCore();
  const p = core.person(uid).value;
  const me = core.account.value.me?.uid === uid;
  const isContact = core.contacts.value.some((c) => c.uid === uid);
  const text = t.value.people;
  const presence = t.value.presence;
  const terminals = p.terminals.map((k) => terminalName(k));

  const add = async () => {
    const how = await core.addContact(uid);
    toast(how === 'added' ? text.added(p.name) : text.asked(p.name));
  };
  const remove = async () => {
    await core.removeContact(uid);
    toast(text.removed(p.name));
  };

  if (p.missing) return <Lost what="person" />;
  return (
    <div class="profile">
      <Avatar id={uid} name={p.name} src={p.avatar} size="l" />
      <h2 class="profile-name">
        <Name name={p.name} uid={p.uid} />
        <BotTag uid={p.uid} />
      </h2>
      <p class="profile-presence">
        <Dot status={p.presence.status} />
        <Words>{p.presence.text || presence[p.presence.status]}</Words>
        {terminals.length > 0 && (
          <span class="row-sub">· {presence.terminals(format.value.list.format(terminals))}</span>
        )}
      </p>
      {me ? (
        <p class="row-sub">{text.you}</p>
      ) : (
        <div class="profile-actions">
          {!inInfo && !only.value && (
            <a class="button primary" href={href.conv(`u:${uid}`)} onClick={follow}>
              <Icon name="chats" />
              {text.message}
            </a>
          )}
          {isContact ? (
            <button type="button" class="button" onClick={() => attempt(remove())}>
              {text.remove}
            </button>
          ) : (
            <button type="button" class="button" onClick={() => attempt(add())}>
              <Icon name="plus" />
              {text.add}
            </button>
          )}
        </div>
      )}
      <dl class="facts">
        <Fact name={text.userName} value={p.uid} />
        <Fact name={text.jobTitle} value={p.title} />
        <Fact name={text.department} value={p.department} />
      </dl>
      {inInfo && <ConversationSwitches conv={`u:${uid}`} />}
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  if (!value) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <Words>{value}</Words>
      </dd>
    </div>
  );
}

function terminalName(kind: string): string {
  const { pc, phone, web, widget, service } = t.value.presence;
  return { pc, phone, web, widget, service }[kind] ?? kind;
}

/** The profile as a page of its own, beside the list of people. */
export function ProfilePane({ uid }: { uid: string }) {
  return (
    <section class="page" aria-label={t.value.people.title}>
      <header class="pane-bar only-phone">
        <button type="button" class="icon-button" aria-label={t.value.nav.back} onClick={() => back(href.people)}>
          <Icon name="back" />
        </button>
      </header>
      <div class="pane-scroll page-body">
        <Profile uid={uid} />
      </div>
    </section>
  );
}
