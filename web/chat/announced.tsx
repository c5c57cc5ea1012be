import { useEffect, useState } from 'preact/hooks';
import type { OrgAnnouncement } from '../core';
import { Dialog } from '../ui/dialog';
import { format } from '../ui/format';
import { linkify } from '../ui/linkify';
import { Words } from '../ui/name';
import { t } from '../ui/prefs';
import { explain } from '../ui/problem';
import { attempt } from '../ui/toast';
import { useCore } from './context';

/** All that the organisation has announced to one, to read again. */
export function Announced() {
  const core = useCore();
  const text = t.value.orgAnnouncement;
  const [items, setItems] = useState<OrgAnnouncement[]>();
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState('');
  const [open, setOpen] = useState<OrgAnnouncement>();
  const more = async (cursor?: string) => {
    const page = await core.announced(cursor);
    setItems((before) => (cursor ? [...(before ?? []), ...page.items] : page.items));
    setNext(page.next);
  };
  // What is new, or has been read, comes here too.
  const news = core.announcements.value;
  useEffect(() => {
    more().then(
      () => setError(''),
      (e) => setError(explain(e)),
    );
  }, [news]);
  return (
    <section class="card" aria-label={text.all}>
      <h2>{text.all}</h2>
      {error && !items && <p class="field-error">{error}</p>}
      {items?.length === 0 && <p class="field-hint">{text.none}</p>}
      <ul>
        {items?.map((x) => (
          <li key={x.id}>
            <button type="button" class="row" onClick={() => setOpen(x)}>
              <span class="row-text">
                <Words class="row-name ellipsis">{x.title}</Words>
                <span class="row-sub">{format.value.moment.format(Date.parse(x.created))}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {next && (
        <button type="button" class="button plain" onClick={() => attempt(more(next))}>
          {text.older}
        </button>
      )}
      {open && (
        <Dialog
          title={open.title}
          onClose={() => {
            setOpen(undefined);
            if (news.some(({ id }) => id === open.id)) attempt(core.readAnnouncement(open.id));
          }}
        >
          <p class="org-announcement" dir="auto">
            {linkify(open.text)}
          </p>
          <p class="field-hint">{format.value.full.format(Date.parse(open.created))}</p>
        </Dialog>
      )}
    </section>
  );
}
