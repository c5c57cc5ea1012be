import { type Mention, mentionsIn } from '../ui/markup';

/** What stands between the `@` and the place where one writes. */
export interface Asking {
  /** Where the `@` is. */
  at: number;
  query: string;
}

const shownLimit = 7;

/**
 * What one is asking for with an `@` before the caret, if anything: a name of up to four words, so that it may also be the text that
 * follows a name. An address in the middle of a word is none.
 */
export function askingAt(text: string, caret: number): Asking | undefined {
  const found = /(?:^|[^A-Za-z0-9_.+@-])@([^\s@]{0,32}(?: [^\s@]{1,32}){0,3})$/.exec(
    text.slice(Math.max(0, caret - 140), caret),
  );
  return found ? { at: caret - (found[1] ?? '').length - 1, query: found[1] ?? '' } : undefined;
}

/**
 * Those who fit what was typed: names that begin with it first, everyone at once last, so that it is never taken by mistake.
 * `readings`: uids of those whose names are spelled so.
 */
export function candidates(
  people: readonly Mention[],
  query: string,
  everyone: string,
  readings: ReadonlySet<string> = new Set(),
): Mention[] {
  const wanted = query.toLocaleLowerCase();
  const rank = (m: Mention) => {
    const name = m.name.toLocaleLowerCase();
    if (name.startsWith(wanted) || m.uid.startsWith(wanted)) return 0;
    return name.includes(wanted) || readings.has(m.uid) ? 1 : 2;
  };
  const fitting = people.filter((m) => rank(m) < 2);
  const persons = fitting.filter((m) => m.uid !== '*').sort((a, b) => rank(a) - rank(b));
  return [...persons.slice(0, shownLimit), ...fitting.filter((m) => m.uid === '*' && m.name === everyone)];
}

/**
 * Whom a message mentions once its text `old` is `text`: whom it mentioned `before`, unless their name was taken out, and those of `people` whose names
 * stand in it now. One whose name did not stand in it either (renamed since, or told in another way) stays: nothing was taken out.
 */
export function mentionsAfter(
  text: string,
  old: string,
  before: readonly Mention[],
  people: readonly Mention[],
  chosen: ReadonlyMap<string, string>,
): string[] {
  const all = [...before, ...people];
  const names = all.map(({ name }) => ({ name, uid: name }));
  const had = new Set(mentionsIn(old, names, new Map()));
  const has = new Set(mentionsIn(text, names, new Map()));
  const of = (uid: string) => before.filter((m) => m.uid === uid);
  const stay = before
    .map(({ uid }) => uid)
    .filter((uid) => of(uid).some(({ name }) => has.has(name)) || !of(uid).some(({ name }) => had.has(name)));
  // A name that stood there means whom it meant, whoever else has it; a choice from the list comes later still.
  const meant = new Map([...before.map((m) => [m.name, m.uid] as const), ...chosen]);
  return [...new Set([...stay, ...mentionsIn(text, all, meant)])];
}
