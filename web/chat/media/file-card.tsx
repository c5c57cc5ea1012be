import { bytes } from '../../ui/format';
// A file in a conversation or a list: what it is, how large, the way to get it.

import type { Message } from '../../core';
import { Icon } from '../../ui/icon';
import { t } from '../../ui/prefs';
import { Save } from '../../ui/save';
import { areFetched } from '../../ui/source';
import { amount, fileName, isPdf, link, type Shown, words } from './describe';
import { withPart } from './lazy';
import { isGoing, UploadRing } from './uploading';

/** Kinds that have a colour of their own, by content type, then by the end of the name. */
const byType: Record<number, string> = { 2: 'sound', 3: 'film', 4: 'doc', 5: 'slides', 6: 'sheet', 7: 'pdf' };
const byEnd: [RegExp, string][] = [
  [/^pdf$/, 'pdf'],
  [/^(zip|rar|7z|gz|tgz|bz2|xz|zst|tar)$/, 'archive'],
  [/^(js|ts|tsx|go|py|java|c|h|cpp|rs|rb|php|html|css|json|xml|ya?ml|toml|sql|sh)$/, 'code'],
  [/^(docx?|odt|rtf|txt|md|pages)$/, 'doc'],
  [/^(xlsx?|ods|csv|tsv|numbers)$/, 'sheet'],
  [/^(pptx?|odp|key)$/, 'slides'],
];

function kindOf(type: number, end: string): string {
  return byType[type] ?? byEnd.find(([form]) => form.test(end))?.[1] ?? 'other';
}

/** Code points at the end of a name that stay when its middle is cut: the end of the stem and what kind it is. */
const tailLength = 9;

/** A name on one line; where it is too long the middle goes, as both ends say more. */
export function FileName({ name }: { name: string }) {
  const all = [...name];
  const cut = all.length > tailLength * 2 ? all.length - tailLength : all.length;
  return (
    <bdi class="file-name" title={name}>
      <span class="ellipsis">{all.slice(0, cut).join('')}</span>
      {cut < all.length && <span class="file-tail">{all.slice(cut).join('')}</span>}
    </bdi>
  );
}

export function FileIcon({ type, name }: { type: number; name: string }) {
  const end = /\.([A-Za-z0-9]{1,5})$/.exec(name)?.[1]?.toLowerCase() ?? '';
  const kind = kindOf(type, end);
  return (
    <span class="file-icon" data-kind={kind} aria-hidden="true">
      <Icon name={kind === 'sound' && !end ? 'mic' : 'file'} />
      {end && <span>{end}</span>}
    </span>
  );
}

export function FileCard({ m, one }: { m?: Message; one: Shown }) {
  const text = t.value.media;
  const { content, pending } = one;
  const name = fileName(content);
  const href = link(content, 'co');
  const size = amount(content, 'ml');
  const inner = (
    <>
      <span class="file-text">
        <FileName name={name} />
        <span class="file-size">{words(content, 'ml') || size ? bytes(size) : ''}</span>
      </span>
    </>
  );
  return (
    <div class="file-card">
      {m && isGoing(m, pending) ? <UploadRing m={m} file={pending} /> : <FileIcon type={one.type} name={name} />}
      {pending || !href ? (
        <span class="file-main">{inner}</span>
      ) : isPdf(one) && !areFetched() ? (
        <button
          type="button"
          class="file-main"
          aria-label={text.view(name)}
          onClick={() => withPart(import('./pdf'), ({ openPdf }) => openPdf({ href, name }))}
        >
          {inner}
        </button>
      ) : (
        <Save class="file-main" path={href} name={name} label={text.downloadName(name)}>
          {inner}
        </Save>
      )}
      {href && !pending && (
        <Save
          class="icon-button file-download"
          path={href}
          name={name}
          label={text.downloadName(name)}
          title={text.download}
        >
          <Icon name="download" />
        </Save>
      )}
    </div>
  );
}
