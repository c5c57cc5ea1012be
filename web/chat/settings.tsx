import { useEffect, useState } from 'preact/hooks';
import type { Device } from '../core';
import { Avatar } from '../ui/avatar';
import { LanguageChoice, ThemeChoice } from '../ui/choices';
import { Field } from '../ui/field';
import { ago } from '../ui/format';
import { Icon } from '../ui/icon';
import { Name, Words } from '../ui/name';
import { t } from '../ui/prefs';
import { explain } from '../ui/problem';
import { attempt, toast } from '../ui/toast';
import { SignOut } from './account';
import { Announced } from './announced';
import { useCore } from './context';
import { nameLimit } from './limits';
import { ChangePicture } from './media/change-picture';
import { lazy } from './media/lazy';
import { AlertSettings, PasswordSettings, ShortcutList, TextSizeChoice } from './settings-parts';

const StorageSettings = lazy(async () => (await import('./media/storage')).StorageSettings);

export function SettingsPane() {
  const core = useCore();
  const text = t.value.settings;
  const about = core.about.value;
  const [leaving, setLeaving] = useState(false);
  return (
    <section class="page" aria-labelledby="settings-title">
      <header class="pane-bar">
        <h1 id="settings-title" class="pane-title">
          {text.title}
        </h1>
      </header>
      <div class="pane-scroll page-body">
        <div class="settings">
          <ProfileSettings />
          <section class="card">
            <h2>{text.appearance}</h2>
            <div class="setting">
              <span>{text.language}</span>
              <LanguageChoice />
            </div>
            <div class="setting">
              <span>{text.theme}</span>
              <ThemeChoice />
            </div>
            <div class="setting">
              <span>{text.textSize}</span>
              <TextSizeChoice />
            </div>
          </section>
          <AlertSettings />
          <Announced />
          <StorageSettings />
          <ShortcutList />
          <PasswordSettings />
          <Devices />
          <div class="settings-foot">
            <button type="button" class="button danger" onClick={() => setLeaving(true)}>
              <Icon name="out" />
              {text.signOut}
            </button>
            {about && <small class="row-sub">{text.version(about.version)}</small>}
          </div>
        </div>
      </div>
      {leaving && <SignOut onClose={() => setLeaving(false)} />}
    </section>
  );
}

function ProfileSettings() {
  const core = useCore();
  const { me, org } = core.account.value;
  const text = t.value.settings;
  const [name, setName] = useState(me?.name ?? '');
  const [error, setError] = useState('');
  if (!me) return null;
  const save = async () => {
    setError('');
    try {
      await core.updateMe({ name: name.trim() });
      toast(text.saved);
    } catch (e) {
      setError(explain(e));
    }
  };
  return (
    <section class="card">
      <h2>{text.profile}</h2>
      <div class="setting-profile">
        <Avatar id={me.uid} name={me.name} src={me.avatar} />
        <span class="row-text">
          <Name class="row-name ellipsis" name={me.name} uid={me.uid} />
          <span class="row-sub setting-org">
            {org?.logo && <Avatar id={org.eid} name={org.name} src={org.logo} size="xs" group />}
            <Words class="ellipsis">{`${me.uid} · ${org?.name}`}</Words>
          </span>
        </span>
        <ChangePicture has={me.avatar.startsWith('/media/')} set={(avatar) => core.updateMe({ avatar })} />
      </div>
      <form
        class="setting-name"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (name.trim() && name.trim() !== me.name) save();
        }}
      >
        <Field
          label={text.name}
          value={name}
          onInput={setName}
          maxLength={nameLimit}
          autocomplete="name"
          error={error}
        />
        <button type="submit" class="button" disabled={!name.trim() || name.trim() === me.name}>
          {t.value.group.save}
        </button>
      </form>
    </section>
  );
}

function Devices() {
  const core = useCore();
  const text = t.value.settings;
  const [devices, setDevices] = useState<Device[]>();
  const load = () => attempt(core.devices().then(setDevices));
  useEffect(load, [core]);
  return (
    <section class="card">
      <h2>{text.devices}</h2>
      <p class="row-sub">{text.devicesHint}</p>
      {!devices && <div class="skeleton device-skeleton" aria-hidden="true" />}
      <ul class="rows-list">
        {devices?.map((d) => (
          <li key={d.id} class="row device">
            <Icon name="device" />
            <span class="row-text">
              <bdi class="row-name ellipsis">{agentName(d)}</bdi>
              <span class="row-sub ellipsis">
                {d.current ? text.thisDevice : text.lastSeen(ago(Date.parse(d.seen)))}
                {d.addr && ` · ${d.addr}`}
              </span>
            </span>
            {d.current ? (
              <span class="tag">{t.value.presence.online}</span>
            ) : (
              <button type="button" class="button small" onClick={() => attempt(core.signOut(d.id), load)}>
                {text.signOutDevice}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A User-Agent as people would say it: "Chrome, Linux". What isn't known is shown as it came. */
export function agentName(d: Pick<Device, 'agent' | 'terminal'>): string {
  const browser = /Edg\//.test(d.agent)
    ? 'Edge'
    : /Firefox\//.test(d.agent)
      ? 'Firefox'
      : /Chrome\//.test(d.agent)
        ? 'Chrome'
        : /Safari\//.test(d.agent)
          ? 'Safari'
          : undefined;
  const system = /iPhone|iPad/.test(d.agent)
    ? 'iOS'
    : /Android/.test(d.agent)
      ? 'Android'
      : /Windows/.test(d.agent)
        ? 'Windows'
        : /Mac OS X/.test(d.agent)
          ? 'macOS'
          : /Linux/.test(d.agent)
            ? 'Linux'
            : undefined;
  if (!browser) return d.agent.slice(0, 80) || d.terminal;
  return system ? `${browser}, ${system}` : browser;
}
