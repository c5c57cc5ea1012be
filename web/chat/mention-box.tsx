import { useEffect, useState } from 'preact/hooks';
import type { Core, Message } from '../core';
import { Avatar } from '../ui/avatar';
import type { Mention } from '../ui/markup';
import { Name } from '../ui/name';
import { t } from '../ui/prefs';
import { languages } from '../ui/text/languages';
import { split, useCore, usePerson } from './context';

/** Everyone that may be mentioned in a conversation: the members of a group besides oneself, and all of them at once. */
export function mentionable(core: Core, conv: string): Mention[] {
  const [kind, gid] = split(conv);
  if (kind === 'u') return [];
  const me = core.account.value.me?.uid;
  const people = core.members(gid).value.filter((m) => m.uid !== me);
  return [
    ...people.map((m) => ({ uid: m.uid, name: m.name })),
    ...Object.values(languages).map((l) => ({ uid: '*', name: l.everyone })),
  ];
}

/** uids that one message may mention: docs/protocol.md §9. */
export const mentionLimit = 200;

/** Those whom a message mentions, by the names that they have now; for everyone, the word in each language. */
export function mentionedIn(core: Core, m: Message): Mention[] {
  const at = m.media[0]?.content.at;
  if (!Array.isArray(at)) return [];
  return at
    .slice(0, mentionLimit)
    .filter((uid) => typeof uid === 'string')
    .flatMap((uid) =>
      uid === '*'
        ? Object.values(languages).map((l) => ({ uid, name: l.everyone }))
        : [{ uid, name: core.person(uid).value.name }],
    );
}

const pause = 150;
const nobody: ReadonlySet<string> = new Set();

/** Those whose names are spelled so in pinyin, in full or in initials: the server knows how Han characters are read. */
export function useReadings(query: string): ReadonlySet<string> {
  const core = useCore();
  const [found, setFound] = useState<{ query: string; uids: ReadonlySet<string> }>();
  useEffect(() => {
    if (!/^[a-z]{1,20}$/i.test(query)) return;
    let stale = false;
    const ask = async () => {
      const page = await core.directory(query);
      if (!stale) setFound({ query, uids: new Set(page.items.map((p) => p.uid)) });
    };
    // Without an answer the names themselves are searched all the same.
    const timer = setTimeout(() => ask().catch(() => {}), pause);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [core, query]);
  return found?.query === query ? found.uids : nobody;
}

interface MentionBoxProps {
  id: string;
  list: Mention[];
  active: number;
  choose(m: Mention): void;
}

/** The list above the composer. The focus stays in the text: arrow keys move `active`, Enter or Tab takes it. */
export function MentionBox({ id, list, active, choose }: MentionBoxProps) {
  useEffect(() => document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: 'nearest' }), [id, active]);
  return (
    <div id={id} class="mention-box" role="listbox" aria-label={t.value.chat.mention}>
      {list.map((m, i) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the text field.
        <div
          key={m.uid}
          id={`${id}-${i}`}
          class="row"
          role="option"
          tabIndex={-1}
          aria-selected={i === active}
          onPointerDown={(e) => e.preventDefault()}
          onClick={() => choose(m)}
        >
          {m.uid === '*' ? <Avatar id="*" name="@" size="xs" group /> : <Picture uid={m.uid} name={m.name} />}
          <Name class="row-name ellipsis" name={m.name} />
          <span class="row-sub ellipsis">{m.uid === '*' ? t.value.chat.everyoneHint : m.uid}</span>
        </div>
      ))}
    </div>
  );
}

function Picture({ uid, name }: { uid: string; name: string }) {
  const person = usePerson(uid);
  return <Avatar id={uid} name={name} src={person.avatar} size="xs" />;
}
