import { useState } from 'preact/hooks';
import { Icon } from '../../ui/icon';
import { attempt } from '../../ui/toast';
import { api, can } from '../client';
import { DeleteButton, Secret, since } from '../parts/secret';
import { Block } from '../parts/split';
import { a } from '../text';
import type { App } from '../types';

interface KeysProps {
  app: App;
  path: string;
  onChange(): void;
}

/** The server lets two live at once: the old one while the new one is being put in. */
const most = 2;

/** The secrets by which an app's server says who is at its page. */
export function SigningKeys({ app, path, onChange }: KeysProps) {
  const text = a.value.apps;
  const [secret, setSecret] = useState('');
  const [busy, setBusy] = useState(false);
  const make = async () => {
    setBusy(true);
    try {
      setSecret((await api.request<{ secret: string }>('POST', `${path}/keys`)).secret);
      onChange();
    } finally {
      setBusy(false);
    }
  };
  return (
    <Block title={text.keys} hint={text.keysHint}>
      {app.keys.length === 0 && <p class="field-hint">{app.jwks_url ? text.noKeysJwks : text.noKeys}</p>}
      <ul class="devices">
        {app.keys.map((key) => (
          <li key={key.id}>
            <Icon name="lock" />
            <span class="row-text">
              <code class="row-name ellipsis">{key.id}</code>
              <span class="row-sub">{since(key)}</span>
            </span>
            {can('change') && (
              <DeleteButton
                label={text.deleteOne(key.id)}
                title={text.keyDeleteAsk}
                text={text.keyDeleteText}
                done={text.keyDeleted}
                run={async () => {
                  await api.request('DELETE', `${path}/keys/${encodeURIComponent(key.id)}`);
                  onChange();
                }}
              />
            )}
          </li>
        ))}
      </ul>
      {can('change') &&
        (app.keys.length < most ? (
          <button type="button" class="button" disabled={busy} onClick={() => attempt(make())}>
            <Icon name="plus" />
            {text.makeKey}
          </button>
        ) : (
          <p class="field-hint">{text.twoKeys}</p>
        ))}
      {secret && <Secret title={text.keyMade} label={text.secret} value={secret} onClose={() => setSecret('')} />}
    </Block>
  );
}
