import { useRef, useState } from 'preact/hooks';
import { Search } from '../ui/field';
import { t } from '../ui/prefs';
import { recall, remember } from '../ui/remember';
import { emojiOf, findEmoji, type Group } from './emoji-words';

// Loaded when somebody opens it for the first time.
const names = Object.keys(emojiOf) as Group[];
const recentLimit = 18;

/** Pictures to choose from: arrow keys move, Enter takes one. In the search box Enter takes the first that was found. */
export function EmojiPicker({ choose }: { choose(emoji: string): void }) {
  const box = useRef<HTMLDivElement>(null);
  const [recent] = useState(() => (recall('emoji') ?? '').split(' ').filter(Boolean));
  const [query, setQuery] = useState('');
  const text = t.value.emoji;
  const found = query.trim() ? findEmoji(query) : undefined;

  const take = (emoji: string) => {
    const kept = (recall('emoji') ?? '').split(' ').filter((one) => one && one !== emoji);
    remember('emoji', [emoji, ...kept].slice(0, recentLimit).join(' '));
    choose(emoji);
  };

  const key = (e: KeyboardEvent) => {
    const all = [...(box.current?.querySelectorAll<HTMLButtonElement>('button') ?? [])];
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const here = all[at];
    if (!here) {
      // In the search box.
      if (e.isComposing || (e.key !== 'ArrowDown' && !(e.key === 'Enter' && found))) return;
      e.preventDefault();
      if (e.key === 'Enter') all[0]?.click();
      else all[0]?.focus();
      return;
    }
    let to: HTMLButtonElement | undefined;
    if (e.key === 'ArrowRight') to = all[at + 1];
    else if (e.key === 'ArrowLeft') to = all[at - 1];
    else if (e.key === 'Home') to = all[0];
    else if (e.key === 'End') to = all.at(-1);
    else if (e.key === 'ArrowDown') to = nextRow(here, all.slice(at + 1));
    else if (e.key === 'ArrowUp') to = nextRow(here, all.slice(0, at).reverse());
    else return;
    e.preventDefault();
    to?.focus();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the buttons inside.
    <div ref={box} onKeyDown={key}>
      <div class="emoji-search">
        <Search label={text.search} value={query} onInput={setQuery} />
      </div>
      <div class="emoji-scroll">
        {found ? (
          found.length > 0 ? (
            <Section name={text.found} list={found} take={take} first />
          ) : (
            <p class="list-hint" role="status">
              {text.noneFound}
            </p>
          )
        ) : (
          <>
            {recent.length > 0 && <Section name={text.recent} list={recent} take={take} first />}
            {names.map((name, i) => (
              <Section
                key={name}
                name={text[name]}
                list={emojiOf[name].map((one) => one.emoji)}
                take={take}
                first={i === 0 && recent.length === 0}
              />
            ))}
          </>
        )}
      </div>
    </div>
  );
}

/** The first button of the next row that is at least as far to the side, or the last one of that row. */
function nextRow(from: HTMLElement, rest: HTMLButtonElement[]): HTMLButtonElement | undefined {
  const top = rest.find((b) => b.offsetTop !== from.offsetTop)?.offsetTop;
  const row = rest.filter((b) => b.offsetTop === top);
  return row.find((b) => b.offsetLeft === from.offsetLeft) ?? row.at(-1);
}

interface SectionProps {
  name: string;
  list: string[];
  take(emoji: string): void;
  first: boolean;
}

function Section({ name, list, take, first }: SectionProps) {
  return (
    <section aria-label={name}>
      <h3 class="emoji-heading">{name}</h3>
      <div class="emoji-grid">
        {list.map((emoji, i) => (
          <button key={emoji} type="button" tabIndex={first && i === 0 ? 0 : -1} onClick={() => take(emoji)}>
            {emoji}
          </button>
        ))}
      </div>
    </section>
  );
}
