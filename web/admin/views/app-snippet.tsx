import { useState } from 'preact/hooks';
import { Segments } from '../../ui/field';
import { Icon } from '../../ui/icon';
import { attempt, toast } from '../../ui/toast';
import { account, can } from '../client';
import { Select } from '../parts/form';
import { Block } from '../parts/split';
import { element, type Language, languages, policy, server, tag } from '../snippets';
import { a } from '../text';
import type { App } from '../types';
import { TryApp } from './app-try';

type Where = 'tag' | 'element' | 'server';

/** What to put where, filled in; and a try of it. */
export function Snippet({ app, path }: { app: App; path: string }) {
  const text = a.value.apps;
  const [where, setWhere] = useState<Where>('tag');
  const [language, setLanguage] = useState<Language>('node');
  const filled = { app: app.id, org: account.value.org?.eid ?? '', base: location.origin };
  const code = where === 'tag' ? tag(filled) : where === 'element' ? element(filled) : server(language, filled);
  return (
    <>
      <Block title={text.snippet} hint={text.snippetHint}>
        <Segments<Where>
          label={text.snippet}
          value={where}
          options={Object.entries(text.snippets) as [Where, string][]}
          onChange={setWhere}
        />
        <p>{text.snippetHints[where]}</p>
        {where === 'server' && (
          <Select<Language> label={text.language} value={language} options={languages} onChange={setLanguage} />
        )}
        <Code label={text.code} value={code} />
        {where !== 'server' && (
          <>
            <p class="field-hint">{text.csp}</p>
            <Code label="Content-Security-Policy" value={policy(filled)} />
          </>
        )}
      </Block>
      {can('change') && !app.disabled && <TryApp app={app} path={path} />}
    </>
  );
}

/** Lines to copy. They scroll by themselves, and take the focus for that. */
function Code({ label, value }: { label: string; value: string }) {
  return (
    <div class="code">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <section tabIndex={0} class="code-box" aria-label={label} dir="ltr">
        <pre>
          <code>{value}</code>
        </pre>
      </section>
      {navigator.clipboard && (
        <button
          type="button"
          class="icon-button small"
          aria-label={a.value.copyOf(label)}
          onClick={() => attempt(navigator.clipboard.writeText(value), () => toast(a.value.copied))}
        >
          <Icon name="copy" />
        </button>
      )}
    </div>
  );
}
