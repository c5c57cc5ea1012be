import { useState } from 'preact/hooks';
import { Avatar } from '../../ui/avatar';
import { Confirm } from '../../ui/dialog';
import { EditDialog } from '../../ui/edit';
import { Field } from '../../ui/field';
import { Icon } from '../../ui/icon';
import { Menu, MenuItem } from '../../ui/menu';
import { Name } from '../../ui/name';
import { attempt, toast } from '../../ui/toast';
import { api, can } from '../client';
import { type Errors, useDraft } from '../draft';
import type { Fetched } from '../fetched';
import { Make } from '../parts/form';
import { Block, PaneProblem } from '../parts/split';
import { a } from '../text';
import type { Bot } from '../types';
import { uidForm } from './person-add';

interface BotsProps {
  path: string;
  bots: Fetched<{ items: Bot[] }>;
}

/** The members that an app's server speaks as. */
export function Bots({ path, bots }: BotsProps) {
  const text = a.value.apps;
  const [adding, setAdding] = useState(false);
  const [renaming, setRenaming] = useState<Bot>();
  const [removing, setRemoving] = useState<Bot>();
  const { value, error, again } = bots;
  const at = (bot: Bot) => `${path}/bots/${encodeURIComponent(bot.uid)}`;
  const change = async (bot: Bot, body: Partial<Bot>) => {
    await api.request('PATCH', at(bot), { body });
    again();
  };
  return (
    <Block title={text.bots} hint={text.botsHint}>
      {error ? <PaneProblem error={error} again={again} /> : null}
      {value?.items.length === 0 && <p class="field-hint">{text.noBots}</p>}
      <ul class="devices">
        {value?.items.map((bot) => (
          <li key={bot.uid}>
            <Avatar id={bot.uid} name={bot.name} src={bot.avatar} size="s" />
            <span class="row-text">
              <Name class={`row-name ellipsis ${bot.disabled ? 'faded' : ''}`} name={bot.name} />
              <span class="row-sub ellipsis">{bot.uid}</span>
            </span>
            {bot.disabled && <span class="tag danger">{text.off}</span>}
            {can('change') && (
              <Menu label={text.botMore(bot.name)} button={<Icon name="more" />} buttonClass="icon-button small">
                <MenuItem onSelect={() => setRenaming(bot)}>{text.rename}</MenuItem>
                <MenuItem onSelect={() => attempt(change(bot, { disabled: !bot.disabled }))}>
                  {bot.disabled ? text.botOn : text.botOff}
                </MenuItem>
                <MenuItem danger onSelect={() => setRemoving(bot)}>
                  {text.delete}
                </MenuItem>
              </Menu>
            )}
          </li>
        ))}
      </ul>
      {can('change') && (
        <button type="button" class="button" onClick={() => setAdding(true)}>
          <Icon name="plus" />
          {text.addBot}
        </button>
      )}
      {adding && (
        <AddBot
          path={path}
          onClose={() => setAdding(false)}
          onMade={() => {
            setAdding(false);
            again();
          }}
        />
      )}
      {renaming && (
        <EditDialog
          title={text.rename}
          label={text.name}
          value={renaming.name}
          maxLength={64}
          required={a.value.people.required}
          action={a.value.save}
          save={(name) => change(renaming, { name })}
          onClose={() => setRenaming(undefined)}
        />
      )}
      {removing && (
        <Confirm
          title={text.botDeleteAsk(removing.name)}
          text={text.botDeleteText}
          action={text.delete}
          danger
          onClose={() => setRemoving(undefined)}
          run={async () => {
            await api.request('DELETE', at(removing));
            toast(text.botDeleted(removing.name));
            again();
          }}
        />
      )}
    </Block>
  );
}

function AddBot({ path, onClose, onMade }: { path: string; onClose(): void; onMade(): void }) {
  const text = a.value.apps;
  const draft = useDraft({
    base: { name: '', uid: '' },
    version: 0,
    check: (v) => {
      const wrong: Errors<typeof v> = {};
      if (!v.name.trim()) wrong.name = a.value.people.required;
      if (!uidForm.test(v.uid.trim())) wrong.uid = a.value.people.badUid;
      return wrong;
    },
    save: async (_change, _version, v) => {
      const made = await api.request<Bot>('POST', `${path}/bots`, { body: { uid: v.uid.trim(), name: v.name.trim() } });
      toast(text.botMade(made.name));
      onMade();
    },
  });
  const { value, errors, set } = draft;
  return (
    <Make title={text.addBot} action={text.create} draft={draft} onClose={onClose}>
      <Field
        label={text.name}
        value={value.name}
        onInput={(v) => set('name', v)}
        error={errors.name}
        maxLength={64}
        autofocus
      />
      <Field
        label={text.botUid}
        value={value.uid}
        onInput={(v) => set('uid', v)}
        error={errors.uid}
        hint={a.value.people.uidHint}
        maxLength={64}
        verbatim
      />
    </Make>
  );
}
