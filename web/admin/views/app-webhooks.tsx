import { useId, useState } from 'preact/hooks';
import { Confirm } from '../../ui/dialog';
import { Field } from '../../ui/field';
import { ago, format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Menu, MenuItem } from '../../ui/menu';
import { Words } from '../../ui/name';
import { attempt, toast } from '../../ui/toast';
import { change } from '../change';
import { api, can } from '../client';
import { type Draft, type Errors, useDraft } from '../draft';
import { useFetched } from '../fetched';
import { Clashes, Make } from '../parts/form';
import { Secret } from '../parts/secret';
import { Block, PaneProblem } from '../parts/split';
import { a } from '../text';
import { type Bot, type HookEvent, hookEvents, type Webhook } from '../types';
import { BotSelect } from './app-api-keys';
import { Deliveries } from './app-deliveries';

interface WebhooksProps {
  path: string;
  bots: Bot[];
}

type Ask = 'change' | 'off' | 'delete' | 'deliveries';

/** Addresses of an app's server that are told what its bots see. */
export function Webhooks({ path, bots }: WebhooksProps) {
  const text = a.value.webhooks;
  const { value, error, again, put } = useFetched<{ items: Webhook[] }>(`${path}/webhooks`);
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState('');
  const [asking, setAsking] = useState<{ what: Ask; id: string }>();
  const close = () => setAsking(undefined);
  const hooks = value?.items ?? [];
  const hook = hooks.find(({ id }) => id === asking?.id);
  const at = ({ id }: Webhook) => `${path}/webhooks/${encodeURIComponent(id)}`;
  const changed = (next: Webhook) => put({ items: hooks.map((old) => (old.id === next.id ? next : old)) });
  const turn = async (one: Webhook, disabled: boolean) => {
    changed(await change<Webhook>({ path: at(one), body: { disabled }, version: one.version }, changed));
    toast(disabled ? text.switchedOff : text.switchedOn);
  };
  return (
    <Block title={text.title} hint={text.hint}>
      {error ? <PaneProblem error={error} again={again} /> : null}
      {value?.items.length === 0 && <p class="field-hint">{text.none}</p>}
      <ul class="devices">
        {hooks.map((one) => (
          <li key={one.id}>
            <Line hook={one} bots={bots} />
            <span class="actions">
              <button
                type="button"
                class="button small"
                aria-label={text.deliveriesOf(one.url)}
                onClick={() => setAsking({ what: 'deliveries', id: one.id })}
              >
                {text.deliveries}
              </button>
              {can('change') && (
                <Menu label={text.more(one.url)} button={<Icon name="more" />} buttonClass="icon-button small">
                  <MenuItem onSelect={() => setAsking({ what: 'change', id: one.id })}>{text.edit}</MenuItem>
                  <MenuItem
                    onSelect={() => (one.disabled ? attempt(turn(one, false)) : setAsking({ what: 'off', id: one.id }))}
                  >
                    {one.disabled ? text.switchOn : text.switchOff}
                  </MenuItem>
                  <MenuItem danger onSelect={() => setAsking({ what: 'delete', id: one.id })}>
                    {a.value.apps.delete}
                  </MenuItem>
                </Menu>
              )}
            </span>
          </li>
        ))}
      </ul>
      {can('change') &&
        (bots.length > 0 ? (
          <button type="button" class="button" onClick={() => setMaking(true)}>
            <Icon name="plus" />
            {text.add}
          </button>
        ) : (
          <p class="field-hint">{text.needBot}</p>
        ))}
      {making && (
        <MakeWebhook
          path={path}
          bots={bots}
          onClose={() => setMaking(false)}
          onMade={(made) => {
            setMaking(false);
            setSecret(made);
            again();
          }}
        />
      )}
      {secret && <Secret title={text.made} label={a.value.apps.secret} value={secret} onClose={() => setSecret('')} />}
      {hook && asking?.what === 'change' && (
        <ChangeWebhook
          hook={hook}
          path={at(hook)}
          bots={bots}
          onClose={close}
          onChange={(next) => {
            changed(next);
            close();
          }}
        />
      )}
      {hook && asking?.what === 'off' && (
        <Confirm
          title={text.offAsk}
          text={text.offText}
          action={text.switchOff}
          onClose={close}
          run={() => turn(hook, true)}
        />
      )}
      {hook && asking?.what === 'delete' && (
        <Confirm
          title={text.deleteAsk}
          text={text.deleteText}
          action={a.value.apps.delete}
          danger
          onClose={close}
          run={async () => {
            await change<Webhook>({ method: 'DELETE', path: at(hook), version: hook.version }, changed);
            toast(text.deleted);
            again();
          }}
        />
      )}
      {hook && asking?.what === 'deliveries' && (
        <Deliveries
          hook={hook}
          path={at(hook)}
          onClose={() => {
            close();
            again(); // it may be well again, or off
          }}
        />
      )}
    </Block>
  );
}

