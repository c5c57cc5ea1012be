import { effect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Account, Core } from '../core';
import { Icon, type IconName } from '../ui/icon';
import { Logo } from '../ui/logo';
import { note } from '../ui/name';
import { forgetPerson } from '../ui/personal';
import { t } from '../ui/prefs';
import { Toasts } from '../ui/toast';
import { AccountMenu } from './account';
import { split, useCore } from './context';
import { ClearDialog } from './conversation-menu';
import { ConversationList } from './list';
import { Lost, Nothing } from './lost';
import { lazy } from './media/lazy';
import { Over } from './media/overlay';
import { OrgAnnouncementStrip } from './org-announcement';
import { PeopleSkeleton } from './people';
import { back, follow, go, href, type Route, route } from './route';
import { Shortcuts } from './shortcut-list';
import { shortcut } from './shortcuts';
import { SignIn } from './signin';
import { KickedDialog, StatusStrip } from './status';
import { useStay } from './stay';
import { framed } from './surface';

// What is not needed at the first look comes when it is.
const SettingsPane = lazy(
  async () => (await import('./settings')).SettingsPane,
  () => <div class="page" aria-busy="true" />,
);
const ConversationPane = lazy(
  async () => (await import('./conversation')).ConversationPane,
  () => <section class="conversation-pane" aria-busy="true" />,
);
const PeopleList = lazy(
  async () => (await import('./people-list')).PeopleList,
  () => <PeopleSkeleton />,
);
const Profile = lazy(async () => (await import('./profile')).Profile);
const ProfilePane = lazy(async () => (await import('./profile')).ProfilePane);
const JoinLink = lazy(async () => (await import('./join-link')).JoinLink);
const Setup = lazy(async () => (await import('./setup')).Setup);
const NotSetUp = lazy(async () => (await import('./setup')).NotSetUp);
const GroupInfo = lazy(
  async () => (await import('./group-info')).GroupInfo,
  () => <PeopleSkeleton />,
);

export function App() {
  const core = useCore();
  const { status } = core.account.value;
  const unread = core.unreadTotal.value;
  const texts = t.value;
  useEffect(() => {
    document.title = texts.title(unread);
  }, [texts, unread]);
  useReturn(status);
  return (
    <>
      {route.value.view === 'setup' ? (
        <Setup />
      ) : status === 'in' ? (
        <Shell key={whoOf(core.account.value)} />
      ) : status === 'out' ? (
        core.about.value?.setup ? (
          <NotSetUp />
        ) : (
          <SignIn />
        )
      ) : (
        <Starting />
      )}
      <Toasts />
    </>
  );
}

/** The administration sends whoever is not signed in here (`?to=/admin/…`), and has them back when they are. */
function useReturn(status: Account['status']) {
  const before = useRef(status);
  useEffect(() => {
    const to = new URLSearchParams(location.search).get('to') ?? '';
    if (before.current === 'out' && status === 'in' && /^\/admin(\/|\?|$)/.test(to)) location.replace(to);
    before.current = status;
  }, [status]);
}

/** While the login is being restored: the app's own outline, so that nothing jumps when it comes. */
export function Starting() {
  return (
    <div class="shell" data-pane="list" aria-busy="true">
      <div class="rail" />
      <div class="list-pane" />
      <div class="main-pane blank">
        <Logo class="blank-logo" />
      </div>
    </div>
  );
}

/** Which pane a phone shows; a desktop shows them side by side. */
function paneOf(r: Route): 'list' | 'main' | 'info' {
  if (r.view === 'chats') return r.conv ? (r.info ? 'info' : 'main') : 'list';
  if (r.view === 'people') return r.uid ? 'main' : 'list';
  return 'main';
}

/** ms after the list has come until what shows a conversation is fetched, unless one opens one before. */
const patience = 1000;

export function Shell({ children }: { children?: ComponentChildren }) {
  const core = useCore();
  const r = route.value;
  useEffect(() => {
    const keys = (e: KeyboardEvent) => shortcut(core, e);
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  }, [core]);
  useStay();
  useEffect(() => noteNames(core), [core]);
  useEffect(() => forgetAtLeave(core), [core]);
  const current = core.current.value;
  useEffect(() => {
    if (!current) return;
    const timer = setTimeout(ConversationPane.load, patience);
    return () => clearTimeout(timer);
  }, [current]);
  return (
    <div class="frame" data-current={core.current.value}>
      {core.about.value?.demo && !framed && <p class="demo-strip">{t.value.demoBanner}</p>}
      <StatusStrip />
      <OrgAnnouncementStrip />
      <div class="shell" data-pane={paneOf(r)}>
        <Rail />
        <div class="list-pane">{r.view === 'people' ? <PeopleList /> : <ConversationList />}</div>
        <main class="main-pane" id="main">
          <Main r={r} />
        </main>
        {r.view === 'chats' && r.conv && r.info && <InfoPane conv={r.conv} />}
        {children}
      </div>
      <Over />
      <KickedDialog />
      <ClearDialog />
    </div>
  );
}

