import { useRef, useState } from 'preact/hooks';
import { Avatar } from '../../ui/avatar';
import { Confirm } from '../../ui/dialog';
import { Field } from '../../ui/field';
import { bytes, format } from '../../ui/format';
import { Words } from '../../ui/name';
import { attempt, toast } from '../../ui/toast';
import { change } from '../change';
import { account, api, uploadPicture } from '../client';
import { useDraft } from '../draft';
import { useFetched } from '../fetched';
import { Form, NumberField } from '../parts/form';
import { Block, Pane, PaneProblem } from '../parts/split';
import { a } from '../text';
import type { Organisation } from '../types';

const gib = 2 ** 30;

/** Whether an organisation is used, suspended, or about to be deleted. */
export function OrganisationState({ o }: { o: Organisation }) {
  const text = a.value.organisations;
  if (o.delete_at) return <span class="tag danger">{text.doomed}</span>;
  return <span class={`tag ${o.suspended ? 'warn' : 'quiet'}`}>{o.suspended ? text.suspended : text.active}</span>;
}

/** One organisation, for system administrators. */
export function OrganisationPane({ eid, onChange }: { eid: string; onChange(o: Organisation): void }) {
  const text = a.value.organisations;
  const path = `/admin/orgs/${encodeURIComponent(eid)}`;
  const { value: o, error, again, put } = useFetched<Organisation>(path);
  if (!o) {
    return (
      <Pane label={text.one} head={<h2 class="row-text">{text.one}</h2>}>
        {error ? <PaneProblem error={error} again={again} /> : <div class="skeleton device-skeleton" />}
      </Pane>
    );
  }
  const changed = (next: Organisation) => {
    put(next);
    onChange(next);
    const { eid, name, logo } = next;
    if (eid === account.peek().org?.eid) account.value = { ...account.peek(), org: { eid, name, logo } };
  };
  const more = { o, path, onChange: changed };
  return (
    <Pane
      label={o.name}
      head={
        <>
          <Avatar id={o.eid} name={o.name} src={o.logo} group />
          <span class="row-text">
            <h2>
              <Words class="ellipsis">{o.name}</Words>
            </h2>
            <span class="row-sub ellipsis">{o.eid}</span>
          </span>
          <OrganisationState o={o} />
        </>
      }
    >
      {o.delete_at && <Doomed {...more} at={o.delete_at} />}
      <Block title={text.one}>
        <Rename key={o.eid} {...more} />
        <Logo {...more} />
      </Block>
      <Block title={text.limits} hint={text.limitsHint}>
        <Use o={o} />
        <Limits key={o.eid} {...more} />
      </Block>
      <Block title={text.exporting} hint={text.exportHint}>
        <button type="button" class="button" onClick={() => attempt(fetchExport(path))}>
          {text.export}
        </button>
      </Block>
      {o.eid !== account.value.org?.eid && !o.delete_at && <End {...more} />}
    </Pane>
  );
}

interface PartProps {
  o: Organisation;
  path: string;
  onChange(o: Organisation): void;
}

/** The browser fetches the file by itself: it may be larger than what a page can hold. */
async function fetchExport(path: string): Promise<void> {
  const { url } = await api.request<{ url: string }>('POST', `${path}/export`);
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.click();
  toast(a.value.organisations.exportBegun);
}

function Rename({ o, path, onChange }: PartProps) {
  const text = a.value.organisations;
  const draft = useDraft({
    base: { name: o.name },
    version: o.version,
    check: ({ name }): { name?: string } => (name.trim() ? {} : { name: a.value.people.required }),
    save: async (change, version) => {
      onChange(await api.request<Organisation>('PATCH', path, { body: change, version }));
      toast(a.value.saved);
    },
    read: (current) => {
      const { name, version } = current as Organisation;
      return { value: { name }, version };
    },
  });
  return (
    <Form draft={draft} action={a.value.save} labels={{ name: text.name }} show={(_, v) => v}>
      <Field
        label={text.name}
        value={draft.value.name}
        onInput={(v) => draft.set('name', v)}
        error={draft.errors.name}
        maxLength={64}
      />
    </Form>
  );
}

function Logo({ o, path, onChange }: PartProps) {
  const text = a.value.organisations;
  const input = useRef<HTMLInputElement>(null);
  const set = async (logo: string) => {
    onChange(await change<Organisation>({ path, body: { logo }, version: o.version }, onChange));
    toast(a.value.saved);
  };
  return (
    <div class="logo-line">
      <Avatar id={o.eid} name={o.name} src={o.logo} size="l" group />
      <div class="logo-text">
        <span>{text.logo}</span>
        <span class="field-hint">{text.logoHint}</span>
        <span class="button-row">
          <input
            ref={input}
            type="file"
            hidden
            accept="image/png,image/jpeg,image/webp"
            onChange={(e) => {
              const file = e.currentTarget.files?.[0];
              e.currentTarget.value = '';
              if (file) attempt(uploadPicture(file).then(set));
            }}
          />
          <button type="button" class="button small" onClick={() => input.current?.click()}>
            {o.logo ? text.otherLogo : text.chooseLogo}
          </button>
          {o.logo && (
            <button type="button" class="button small" onClick={() => attempt(set(''))}>
              {text.noLogo}
            </button>
          )}
        </span>
      </div>
    </div>
  );
}

