import { useState } from 'preact/hooks';
import { Confirm } from '../../ui/dialog';
import { Area, Field, Switch } from '../../ui/field';
import { Words } from '../../ui/name';
import { attempt, toast } from '../../ui/toast';
import { change } from '../change';
import { api, can } from '../client';
import { type Errors, useDraft } from '../draft';
import { Form } from '../parts/form';
import { Block } from '../parts/split';
import { a } from '../text';
import type { App } from '../types';

/** Origins as one types them: one a line. */
export function originsOf(lines: string): string[] {
  return lines.split(/[\s,]+/).filter(Boolean);
}

/** The first line that is no origin, or undefined. */
export function wrongOrigin(lines: string): string | undefined {
  return originsOf(lines).find((line) => {
    const url = URL.canParse(line) && new URL(line);
    return !url || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`;
  });
}

/** Whether what is typed has a page that others on the way can change. */
function plain(lines: string): boolean {
  return originsOf(lines).some((line) => {
    const url = URL.canParse(line) && new URL(line);
    return url && url.protocol === 'http:' && !/^(localhost|127\.0\.0\.1|\[::1\]|.*\.localhost)$/.test(url.hostname);
  });
}

interface Fields {
  name: string;
  origins: string;
  create_users: boolean;
  jwks_url: string;
}

function fieldsOf({ name, origins, create_users, jwks_url }: App): Fields {
  return { name, origins: origins.join('\n'), create_users, jwks_url };
}

interface DataProps {
  app: App;
  path: string;
  onChange(app: App): void;
}

export function AppData({ app, path, onChange }: DataProps) {
  const text = a.value.apps;
  const draft = useDraft<Fields>({
    base: fieldsOf(app),
    version: app.version,
    check: ({ name, origins }) => {
      const wrong: Errors<Fields> = {};
      if (!name.trim()) wrong.name = a.value.people.required;
      const bad = wrongOrigin(origins);
      if (bad) wrong.origins = text.badOrigin(bad);
      return wrong;
    },
    save: async ({ origins, ...change }, version) => {
      const body = { ...change, ...(origins !== undefined && { origins: originsOf(origins) }) };
      onChange(await api.request<App>('PATCH', path, { body, version }));
      toast(a.value.saved);
    },
    read: (current) => ({ value: fieldsOf(current as App), version: (current as App).version }),
  });
  const { value, errors, set } = draft;
  const labels: Record<keyof Fields, string> = {
    name: text.name,
    origins: text.origins,
    create_users: text.createUsers,
    jwks_url: text.jwks,
  };
  const show = (_: keyof Fields, v: Fields[keyof Fields]) =>
    typeof v === 'boolean' ? (v ? a.value.policies.on : a.value.policies.off) : v;
  if (!can('change')) {
    return (
      <Block title={text.one}>
        <dl class="facts">
          {(Object.keys(labels) as (keyof Fields)[]).map((field) => (
            <div key={field}>
              <dt>{labels[field]}</dt>
              <dd>
                <Words>{show(field, value[field]) || '–'}</Words>
              </dd>
            </div>
          ))}
        </dl>
      </Block>
    );
  }
  return (
    <Block title={text.one}>
      <Form draft={draft} action={a.value.save} labels={labels} show={show}>
        <Field
          label={labels.name}
          value={value.name}
          onInput={(v) => set('name', v)}
          error={errors.name}
          maxLength={64}
        />
        <Area
          label={labels.origins}
          value={value.origins}
          onInput={(v) => set('origins', v)}
          error={errors.origins}
          hint={text.originsHint}
          maxLength={4000}
          autofocus={false}
        />
        {plain(value.origins) && <p class="callout warn">{text.plainOrigin}</p>}
        <Field
          label={labels.jwks_url}
          value={value.jwks_url}
          onInput={(v) => set('jwks_url', v)}
          error={errors.jwks_url}
          hint={text.jwksHint}
          maxLength={500}
          verbatim
        />
        <Switch
          label={labels.create_users}
          hint={text.createUsersHint}
          checked={value.create_users}
          onChange={(v) => set('create_users', v)}
        />
      </Form>
    </Block>
  );
}

/** Whether it is live; and how it goes. */
export function AppState({ app, path, onChange, onGone }: DataProps & { onGone(): void }) {
  const text = a.value.apps;
  const [asking, setAsking] = useState<'disable' | 'remove'>();
  const { version } = app;
  const set = async (disabled: boolean) => {
    onChange(await change<App>({ path, body: { disabled }, version }, onChange));
    toast(disabled ? text.disabledNow(app.name) : text.enabledNow(app.name));
  };
  return (
    <Block title={text.state} hint={text.stateHint}>
      <div class="actions">
        {app.disabled ? (
          <button type="button" class="button" onClick={() => attempt(set(false))}>
            {text.enable}
          </button>
        ) : (
          <button type="button" class="button danger" onClick={() => setAsking('disable')}>
            {text.disable}
          </button>
        )}
        <button type="button" class="button danger" onClick={() => setAsking('remove')}>
          {text.remove}
        </button>
      </div>
      {asking === 'disable' && (
        <Confirm
          title={text.disableAsk(app.name)}
          text={text.disableText}
          action={text.disable}
          danger
          onClose={() => setAsking(undefined)}
          run={() => set(true)}
        />
      )}
      {asking === 'remove' && (
        <Confirm
          title={text.removeAsk(app.name)}
          text={text.removeText}
          action={text.remove}
          danger
          onClose={() => setAsking(undefined)}
          run={async () => {
            await change<App>({ method: 'DELETE', path, version }, onChange);
            toast(text.removed(app.name));
            onGone();
          }}
        />
      )}
    </Block>
  );
}
