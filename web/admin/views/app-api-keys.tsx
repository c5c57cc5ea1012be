import { useId, useState } from 'preact/hooks';
import { Confirm } from '../../ui/dialog';
import { Field } from '../../ui/field';
import { untilThen } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import { api, can } from '../client';
import { type Errors, useDraft } from '../draft';
import { useFetched } from '../fetched';
import { Make, Select } from '../parts/form';
import { DeleteButton, Secret, since } from '../parts/secret';
import { Block, PaneProblem } from '../parts/split';
import { a } from '../text';
import { type ApiKey, type Bot, type Scope, scopes } from '../types';

interface KeysProps {
  path: string;
  bots: Bot[];
}

/** The keys with which an app's server calls the API as a bot. */
export function ApiKeys({ path, bots }: KeysProps) {
  const text = a.value.apps;
  const { value, error, again } = useFetched<{ items: ApiKey[] }>(`${path}/api-keys`);
  const [making, setMaking] = useState(false);
  const [replacing, setReplacing] = useState<ApiKey>();
  const [secret, setSecret] = useState('');
  const at = (key: ApiKey) => `${path}/api-keys/${encodeURIComponent(key.id)}`;
  const made = (key: string) => {
    setMaking(false);
    setSecret(key);
    again();
  };
  const nameOf = (uid: string) => bots.find((bot) => bot.uid === uid)?.name ?? uid;
  return (
    <Block title={text.apiKeys} hint={text.apiKeysHint}>
      {error ? <PaneProblem error={error} again={again} /> : null}
      {value?.items.length === 0 && <p class="field-hint">{text.noApiKeys}</p>}
      <ul class="devices">
        {value?.items.map((key) => (
          <li key={key.id}>
            <span class="row-text">
              <Words class="row-name ellipsis">{key.name}</Words>
              <span class="row-sub">
                <Words>{nameOf(key.bot)}</Words> · <code>{key.scopes.join(' ')}</code>
              </span>
              <span class="row-sub">
                {since(key)}
                {key.expires && ` · ${text.keyUntil(untilThen(Date.parse(key.expires)))}`}
              </span>
            </span>
            {can('change') && (
              <span class="actions">
                {!key.expires && (
                  <button
                    type="button"
                    class="button small"
                    aria-label={text.replaceOne(key.name)}
                    onClick={() => setReplacing(key)}
                  >
                    {text.rotate}
                  </button>
                )}
                <DeleteButton
                  label={text.deleteOne(key.name)}
                  title={text.apiKeyDeleteAsk(key.name)}
                  text={text.apiKeyDeleteText}
                  done={text.apiKeyDeleted}
                  run={async () => {
                    await api.request('DELETE', at(key));
                    again();
                  }}
                />
              </span>
            )}
          </li>
        ))}
      </ul>
      {can('change') &&
        (bots.length > 0 ? (
          <button type="button" class="button" onClick={() => setMaking(true)}>
            <Icon name="plus" />
            {text.addApiKey}
          </button>
        ) : (
          <p class="field-hint">{text.needBot}</p>
        ))}
      {making && <MakeKey path={path} bots={bots} onClose={() => setMaking(false)} onMade={made} />}
      {replacing && (
        <Confirm
          title={text.rotateAsk(replacing.name)}
          text={text.rotateText}
          action={text.rotate}
          onClose={() => setReplacing(undefined)}
          run={async () => made((await api.request<{ key: string }>('POST', `${at(replacing)}/rotate`)).key)}
        />
      )}
      {secret && !replacing && (
        <Secret title={text.apiKeyMade} label={text.apiKey} value={secret} onClose={() => setSecret('')} />
      )}
    </Block>
  );
}

interface MakeProps extends KeysProps {
  onClose(): void;
  onMade(key: string): void;
}

function MakeKey({ path, bots, onClose, onMade }: MakeProps) {
  const errorId = useId();
  const text = a.value.apps;
  const draft = useDraft({
    base: { name: '', bot: bots[0]?.uid ?? '', scopes: ['read', 'write'] as Scope[] },
    version: 0,
    check: (v) => {
      const wrong: Errors<typeof v> = {};
      if (!v.name.trim()) wrong.name = a.value.people.required;
      if (v.scopes.length === 0) wrong.scopes = text.scopesNeeded;
      return wrong;
    },
    save: async (_change, _version, v) => {
      const body = { ...v, name: v.name.trim() };
      onMade((await api.request<{ key: string }>('POST', `${path}/api-keys`, { body })).key);
    },
  });
  const { value, errors, set } = draft;
  return (
    <Make title={text.addApiKey} action={text.create} draft={draft} onClose={onClose}>
      <Field
        label={text.apiKeyName}
        value={value.name}
        onInput={(v) => set('name', v)}
        error={errors.name}
        maxLength={64}
        autofocus
      />
      <BotSelect bots={bots} value={value.bot} error={errors.bot} onChange={(v) => set('bot', v)} />
      <fieldset class="field" aria-describedby={errors.scopes ? errorId : undefined}>
        <legend class="label">{text.scopes}</legend>
        <div class="checks">
          {scopes.map((scope) => (
            <label key={scope}>
              <input
                type="checkbox"
                class="check"
                checked={value.scopes.includes(scope)}
                onChange={(e) => {
                  const others = value.scopes.filter((one) => one !== scope);
                  set('scopes', e.currentTarget.checked ? [...others, scope] : others);
                }}
              />
              {text.scope[scope]}
            </label>
          ))}
        </div>
        {errors.scopes && (
          <p id={errorId} class="field-error" role="alert">
            {errors.scopes}
          </p>
        )}
      </fieldset>
    </Make>
  );
}

interface BotProps {
  bots: Bot[];
  value: string;
  error: string | undefined;
  onChange(uid: string): void;
}

/** Which bot acts. */
export function BotSelect({ bots, value, error, onChange }: BotProps) {
  return (
    <Select
      label={a.value.apps.bot}
      value={value}
      options={bots.map((bot) => [bot.uid, bot.name] as const)}
      error={error}
      onChange={onChange}
    />
  );
}