/** What there is, beside what there may be. */
function Use({ o }: { o: Organisation }) {
  const text = a.value.organisations;
  const { number } = format.value;
  const rows = [
    [text.people, o.people, o.limits.people, number.format.bind(number)],
    [text.groups, o.groups, o.limits.groups, number.format.bind(number)],
    [text.files, o.media, o.limits.storage, bytes],
    [text.messages, o.messages, 0, number.format.bind(number)],
  ] as const;
  return (
    <dl class="facts two">
      {rows.map(([word, used, most, show]) => (
        <div key={word}>
          <dt>{word}</dt>
          <dd>
            {most > 0 ? text.of(show(used), show(most)) : show(used)}
            {most > 0 && (
              <meter
                class="use"
                aria-label={text.of(show(used), show(most))}
                min={0}
                max={most}
                high={0.9 * most}
                optimum={0}
                value={used}
              />
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Storage in GiB to the hundredth. The smallest bound is still one: 0 would say that there is none. */
function ofLimits({ people, groups, storage }: Organisation['limits']) {
  const hundredths = Math.round((storage / gib) * 100);
  return { people, groups, storage: (storage > 0 ? Math.max(1, hundredths) : 0) / 100 };
}

function Limits({ o, path, onChange }: PartProps) {
  const text = a.value.organisations;
  type Value = ReturnType<typeof ofLimits>;
  const draft = useDraft<Value>({
    base: ofLimits(o.limits),
    version: o.version,
    check: (v) => {
      const wrong: Partial<Record<keyof Value, string>> = {};
      for (const name of ['people', 'groups'] as const)
        if (!Number.isInteger(v[name]) || v[name] < 0) wrong[name] = a.value.policies.number;
      if (!(v.storage >= 0)) wrong.storage = a.value.policies.anyNumber;
      return wrong;
    },
    save: async ({ storage, ...rest }, version) => {
      const limits = storage === undefined ? rest : { ...rest, storage: Math.round(storage * gib) };
      onChange(await api.request<Organisation>('PATCH', path, { body: { limits }, version }));
      toast(a.value.saved);
    },
    read: (current) => {
      const { limits, version } = current as Organisation;
      return { value: ofLimits(limits), version };
    },
  });
  const labels = { people: text.mostPeople, groups: text.mostGroups, storage: text.mostStorage };
  return (
    <Form draft={draft} action={a.value.save} labels={labels} show={(_, v) => String(v)}>
      <div class="field-row">
        {(['people', 'groups', 'storage'] as const).map((name) => (
          <NumberField
            key={name}
            label={labels[name]}
            value={draft.value[name]}
            onInput={(v) => draft.set(name, v)}
            error={draft.errors[name]}
            {...(name === 'storage' && { unit: 'GiB', step: 0.01 })}
          />
        ))}
      </div>
    </Form>
  );
}

/** Suspends an organisation, or deletes it. */
function End({ o, path, onChange }: PartProps) {
  const text = a.value.organisations;
  const [asking, setAsking] = useState<'suspend' | 'delete'>();
  const suspend = async (suspended: boolean) => {
    onChange(await change<Organisation>({ path, body: { suspended }, version: o.version }, onChange));
    toast(suspended ? text.suspendedNow(o.name) : text.resumedNow(o.name));
  };
  const remove = async () =>
    onChange(await change<Organisation>({ method: 'DELETE', path, version: o.version }, onChange));
  return (
    <>
      <Block title={a.value.people.state} hint={text.suspendHint}>
        <div class="button-row">
          {o.suspended ? (
            <button type="button" class="button" onClick={() => attempt(suspend(false))}>
              {text.resume}
            </button>
          ) : (
            <button type="button" class="button" onClick={() => setAsking('suspend')}>
              {text.suspend}
            </button>
          )}
        </div>
      </Block>
      <Block title={text.deleting} hint={text.deleteHint}>
        <div class="button-row">
          <button type="button" class="button danger" onClick={() => setAsking('delete')}>
            {text.delete}
          </button>
        </div>
      </Block>
      {asking === 'suspend' && (
        <Confirm
          title={text.suspendAsk(o.name)}
          text={text.suspendText(o.people)}
          action={text.suspend}
          danger
          onClose={() => setAsking(undefined)}
          run={() => suspend(true)}
        />
      )}
      {asking === 'delete' && (
        <Confirm
          title={text.deleteAsk(o.name)}
          text={text.deleteText(o.people, o.groups, format.value.number.format(o.messages))}
          phrase={{ label: text.deletePhrase(o.eid), value: o.eid }}
          action={text.delete}
          danger
          onClose={() => setAsking(undefined)}
          run={remove}
        />
      )}
    </>
  );
}

function Doomed({ o, path, at, onChange }: PartProps & { at: string }) {
  const text = a.value.organisations;
  const when = Date.parse(at);
  const keep = async () => {
    onChange(await api.request<Organisation>('POST', `${path}/keep`));
    toast(text.kept(o.name));
  };
  return (
    <section class="block">
      <div class="callout warn doomed" role="status">
        <p>{when > Date.now() ? text.doomedText(format.value.moment.format(when)) : text.goingText}</p>
        {when > Date.now() && (
          <button type="button" class="button" onClick={() => attempt(keep())}>
            {text.keep}
          </button>
        )}
      </div>
    </section>
  );
}
