// The page behind a one-time link, where somebody chooses a password.

import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Api } from '../core/api/http';
import { Field } from '../ui/field';
import { Gate } from '../ui/gate';
import { openPage } from '../ui/page';
import { t } from '../ui/prefs';
import { explain, explainMore, statusOf } from '../ui/problem';
import { remember } from '../ui/remember';
import '../ui/styles/tokens.css';
import '../ui/styles/base.css';
import '../ui/styles/parts.css';
import '../ui/styles/rows.css';
import '../ui/styles/gate.css';
import { a } from './text';

interface Owner {
  org: string;
  org_name: string;
  username: string;
  name: string;
  /** What the organisation asks of passwords: the fewest characters, and more than letters. */
  password_min: number;
  password_mixed: boolean;
}

const api = new Api({
  base: location.origin,
  fetch: (...args) => fetch(...args),
  now: Date.now,
  locks: null,
  onSignedIn() {},
  onSignedOut() {},
});

const place = 'magpie-reset';

/**
 * Takes the link's secret out of the address, where it stands behind #, or in older links as token: so that neither the history nor a picture of the window has it. This tab keeps it until it is used, for when
 * the page is loaded again.
 */
function takeToken(): string {
  // Links that were made before had it in the query.
  const token = location.hash.slice(1) || new URLSearchParams(location.search).get('token');
  try {
    if (!token) return sessionStorage.getItem(place) ?? '';
    sessionStorage.setItem(place, token);
    history.replaceState(null, '', location.pathname);
  } catch {
    // Without a store the address has to keep it.
  }
  return token ?? '';
}

function forgetToken(): void {
  try {
    sessionStorage.removeItem(place);
  } catch {
    // Then there is none.
  }
}

function Reset() {
  const text = a.value.reset;
  const [token] = useState(takeToken);
  // Another link that is opened in this tab changes nothing but what stands behind #.
  useEffect(() => {
    const again = () => location.reload();
    addEventListener('hashchange', again);
    return () => removeEventListener('hashchange', again);
  }, []);
  const [owner, setOwner] = useState<Owner>();
  const [failure, setFailure] = useState<unknown>();
  const [done, setDone] = useState(false);

  const look = () => {
    setFailure(undefined);
    api.open<Owner>('POST', '/auth/reset/look', { token }).then(setOwner, setFailure);
  };
  useEffect(look, []);
  useEffect(() => {
    document.title = text.title;
  }, [text]);

  if (failure) {
    const dead = statusOf(failure) === 404 || statusOf(failure) === 422;
    return (
      <Gate title={dead ? text.deadTitle : text.title}>
        <p class="gate-lead">{dead ? text.dead : explain(failure)}</p>
        {dead ? (
          <a class="button" href="/">
            {text.signIn}
          </a>
        ) : (
          <button type="button" class="button primary" onClick={look}>
            {t.value.chat.again}
          </button>
        )}
      </Gate>
    );
  }
  if (!owner) return <Gate title={text.title}>{null}</Gate>;
  if (done) {
    return (
      <Gate title={text.doneTitle}>
        <p class="gate-lead">{text.done(owner.org, owner.username)}</p>
        <a class="button primary wide" href="/">
          {text.signIn}
        </a>
      </Gate>
    );
  }
  return <Choose owner={owner} token={token} onDone={() => setDone(true)} onDead={setFailure} />;
}

interface ChooseProps {
  owner: Owner;
  token: string;
  onDone(): void;
  onDead(e: unknown): void;
}

function Choose({ owner, token, onDone, onDead }: ChooseProps) {
  const text = a.value.reset;
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [errors, setErrors] = useState<{ password?: string; again?: string }>({});
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    const wrong = {
      ...([...password].length < owner.password_min && { password: text.tooShort(owner.password_min) }),
      ...(password !== again && { again: text.mismatch }),
    };
    setErrors(wrong);
    if (busy || Object.keys(wrong).length > 0) return;
    setBusy(true);
    try {
      await api.open('POST', '/auth/reset', { token, password });
      forgetToken();
      remember('org', owner.org);
      onDone();
    } catch (e) {
      if (statusOf(e) === 404) onDead(e);
      else setErrors({ password: explain(e) });
      setBusy(false);
    }
  };
  return (
    <Gate title={text.title}>
      <p class="gate-lead" dir="auto">
        {text.lead(owner.name, owner.org_name)}
      </p>
      <form
        class="gate-form"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        {/* For the browser's own store of passwords. */}
        <input
          class="hidden-visually"
          autocomplete="username"
          value={owner.username}
          readOnly
          tabIndex={-1}
          aria-hidden="true"
        />
        <Field
          label={text.password}
          type="password"
          autocomplete="new-password"
          value={password}
          onInput={setPassword}
          hint={text.hint(owner.password_min, owner.password_mixed)}
          error={errors.password}
          autofocus
        />
        <Field
          label={text.repeat}
          type="password"
          autocomplete="new-password"
          value={again}
          onInput={setAgain}
          error={errors.again}
        />
        <p class="field-hint">{text.note}</p>
        <button type="submit" class="button primary wide" disabled={busy}>
          {busy ? text.busy : text.submit}
        </button>
      </form>
    </Gate>
  );
}

explainMore(() => a.value.problem);
// Another link in the same tab loads nothing by itself.
addEventListener('hashchange', () => location.reload());
openPage((root) => render(<Reset />, root));