function Line({ hook, bots }: { hook: Webhook; bots: Bot[] }) {
  const text = a.value.webhooks;
  const events = format.value.list.format(hook.events.map((event) => text.event[event]));
  const state = [
    hook.failing && !hook.disabled && text.failingSince(ago(Date.parse(hook.failing))),
    hook.waiting > 0 && text.waiting(hook.waiting),
  ].filter(Boolean);
  return (
    <>
      <span class="row-text">
        <Words class="row-name ellipsis">{hook.url}</Words>
        <span class="row-sub">
          <Words>{text.tells(events, bots.find(({ uid }) => uid === hook.bot)?.name ?? hook.bot)}</Words>
        </span>
        {state.length > 0 && <span class="row-sub">{state.join(' · ')}</span>}
      </span>
      {hook.disabled ? (
        <span class="tag danger">{text.off}</span>
      ) : (
        hook.failing && <span class="tag danger">{text.failing}</span>
      )}
    </>
  );
}

interface Fields {
  url: string;
  events: HookEvent[];
  bot: string;
}

function check(v: Fields): Errors<Fields> {
  const text = a.value.webhooks;
  const wrong: Errors<Fields> = {};
  if (!/^https?:\/\/[^/?#@]+(?:[/?][^#]*)?$/.test(v.url.trim())) wrong.url = text.badUrl;
  if (v.events.length === 0) wrong.events = text.eventsNeeded;
  return wrong;
}

function MakeWebhook({ path, bots, onClose, onMade }: WebhooksProps & { onClose(): void; onMade(key: string): void }) {
  const text = a.value.webhooks;
  const draft = useDraft<Fields>({
    base: { url: '', events: ['message'], bot: bots[0]?.uid ?? '' },
    version: 0,
    check,
    save: async (_change, _version, v) => {
      const body = { ...v, url: v.url.trim() };
      onMade((await api.request<{ secret: string }>('POST', `${path}/webhooks`, { body })).secret);
    },
  });
  return (
    <Make title={text.add} action={a.value.apps.create} draft={draft} onClose={onClose}>
      <Inputs draft={draft} bots={bots} />
    </Make>
  );
}

interface ChangeProps extends WebhooksProps {
  hook: Webhook;
  onClose(): void;
  onChange(hook: Webhook): void;
}

const fieldsOf = ({ url, events, bot }: Webhook): Fields => ({ url, events, bot });

function ChangeWebhook({ hook, path, bots, onClose, onChange }: ChangeProps) {
  const text = a.value.webhooks;
  const draft = useDraft<Fields>({
    base: fieldsOf(hook),
    version: hook.version,
    check,
    save: async (change, version) => {
      onChange(await api.request<Webhook>('PATCH', path, { body: change, version }));
      toast(a.value.saved);
    },
    read: (current) => ({ value: fieldsOf(current as Webhook), version: (current as Webhook).version }),
  });
  const labels = { url: text.url, events: text.events, bot: a.value.apps.bot };
  const show = (_: keyof Fields, v: Fields[keyof Fields]) =>
    typeof v === 'string' ? v : format.value.list.format(v.map((event) => text.event[event]));
  return (
    <Make title={text.change} action={a.value.save} draft={draft} onClose={onClose}>
      <Clashes draft={draft} labels={labels} show={show} />
      <Inputs draft={draft} bots={bots} />
    </Make>
  );
}

function Inputs({ draft, bots }: { draft: Draft<Fields>; bots: Bot[] }) {
  const text = a.value.webhooks;
  const { value, errors, set } = draft;
  const errorId = useId();
  return (
    <>
      <Field
        label={text.url}
        value={value.url}
        onInput={(v) => set('url', v)}
        error={errors.url}
        hint={value.url.startsWith('http:') ? text.plainUrl : text.urlHint}
        maxLength={2048}
        verbatim
        autofocus
      />
      <fieldset class="field" aria-describedby={errors.events ? errorId : undefined}>
        <legend class="label">{text.events}</legend>
        <div class="checks">
          {hookEvents.map((event) => (
            <label key={event}>
              <input
                type="checkbox"
                class="check"
                checked={value.events.includes(event)}
                onChange={(e) => {
                  const on = e.currentTarget.checked;
                  set(
                    'events',
                    hookEvents.filter((one) => (one === event ? on : value.events.includes(one))),
                  );
                }}
              />
              {text.event[event]}
            </label>
          ))}
        </div>
        {errors.events && (
          <p id={errorId} class="field-error" role="alert">
            {errors.events}
          </p>
        )}
      </fieldset>
      <BotSelect bots={bots} value={value.bot} error={errors.bot} onChange={(v) => set('bot', v)} />
    </>
  );
}
