import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { Avatar } from '../ui/avatar';
import { LanguageChoice, ThemeChoice } from '../ui/choices';
import { Icon } from '../ui/icon';
import { Logo } from '../ui/logo';
import { Menu, MenuItem } from '../ui/menu';
import { Words } from '../ui/name';
import { t } from '../ui/prefs';
import { explain } from '../ui/problem';
import { Toasts } from '../ui/toast';
import { account, begin, can, type Right } from './client';
import { SectionIcon } from './icon';
import { address, follow, go, place, type Section } from './route';
import { a } from './text';
import { Announcements } from './views/announcements';
import { Apps } from './views/apps';
import { Audit } from './views/audit';
import { Backups } from './views/backups';
import { Departments } from './views/departments';
import { Groups } from './views/groups';
import { Organisations } from './views/organisations';
import { Overview } from './views/overview';
import { People } from './views/people';
import { Policies } from './views/policies';
import { Reports } from './views/reports';
import { Sessions } from './views/sessions';

interface View {
  right: Right;
  view: ComponentType;
}

/** The sections in the order of the navigation, with what one needs to see them. */
const views: Partial<Record<Section, View>> = {
  overview: { right: 'read', view: Overview },
  people: { right: 'read', view: People },
  departments: { right: 'read', view: Departments },
  groups: { right: 'read', view: Groups },
  announcements: { right: 'read', view: Announcements },
  reports: { right: 'read', view: Reports },
  policies: { right: 'read', view: Policies },
  apps: { right: 'read', view: Apps },
  sessions: { right: 'read', view: Sessions },
  audit: { right: 'read', view: Audit },
  organisations: { right: 'system', view: Organisations },
  backups: { right: 'system', view: Backups },
};

function visible(): Section[] {
  return (Object.keys(views) as Section[]).filter((name) => can((views[name] as View).right));
}

export function App() {
  const { status, error } = account.value;
  const text = a.value;
  const { section } = place.value;
  useEffect(() => {
    document.title = section === 'lost' ? text.title : `${text.nav[section]} · ${text.title}`;
  }, [text, section]);
  useEffect(() => {
    // The chat's own page signs in, and comes back here.
    if (status === 'out') location.replace(`/?to=${encodeURIComponent(location.pathname + location.search)}`);
  }, [status]);
  return (
    <>
      {status === 'in' ? (
        can('read') ? (
          <Frame />
        ) : (
          <Message title={text.lost.rights} hint={text.lost.rightsHint} />
        )
      ) : error ? (
        <Message title={text.lost.unreachable} hint={explain(error)} again={begin} />
      ) : (
        <div class="admin" aria-busy="true">
          <div class="side" />
        </div>
      )}
      <Toasts />
    </>
  );
}

function Frame() {
  const { section } = place.value;
  const View = section !== 'lost' && visible().includes(section) ? views[section]?.view : undefined;
  return (
    <div class="admin">
      <Side />
      <main class="stage" id="main">
        {!can('change') && <p class="strip">{a.value.nav.readOnly}</p>}
        {View ? <View key={section} /> : <Message title={a.value.lost.page} hint={a.value.lost.pageHint} inside />}
      </main>
    </div>
  );
}

function Side() {
  const { org } = account.value;
  const { section } = place.value;
  const text = a.value.nav;
  return (
    <header class="side">
      <div class="side-head">
        {org?.logo ? <Avatar id={org.eid} name={org.name} src={org.logo} size="s" group /> : <Logo class="side-logo" />}
        <span class="side-name">
          <Words class="ellipsis">{org?.name ?? ''}</Words>
          <small>{text.label}</small>
        </span>
      </div>
      <nav class="side-nav not-phone" aria-label={text.label}>
        <ul>
          {visible().map((name) => (
            <li key={name}>
              <a
                class="side-link"
                href={address(name)}
                onClick={follow}
                aria-current={name === section ? 'page' : undefined}
              >
                <SectionIcon name={name} />
                {text[name]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="side-foot not-phone">
        <a class="side-link" href="/">
          <SectionIcon name="chat" />
          {text.toChat}
        </a>
        <div class="side-choices">
          <LanguageChoice />
          <ThemeChoice />
        </div>
      </div>
      <div class="only-phone">
        <Menu label={text.menu} button={<Icon name="more" />} buttonClass="side-menu icon-button">
          {visible().map((name) => (
            <MenuItem key={name} checked={name === section} onSelect={() => go(address(name))}>
              <SectionIcon name={name} />
              {text[name]}
            </MenuItem>
          ))}
          <hr />
          <MenuItem onSelect={() => location.assign('/')}>
            <SectionIcon name="chat" />
            {text.toChat}
          </MenuItem>
        </Menu>
      </div>
    </header>
  );
}

interface MessageProps {
  title: string;
  hint: string;
  again?: () => unknown;
  /** Within the frame, whose navigation leads on. */
  inside?: boolean;
}

/** A whole page that says one thing. */
export function Message({ title, hint, again, inside }: MessageProps) {
  return (
    <div class={`empty message-page ${inside ? '' : 'whole'}`}>
      <Logo class="message-logo" />
      <strong>{title}</strong>
      <span>{hint}</span>
      {again && (
        <button type="button" class="button primary" onClick={again}>
          {t.value.chat.again}
        </button>
      )}
      {!inside && (
        <a class="button" href="/">
          {a.value.nav.toChat}
        </a>
      )}
    </div>
  );
}
