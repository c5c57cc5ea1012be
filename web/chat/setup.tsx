import { useEffect, useState } from 'preact/hooks';
import { Problem } from '../core';
import { Field } from '../ui/field';
import { Gate } from '../ui/gate';
import { t } from '../ui/prefs';
import { explain, fieldErrors, nameOf } from '../ui/problem';
import { remember } from '../ui/remember';
import { useCore } from './context';
import { follow, go, href } from './route';

type FieldName = 'org_name' | 'org' | 'name' | 'username' | 'password' | 'repeat';

const empty: Record<FieldName, string> = { org_name: '', org: '', name: '', username: '', password: '', repeat: '' };

/** Makes the organisation and its first administrator with the one-time token that stands behind the `#`. */
export function Setup() {
  const core = useCore();
  const text = t.value.setup;
  const [token] = useState(location.hash.slice(1));
  const [form, setForm] = useState(empty);
  const [errors, setErrors] = useState<Partial<Record<FieldName, string>>>({});
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const [link, setLink] = useState<'unknown' | 'good' | 'dead'>(token ? 'unknown' : 'dead');
  useEffect(() => {
    if (token) looksGood(token).then((good) => setLink(good ? 'good' : 'dead'));
  }, [token]);
  const set = (name: FieldName) => (value: string) => setForm((before) => ({ ...before, [name]: value }));

  const check = () => {
    const found: Partial<Record<FieldName, string>> = {};
    for (const name of Object.keys(form) as FieldName[]) {
      if (!form[name].trim()) found[name] = t.value.signIn.required;
    }
    if (form.password && form.password.length < 8) found.password = text.tooShort;
    if (form.repeat && form.repeat !== form.password) found.repeat = text.mismatch;
    return found;
  };

  const submit = async () => {
    const found = check();
    setErrors(found);
    setFailure('');
    if (busy || Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      const { repeat: _, ...fields } = form;
      await create({ token, ...fields });
      remember('org', form.org);
      await core.login(form.org, form.username, form.password);
      go(href.chats, 'replace');
    } catch (e) {
      if (nameOf(e instanceof Problem ? e.names : undefined) === 'setup-link') return setLink('dead');
      const fields = fieldErrors(e);
      setErrors(fields as typeof errors);
      const shown = Object.keys(fields).some((name) => name in empty);
      setFailure(shown ? '' : explain(e));
      setBusy(false);
    }
  };

  if (link === 'dead') return <DeadLink complete={token !== ''} />;
  const field = (name: FieldName, label: string) => ({
    label,
    value: form[name],
    onInput: set(name),
    error: errors[name],
  });
  return (
    <Gate title={text.title}>
      <p class="gate-lead">{text.lead}</p>
      <form
        class="gate-form"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          submit();
        }}
      >
        <Field {...field('org_name', text.organisationName)} autocomplete="organization" autofocus />
        <Field {...field('org', text.organisationId)} hint={text.organisationIdHint} verbatim />
        <Field {...field('name', text.name)} autocomplete="name" />
        <Field {...field('username', text.username)} hint={text.usernameHint} autocomplete="username" verbatim />
        <Field
          {...field('password', text.password)}
          hint={text.passwordHint}
          type="password"
          autocomplete="new-password"
        />
        <Field {...field('repeat', text.repeat)} type="password" autocomplete="new-password" />
        {failure && (
          <p class="callout error" role="alert">
            {failure}
          </p>
        )}
        <button type="submit" class="button primary wide" disabled={busy}>
          {busy ? text.busy : text.submit}
        </button>
      </form>
    </Gate>
  );
}

/** A link that makes nothing: what became of it, and where to go. */
function DeadLink({ complete }: { complete: boolean }) {
  const about = useCore().about.value;
  const text = t.value.setup;
  const used = about !== undefined && !about.setup;
  return (
    <Gate title={used ? text.usedTitle : text.title}>
      <p class="gate-lead" role="status">
        {used ? text.used : complete ? text.wrongToken : text.noToken}
      </p>
      {used ? (
        <a class="button primary wide" href={href.chats} onClick={follow}>
          {t.value.signIn.submit}
        </a>
      ) : (
        <WhereTheLinkIs />
      )}
    </Gate>
  );
}

/** Before there is an organisation: how whoever runs the server gets to the page that makes it. */
export function NotSetUp() {
  const text = t.value.setup;
  return (
    <Gate title={text.notYetTitle}>
      <p class="gate-lead">{text.notYet}</p>
      <WhereTheLinkIs />
    </Gate>
  );
}

function WhereTheLinkIs() {
  const text = t.value.setup;
  return (
    <div class="callout where">
      <p>{text.where}</p>
      <pre class="code-block" dir="ltr">
        <code>
          {'http   '}
          {location.origin}
          {'\nsetup  '}
          {location.origin}/setup#…
        </code>
      </pre>
      <p>{text.whereAgain}</p>
    </div>
  );
}

/** The one call that is made before there is anybody to sign in, and hence outside the core. Throws Problem. */
async function create(body: Record<string, string>): Promise<void> {
  const answer = await fetch('/api/v1/setup', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw Problem.of(answer.status, await answer.json().catch(() => ({})));
}

/** Whether the link's token still makes something: the server looks at it before anything else. */
async function looksGood(token: string): Promise<boolean> {
  const { repeat: _, ...nothing } = empty;
  try {
    await create({ token, ...nothing });
  } catch (e) {
    return nameOf(e instanceof Problem ? e.names : undefined) !== 'setup-link';
  }
  return true;
}
