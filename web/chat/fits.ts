// What a search in the list of conversations finds by itself, without the server.

const lower = (s: string) => s.toLocaleLowerCase();

/** Whether a conversation is one that somebody looks for: by a part of its name, beginnings of its words, initials of their sounds, or the user name. */
export function fits(name: string, uid: string | undefined, query: string): boolean {
  const wanted = lower(query.trim());
  if (!wanted) return true;
  const own = lower(name);
  if (own.includes(wanted) || (uid && lower(uid).startsWith(wanted))) return true;
  const words = own.split(/[\s._-]+/);
  if (wanted.split(/\s+/).every((w) => words.some((one) => one.startsWith(w)))) return true;
  return /^[a-z]+$/.test(wanted) && initials(own).includes(wanted);
}

// In the order of pinyin, the first character of each letter's: 八 is the first that begins with b. No syllable begins with i, u or v.
const letters = 'abcdefghjklmnopqrstwxyz';
const firsts = [...'阿八嚓哒妸发旮哈讥咔垃痳拏噢妑七呥扨它穵夕丫帀'];
const collator = new Intl.Collator('zh-CN-u-co-pinyin');
const han = /\p{Script=Han}/u;
const known = new Map<string, string>();

/** The first letters of a name's words, and of its Chinese characters by their most common sound: "zwymq" of 周五羽毛球. */
export function initials(name: string): string {
  let all = known.get(name);
  if (all !== undefined) return all;
  all = (name.match(/\p{Script=Han}|[\p{L}\p{N}]+/gu) ?? [])
    .flatMap((part) => (han.test(part) ? [...part].map((c) => (han.test(c) ? initial(c) : '')) : [part.charAt(0)]))
    .join('');
  known.set(name, all);
  return all;
}

function initial(c: string): string {
  const after = firsts.findIndex((first) => collator.compare(first, c) > 0);
  return letters.at(after === -1 ? -1 : after - 1) ?? '';
}
