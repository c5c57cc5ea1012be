import { useState } from 'preact/hooks';
import { Field } from '../../ui/field';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import { api, can } from '../client';
import { type Errors, useDraft } from '../draft';
import { useFetched } from '../fetched';
import { named } from '../names';
import { Make } from '../parts/form';
import { GroupPicker } from '../parts/group-picker';
import { DeleteButton, Secret, since } from '../parts/secret';
import { Block, PaneProblem } from '../parts/split';
import { a } from '../text';
import type { AdminGroup, Bot, IncomingWebhook } from '../types';
import { BotSelect } from './app-api-keys';

interface IncomingProps {
  path: string;
  bots: Bot[];
}

/** Addresses that each post to one conversation. */
export function Incoming({ path, bots }: IncomingProps) {
  const text = a.value.apps;
  const { value, error, again } = useFetched<{ items: IncomingWebhook[] }>(`${path}/incoming`);
  const [making, setMaking] = useState(false);
  const [url, setUrl] = useState('');
  return (
    <Block title={text.incoming} hint={text.incomingHint}>
      {error ? <PaneProblem error={error} again={again} /> : null}
      {value?.items.length === 0 && <p class="field-hint">{text.noIncoming}</p>}
      <ul class="devices">
        {value?.items.map((hook) => (
          <li key={hook.id}>
            <span class="row-text">
              <Words class="row-name ellipsis">{hook.name}</Words>
              <span class="row-sub">
                <Posts hook={hook} bots={bots} />
              </span>
              <span class="row-sub">{since(hook)}</span>
            </span>
            {can('change') && (
              <DeleteButton
                label={text.deleteOne(hook.name)}
                title={text.incomingDeleteAsk(hook.name)}
                text={text.incomingDeleteText}
                done={text.incomingDeleted}
                run={async () => {
                  await api.request('DELETE', `${path}/incoming/${encodeURIComponent(hook.id)}`);
                  again();
                }}
              />
            )}
          </li>
        ))}
      </ul>
      {can('change') &&
        (bots.length > 0 ? (
          <button type="button" class="button" onClick={() => setMaking(true)}>
            <Icon name="plus" />
            {text.addIncoming}
          </button>
        ) : (
          <p class="field-hint">{text.needBotIncoming}</p>
        ))}
      {making && (
        <MakeIncoming
          path={path}
          bots={bots}
          onClose={() => setMaking(false)}
          onMade={(made) => {
            setMaking(false);
            setUrl(made);
            again();
          }}
        />
      )}
      {url && <Secret title={text.incomingMade} label={text.incomingUrl} value={url} onClose={() => setUrl('')} />}
    </Block>
  );
}

/** "to Launch as Robot" */
function Posts({ hook, bots }: { hook: IncomingWebhook; bots: Bot[] }) {
  const id = hook.conv.slice(2);
  const group = useFetched<AdminGroup>(hook.conv.startsWith('g:') ? `/admin/groups/${encodeURIComponent(id)}` : '');
  const where = hook.conv.startsWith('g:') ? (group.value?.name ?? id) : named(id).name;
  const bot = bots.find((one) => one.uid === hook.bot)?.name ?? hook.bot;
  return <Words>{a.value.apps.posts(where, bot)}</Words>;
}

interface MakeProps extends IncomingProps {
  onClose(): void;
  onMade(url: string): void;
}

function MakeIncoming({ path, bots, onClose, onMade }: MakeProps) {
  const text = a.value.apps;
  const draft = useDraft({
    base: { name: '', bot: bots[0]?.uid ?? '', conv: '' },
    version: 0,
    check: (v) => {
      const wrong: Errors<typeof v> = {};
      if (!v.name.trim()) wrong.name = a.value.people.required;
      if (!v.conv) wrong.conv = text.groupNeeded;
      return wrong;
    },
    save: async (_change, _version, v) => {
      const body = { ...v, name: v.name.trim() };
      onMade((await api.request<{ url: string }>('POST', `${path}/incoming`, { body })).url);
    },
  });
  const { value, errors, set } = draft;
  return (
    <Make title={text.addIncoming} action={text.create} draft={draft} onClose={onClose}>
      <Field
        label={text.incomingName}
        value={value.name}
        onInput={(v) => set('name', v)}
        error={errors.name}
        maxLength={64}
        autofocus
      />
      <BotSelect bots={bots} value={value.bot} error={errors.bot} onChange={(v) => set('bot', v)} />
      <GroupPicker
        label={text.into}
        value={value.conv.slice(2)}
        hint={text.groupHint}
        error={errors.conv && (value.conv ? text.botCant : errors.conv)}
        onChange={(g) => set('conv', `g:${g.gid}`)}
      />
    </Make>
  );
}
