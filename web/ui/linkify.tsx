import type { ComponentChildren } from 'preact';
import { skeleton } from './name';

// Only these schemes ever become links: `javascript:`, `data:` and the like stay text.
const pattern =
  /\b(?:https?:\/\/|www\.)[^\s<>"'`，。；！？、（）《》「」【】\u200b-\u200f\u202a-\u202e\u2066-\u2069]+|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+/giu;

/** The address that a piece of text stands for, or undefined when it is none. */
export function address(text: string): string | undefined {
  if (text.includes('@') && !/^(?:https?:\/\/|www\.)/i.test(text)) return `mailto:${text}`;
  const whole = /^www\./i.test(text) ? `https://${text}` : text;
  if (!URL.canParse(whole)) return undefined;
  const url = new URL(whole);
  const web = url.protocol === 'http:' || url.protocol === 'https:';
  return web && (url.hostname.includes('.') || url.hostname === 'localhost') ? url.href : undefined;
}

/** Splits a link from the punctuation that closes the sentence around it. A bracket stays when it was opened inside. */
export function trimLink(found: string): string {
  let end = found.length;
  while (end > 0) {
    const last = found[end - 1] ?? '';
    const inside = found.slice(0, end - 1);
    const closes =
      last === ')' ? inside.split('(').length <= inside.split(')').length : last === ']' && !inside.includes('[');
    if (!/[.,;:!?*_~]/.test(last) && !closes) break;
    end--;
  }
  return found.slice(0, end);
}

export interface Link {
  /** Where it begins in the text. */
  at: number;
  text: string;
  href: string;
  /** Where it leads, when what is written looks like another place. */
  host?: string | undefined;
}

/** The host that a link leads to, where its text says something else to the eye: letters that imitate others, or a name before an `@`. */
export function hiddenHost(text: string, href: string): string | undefined {
  if (href.startsWith('mailto:')) return undefined;
  const { host } = new URL(href);
  const written = text.replace(/^https?:\/\//i, '').toLowerCase();
  if (written.startsWith(host) && !/^[^/?#\\]*@/.test(written)) return undefined;
  const name = written.split(/[/?#\\]/, 1)[0] ?? '';
  // Names in other letters are as good as Latin ones, as long as they keep to their own and don't look like those.
  const honest = host.includes('xn--') && !name.includes('@') && name.split(/[.。．｡:]/).every(keepsToItself);
  return honest ? undefined : host;
}

const foreign = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Coptic}]/u;

function keepsToItself(label: string): boolean {
  if (/^[\x21-\x7e]*$/.test(label)) return true;
  if (!foreign.test(label)) return label.normalize('NFKC') === label && !/[ɑɡıɩꜱ]/.test(label);
  return !/[a-z]/.test(label) && !looksLatin(label);
}

/** Nothing but Latin letters remains when the imitations among them are taken for what they imitate. */
function looksLatin(label: string): boolean {
  return /^[a-z0-9-]*$/.test(skeleton(label));
}

export function findLinks(text: string): Link[] {
  const found: Link[] = [];
  for (const match of text.matchAll(pattern)) {
    const link = trimLink(match[0]);
    const href = address(link);
    if (href) found.push({ at: match.index, text: link, href, host: hiddenHost(link, href) });
  }
  return found;
}

/** A link out of the app: the other side learns neither where it came from nor gets a hold of this page. */
interface OutsideProps {
  href: string;
  /** Said beside the text. */
  host?: string | undefined;
  children: ComponentChildren;
}

export function Outside({ href, host, children }: OutsideProps) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
      {host && <small class="link-host"> ({host})</small>}
    </a>
  );
}

/** Text with its links made clickable, as nodes: there is no HTML string anywhere on the way. */
export function linkify(text: string): ComponentChildren {
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const link of findLinks(text)) {
    parts.push(
      text.slice(at, link.at),
      <Outside href={link.href} host={link.host}>
        {link.text}
      </Outside>,
    );
    at = link.at + link.text.length;
  }
  if (parts.length === 0) return text;
  parts.push(text.slice(at));
  return parts;
}