/** Who is signed in, and where; empty for nobody. The shell is another one for each (`key`). */
export function whoOf({ me, org }: Account): string {
  return me ? `${org?.eid} ${me.uid}` : '';
}

/** With the person goes what the page keeps of them: at once, and again with the last of the views, which may still have been busy. */
function forgetAtLeave(core: Core): () => void {
  const who = whoOf(core.account.peek());
  const stop = effect(() => {
    if (whoOf(core.account.value) !== who) forgetPerson();
  });
  return () => {
    stop();
    forgetPerson();
  };
}

/** Whom one knows is compared with whomever one meets: names that imitate them then show whose they are. */
function noteNames(core: Core): () => void {
  return effect(() => {
    for (const p of core.contacts.value) note(p.uid, p.name);
    for (const c of core.conversations.value) if (c.kind === 'user') note(c.conv.slice(2), c.name);
    const { me } = core.account.value;
    if (me) note(me.uid, me.name);
  });
}

function Main({ r }: { r: Route }) {
  const text = t.value;
  switch (r.view) {
    case 'settings':
      return <SettingsPane />;
    case 'people':
      return r.uid ? (
        <ProfilePane key={r.uid} uid={r.uid} />
      ) : (
        <Nothing title={text.people.choose} hint={text.people.chooseHint} />
      );
    case 'chats':
      return r.conv ? (
        <ConversationPane key={r.conv} conv={r.conv} info={!!r.info} />
      ) : (
        <Nothing title={text.chat.choose} hint={text.chat.chooseHint}>
          <Shortcuts names={['search', 'next', 'reply']} />
        </Nothing>
      );
    case 'join':
      return <JoinLink />;
    case 'lost':
      return <Lost what="page" />;
    default:
      return null;
  }
}

function InfoPane({ conv }: { conv: string }) {
  const [kind, id] = split(conv);
  const text = t.value;
  return (
    <aside class="info-pane" aria-label={text.chat.info}>
      <header class="pane-bar">
        <button
          type="button"
          class="icon-button only-phone"
          aria-label={text.nav.back}
          onClick={() => back(href.conv(conv))}
        >
          <Icon name="back" />
        </button>
        <h2 class="pane-title">{text.chat.info}</h2>
        <button
          type="button"
          class="icon-button not-phone"
          aria-label={text.nav.close}
          onClick={() => go(href.conv(conv), 'replace')}
        >
          <Icon name="close" />
        </button>
      </header>
      <div class="pane-scroll">{kind === 'g' ? <GroupInfo gid={id} /> : <Profile uid={id} inInfo />}</div>
    </aside>
  );
}

function Rail() {
  const core = useCore();
  const unread = core.unreadTotal.value;
  const { view } = route.value;
  const text = t.value.nav;
  return (
    <nav class="rail" aria-label={text.main}>
      <Logo class="rail-logo not-phone" />
      <RailLink to={href.chats} icon="chats" word={text.chats} here={view === 'chats'} count={unread} />
      <RailLink
        to={href.people}
        icon="people"
        word={text.people}
        here={view === 'people'}
        count={core.contactRequests.value.length}
      />
      {!framed && <RailLink to={href.settings} icon="settings" word={text.settings} here={view === 'settings'} />}
      <AccountMenu />
    </nav>
  );
}

interface RailLinkProps {
  to: string;
  icon: IconName;
  word: string;
  here: boolean;
  count?: number;
}

function RailLink({ to, icon, word, here, count = 0 }: RailLinkProps) {
  return (
    <a class="rail-link" href={to} onClick={follow} aria-current={here ? 'page' : undefined}>
      <Icon name={icon} />
      <span>{word}</span>
      {count > 0 && (
        <span class="badge" role="img" aria-label={t.value.list.unread(count)}>
          {count > 99 ? '99+' : count}
        </span>
      )}
    </a>
  );
}
