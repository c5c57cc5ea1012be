import { useState } from 'preact/hooks';
import { Field, Segments, Switch } from '../ui/field';
import { type TextSize, t, textSize, textSizes } from '../ui/prefs';
import { explain, fieldErrors } from '../ui/problem';
import { attempt, toast } from '../ui/toast';
import { permission, play, sound, supported, turnOn, wanted } from './alerts';
import { useCore } from './context';
import { Shortcuts } from './shortcut-list';
import { shortcuts } from './shortcuts';

export function AlertSettings() {
  const text = t.value.alerts;
  const granted = permission.value === 'granted';
  const hint = !supported ? text.unsupported : permission.value === 'denied' ? text.denied : text.desktopHint;
  return (
    <section class="card">
      <h2>{text.title}</h2>
      <Switch
        label={text.desktop}
        hint={hint}
        checked={wanted.value && granted}
        disabled={permission.value === 'denied'}
        onChange={(on) => {
          if (on) attempt(turnOn());
          else wanted.value = false;
        }}
      />
      <Switch
        label={text.sound}
        hint={text.soundHint}
        checked={sound.value}
        onChange={(on) => {
          sound.value = on;
          if (on) play();
        }}
      />
    </section>
  );
}

export function TextSizeChoice() {
  const text = t.value.settings;
  const options = textSizes.map((size): [TextSize, preact.ComponentChildren] => [size, text.sizes[size]]);
  return (
    <Segments
      label={text.textSize}
      value={textSize.value}
      options={options}
      onChange={(size) => {
        textSize.value = size;
      }}
    />
  );
}

/** The server's own rule: the fewest characters of a password. */
const shortest = 8;

export function PasswordSettings() {
  const core = useCore();
  const text = t.value.settings;
  const setup = t.value.setup;
  const [before, setBefore] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const [errors, setErrors] = useState<{ before?: string; next?: string; again?: string }>({});
  const [busy, setBusy] = useState(false);
  const save = async () => {
    const wrong = {
      ...(!before && { before: t.value.signIn.required }),
      ...([...next].length < shortest && { next: setup.tooShort }),
      ...(again !== next && { again: setup.mismatch }),
    };
    setErrors(wrong);
    if (Object.keys(wrong).length > 0) return;
    setBusy(true);
    try {
      await core.updateMe({ password: next, current_password: before });
      for (const clear of [setBefore, setNext, setAgain]) clear('');
      toast(text.passwordChanged);
    } catch (e) {
      const { current_password: onBefore, password: onNext } = fieldErrors(e);
      setErrors(onBefore ? { before: onBefore } : { next: onNext ?? explain(e) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="card">
      <h2>{text.password}</h2>
      <form
        class="setting-password"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          save();
        }}
      >
        <Field
          label={text.currentPassword}
          type="password"
          autocomplete="current-password"
          value={before}
          onInput={setBefore}
          error={errors.before}
        />
        <Field
          label={text.newPassword}
          type="password"
          autocomplete="new-password"
          hint={setup.passwordHint}
          value={next}
          onInput={setNext}
          error={errors.next}
        />
        <Field
          label={setup.repeat}
          type="password"
          autocomplete="new-password"
          value={again}
          onInput={setAgain}
          error={errors.again}
        />
        <p class="row-sub">{text.passwordHint}</p>
        <button type="submit" class="button" disabled={busy}>
          {text.changePassword}
        </button>
      </form>
    </section>
  );
}

export function ShortcutList() {
  return (
    <section class="card not-touch">
      <h2>{t.value.shortcuts.title}</h2>
      <Shortcuts names={Object.keys(shortcuts) as (keyof typeof shortcuts)[]} />
    </section>
  );
}
