import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../../core/problem';
import { Name } from '../../ui/name';
import { language, theme } from '../../ui/prefs';
import { attempt } from '../../ui/toast';
import { api } from '../client';
import { PeoplePicker } from '../parts/people-picker';
import { Block } from '../parts/split';
import { a } from '../text';
import type { Account, App } from '../types';

declare global {
  interface Window {
    /** What the loader puts on a page (docs/embedding.md). */
    Magpie?: (method: string, ...args: unknown[]) => unknown;
  }
}

/** Fetches the loader as other pages do. Rejects with a Problem when it does not come. */
function load(): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = '/embed/v1/loader.js';
    script.onload = () => {
      script.remove();
      resolve();
    };
    script.onerror = () => {
      script.remove();
      reject(new Problem(0, 'No loader', 'The bubble could not be loaded.'));
    };
    document.head.append(script);
  });
}

/** Shows the bubble in this very page, signed in by a token that the server makes for one minute. */
export function TryApp({ app, path }: { app: App; path: string }) {
  const text = a.value.apps;
  const [choosing, setChoosing] = useState(false);
  const [who, setWho] = useState<Account>();
  const gone = useRef(false);
  useEffect(
    () => () => {
      gone.current = true;
      void window.Magpie?.('destroy');
    },
    [],
  );
  const start = async (person: Account) => {
    // The first token is asked for here, as its refusal is said in the dialog.
    const ask = async () =>
      (await api.request<{ token: string }>('POST', `${path}/test-token`, { body: { uid: person.uid } })).token;
    let first: string | undefined = await ask();
    window.Magpie?.('destroy');
    await load();
    // Who has left this part meanwhile wants no bubble.
    if (gone.current) return;
    window.Magpie?.('boot', {
      app: app.id,
      locale: language.value,
      theme: theme.value === 'system' ? 'auto' : theme.value,
      getToken: async () => {
        const token = first ?? (await ask());
        first = undefined;
        return token;
      },
    });
    setWho(person);
  };
  const stop = async () => {
    await window.Magpie?.('destroy');
    setWho(undefined);
  };
  return (
    <Block title={text.try} hint={text.tryHint}>
      {who && (
        <p role="status">
          <Name name={text.tryOn(who.name)} />
        </p>
      )}
      <div class="actions">
        <button type="button" class="button" onClick={() => setChoosing(true)}>
          {text.tryStart}
        </button>
        {who && (
          <button type="button" class="button" onClick={() => attempt(stop())}>
            {text.tryStop}
          </button>
        )}
      </div>
      {choosing && (
        <PeoplePicker
          title={text.tryAs}
          action={text.tryStart}
          single
          onClose={() => setChoosing(false)}
          run={async ([person]) => {
            if (person) await start(person);
          }}
        />
      )}
    </Block>
  );
}
