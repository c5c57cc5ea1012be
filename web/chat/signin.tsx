import { useState } from 'preact/hooks';
import { Avatar } from '../ui/avatar';
import { Field } from '../ui/field';
import { Gate } from '../ui/gate';
import { t } from '../ui/prefs';
import { explain, retryAfter, statusOf } from '../ui/problem';
import { recall, remember } from '../ui/remember';
import { useCore } from './context';

/** The people of `magpie serve --demo`; their password is in the manual. */
const demo = { org: 'demo', password: 'magpie-demo', people: ['alice', 'bob', 'carol', 'dave'] };

export function SignIn() {
  const core = useCore();
  const about = core.about.value;
  const { reason } = core.account.value;
  const text = t.value.signIn;
  const [org, setOrg] = useState(recall('org') ?? '');
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState(false);
  const [error, setError] = useState('');
  const missing = (value: string) => (tried && value.trim() === '' ? text.required : undefined);

  const submit = async () => {
    setTried(true);
    setError('');
    if (busy || !org.trim() || !user.trim() || !password) return;
    setBusy(true);
    try {
      await core.login(org.trim(), user.trim(), password);
      remember('org', org.trim());
    } catch (e) {
      setError(loginError(e));
      setBusy(false);
    }
  };

  const fill = (name: string) => {
    setOrg(demo.org);
    setUser(name);
    setPassword(demo.password);
  };

  return (
    <Gate title={text.title} name={about?.name}>
      {reason && !error && <p class="callout">{text.ended}</p>}
      {about?.demo && (
        <section class="callout demo" aria-label={text.demoTitle}>
          <h2>{text.demoTitle}</h2>
          <p>{text.demoText}</p>
          <div class="demo-people">
            {demo.people.map((name) => (
              <button
                key={name}
                type="button"
                class="demo-person"
                aria-label={text.demoUse(name)}
                onClick={() => fill(name)}
              >
                <Avatar id={name} name={name} src={`/avatars/${name}.svg`} size="s" />
                {name}
              </button>
            ))}
          </div>
          <p>{text.demoPassword(demo.org, demo.password)}</p>
        </section>
      )}
      <form
        class="gate-form"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          submit();
        }}
      >
        <Field
          label={text.organisation}
          value={org}
          onInput={setOrg}
          autocomplete="organization"
          error={missing(org)}
          hint={about?.demo ? undefined : text.organisationHint}
          autofocus={!org}
          verbatim
        />
        <Field
          label={text.username}
          value={user}
          onInput={setUser}
          autocomplete="username"
          error={missing(user)}
          autofocus={!!org}
          verbatim
        />
        <Field
          label={text.password}
          value={password}
          onInput={setPassword}
          type="password"
          autocomplete="current-password"
          error={missing(password)}
        />
        {error && (
          <p class="callout error" role="alert">
            {error}
          </p>
        )}
        <button type="submit" class="button primary wide" disabled={busy}>
          {busy ? text.busy : text.submit}
        </button>
      </form>
      <p class="field-hint gate-foot">{text.forgotten}</p>
    </Gate>
  );
}

function loginError(e: unknown): string {
  const text = t.value.signIn;
  switch (statusOf(e)) {
    case 401:
    case 422:
      return text.wrong;
    case 429:
      return text.tooOften(Math.max(1, Math.ceil((retryAfter(e) ?? 60) / 60)));
    default:
      return explain(e);
  }
}
