import { useState } from 'preact/hooks';
import { Problem } from '../core';
import { Field } from '../ui/field';
import { t } from '../ui/prefs';
import { explain, fieldErrors } from '../ui/problem';
import { remember } from '../ui/remember';
import { useCore } from './context';
import { go, href } from './route';
import { Gate } from './signin';

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
      const fields = fieldErrors(e);
      setErrors(fields as typeof errors);
      const shown = Object.keys(fields).some((name) => name in empty);
      setFailure(shown ? '' : explain(e));
      setBusy(false);
    }
  };

  if (!token) {
    return (
      <Gate title={text.title}>
        <p class="callout warn">{text.noToken}</p>
      </Gate>
    );
  }
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

interface ProblemBody {
  title?: string;
  detail?: string;
  errors?: Record<string, string>;
}

/** The one call that is made before there is anybody to sign in, and hence outside the core. */
async function create(body: Record<string, string>): Promise<void> {
  const answer = await fetch('/api/v1/setup', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.ok) return;
  const problem = (await answer.json().catch(() => ({}))) as ProblemBody;
  throw new Problem(answer.status, problem.title ?? '', problem.detail ?? '', problem.errors);
}
