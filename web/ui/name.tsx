// Names as they are shown. People choose their own, so a name may hold what turns the line around, and may imitate another's.

import { type Signal, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { personal } from './personal';
import { script } from './script';

/** More marks than this on one letter are decoration; Vietnamese, Thai and Hebrew need fewer. */
const marks = /(\p{M}{3})\p{M}+/gu;
// Controls, and what has no width or turns the direction; what joins and chooses the pictures of emoji stays, beside emoji.
const unseen =
  /\p{Cc}|(?!\p{M}|\u200c|\u200d|[\u{e0020}-\u{e007f}])\p{Default_Ignorable_Code_Point}|\u034f|(?<!\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})\u200d|\u200c(?!\p{L})|(?<![\p{Emoji}\u{e0020}-\u{e007f}])[\u{e0020}-\u{e007f}]/gu;

/** A name without what can't be seen. */
export function clean(name: string): string {
  const seen = name.replace(unseen, '').replace(marks, '$1').trim();
  return seen || name.replace(/[^\p{L}\p{N}]/gu, '') || '?';
}

/** A text whose letters carry no more marks than a line holds. */
export function calm(text: string): string {
  return text.replace(marks, '$1');
}

// Letters of other scripts that look like Latin ones, after lower case: the commonest of Unicode's confusables (UTS #39).
const twins = new Map(
  Object.entries({
    a: 'аαɑ',
    b: 'ьвβ',
    c: 'сϲ',
    d: 'ԁ',
    e: 'еєҽε',
    g: 'ɡց',
    h: 'һн',
    i: 'іıιɩӏ|!1l',
    j: 'јϳ',
    k: 'кκ',
    m: 'м',
    n: 'пηո',
    o: 'оοσ0օ',
    p: 'рρ',
    q: 'ԛ',
    r: 'гꭇ',
    s: 'ѕꜱ',
    t: 'тτ',
    u: 'υսц',
    v: 'ѵν',
    w: 'ԝωѡ',
    x: 'хχ',
    y: 'уүγ',
    z: 'ᴢ',
  }).flatMap(([letter, others]) => [...others].map((one): [string, string] => [one, letter])),
);

/** Two names with the same skeleton look alike. */
export function skeleton(name: string): string {
  const bare = clean(name)
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[\s._\-·'’]+/gu, '');
  return [...bare]
    .map((c) => twins.get(c) ?? c)
    .join('')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w');
}

interface Alike {
  uids: Set<string>;
  /** More than one person has a name that looks like this. */
  many: Signal<boolean>;
}

/** Everyone whose name this page has come to know, by how it looks. */
const known = new Map<string, Alike>();
/** The same by the names as they are written: a list asks for each of its names again and again. */
const byName = new Map<string, Alike>();
/** The names that were taken into account, by uid. */
const noted = new Map<string, string>();

// Whom one person has met says nothing to the next.
personal(() => {
  known.clear();
  byName.clear();
  noted.clear();
});

function alike(name: string): Alike {
  let found = byName.get(name);
  if (!found) {
    const key = skeleton(name);
    found = known.get(key) ?? { uids: new Set(), many: signal(false) };
    known.set(key, found);
    byName.set(name, found);
  }
  return found;
}

/** Takes somebody into account when names are compared. */
export function note(uid: string, name: string): void {
  if (name === uid || noted.get(uid) === name) return;
  noted.set(uid, name);
  const { uids, many } = alike(name);
  uids.add(uid);
  if (uids.size > 1) many.value = true;
}

/** Whether another person has a name that looks like this one. Follows changes. */
export function hasTwin(name: string): boolean {
  return alike(name).many.value;
}

interface NameProps {
  name: string;
  /** Whose it is; left out for a group's. */
  uid?: string | undefined;
  class?: string;
}

/** A name, and the user name beside it where another person's looks the same. */
export function Name({ name, uid, class: cls = '' }: NameProps) {
  useEffect(() => {
    if (uid) note(uid, name);
  }, [uid, name]);
  const shown = clean(name);
  const twin = uid !== undefined && shown !== uid && hasTwin(name);
  return (
    <bdi class={`${cls} ${script(shown)}`}>
      {shown}
      {twin && <small class="twin"> {uid}</small>}
    </bdi>
  );
}

/** What somebody wrote, on one line among texts of the interface. */
export function Words({ children, class: cls = '' }: { children: string; class?: string }) {
  return <bdi class={`${cls} ${script(children)}`}>{calm(children)}</bdi>;
}
