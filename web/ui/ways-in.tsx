// Ways into a group for those who decide them: in the chat's panel and in the administration alike.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { GroupLink, JoinRequest } from '../core';
import { Field, Segments } from './field';
import { format } from './format';
import { Icon } from './icon';
import { Words } from './name';
import { t } from './prefs';
import { explain } from './problem';
import { QrCode } from './qr';
import { attempt, toast } from './toast';
import './styles/ways-in.css';

interface RequestsProps {
  requests: JoinRequest[];
  /** What is known of somebody. */
  nameOf(uid: string): string;
  picture(uid: string): ComponentChildren;
  /** Not given to who only reads. */
  answer?: ((uid: string, accept: boolean) => Promise<void>) | undefined;
}

/** Those who ask to join, each to be let in or declined. */
export function JoinRequests({ requests, nameOf, picture, answer }: RequestsProps) {
  const text = t.value.group;
  const decide = (uid: string, accept: boolean) => {
    const name = nameOf(uid);
    if (answer) attempt(answer(uid, accept), () => toast(accept ? text.isIn(name) : text.declined(name)));
  };
  return (
    <ul class="rows-list join-requests" aria-label={text.requests}>
      {requests.map((r) => (
        <li key={r.uid} class="row">
          {picture(r.uid)}
          <span class="row-text">
            <Words class="row-name ellipsis">{nameOf(r.uid)}</Words>
            {r.message && <Words class="row-sub request-message">{r.message}</Words>}
          </span>
          {answer && (
            <span class="request-actions">
              <button
                type="button"
                class="button small primary"
                aria-label={text.letInName(nameOf(r.uid))}
                onClick={() => decide(r.uid, true)}
              >
                {text.letIn}
              </button>
              <button
                type="button"
                class="button small"
                aria-label={text.declineName(nameOf(r.uid))}
                onClick={() => decide(r.uid, false)}
              >
                {text.decline}
              </button>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Days that a link may be good for. */
const spans = ['1', '7', '30', '365'];

interface LinksProps {
  /** The group's name. */
  name: string;
  nameOf(uid: string): string;
  list(): Promise<GroupLink[]>;
  /** Not given to who only reads. */
  change?: { make(days: number): Promise<GroupLink>; withdraw(id: string): Promise<void> } | undefined;
}

/** The links into a group: make one, hand it on, withdraw it. */
export function GroupLinks({ name, nameOf, list, change }: LinksProps) {
  const text = t.value.group;
  const [links, setLinks] = useState<GroupLink[]>();
  const [days, setDays] = useState('7');
  const [open, setOpen] = useState<GroupLink>();
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const read = () => list().then(setLinks, (e) => setError(explain(e)));
  useEffect(() => {
    void read();
  }, []);
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    setError('');
    try {
      await work();
      await read();
    } catch (e) {
      setError(explain(e));
    }
    setBusy(false);
  };
  return (
    <div class="group-links">
      <p class="field-hint">{text.linksHint}</p>
      {change && (
        <div class="link-make">
          <span class="label">{text.goodFor}</span>
          <Segments
            label={text.goodFor}
            value={days}
            options={spans.map((n) => [n, text.days(Number(n))])}
            onChange={setDays}
          />
          <button
            type="button"
            class="button primary"
            disabled={busy}
            onClick={() => run(async () => setOpen(await change.make(Number(days))))}
          >
            <Icon name="plus" />
            {text.makeLink}
          </button>
        </div>
      )}
      {error && (
        <p class="callout error" role="alert">
          {error}
        </p>
      )}
      {open?.url && <Handed key={open.id} link={open} url={open.url} name={name} />}
      {links?.length === 0 && <p class="list-hint">{text.noLinks}</p>}
      <ul class="rows-list link-list" aria-label={text.links}>
        {links?.map((l) => {
          const until = format.value.moment.format(Date.parse(l.expires));
          return (
            <li key={l.id} class="row" aria-current={l.id === open?.id ? 'true' : undefined}>
              <span class="row-text">
                <Words class="row-name">{text.linkBy(nameOf(l.maker), until)}</Words>
                <span class="row-sub">{text.linkUses(l.uses)}</span>
              </span>
              {l.url && l.id !== open?.id && (
                <button type="button" class="button small" onClick={() => setOpen(l)}>
                  {text.qr}
                </button>
              )}
              {change && (
                <button
                  type="button"
                  class="button small"
                  disabled={busy}
                  aria-label={text.withdrawLink(nameOf(l.maker), until)}
                  onClick={() =>
                    run(async () => {
                      await change.withdraw(l.id);
                      if (open?.id === l.id) setOpen(undefined);
                      toast(text.withdrawn);
                    })
                  }
                >
                  {text.withdraw}
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** A link that can be handed on: to copy, and as a QR code to save or print. */
function Handed({ link, url, name }: { link: GroupLink; url: string; name: string }) {
  const text = t.value.group;
  const until = text.goodUntil(format.value.moment.format(Date.parse(link.expires)));
  return (
    <section class="new-link" aria-label={text.newLink}>
      <div class="copy-line">
        <Field label={text.newLink} value={url} onInput={() => {}} hint={text.newLinkHint} verbatim />
        {navigator.clipboard && (
          <button
            type="button"
            class="button"
            onClick={() => attempt(navigator.clipboard.writeText(url), () => toast(text.linkCopied))}
          >
            <Icon name="copy" />
            {text.copyLink}
          </button>
        )}
      </div>
      <QrCode content={url} title={name} note={until} />
    </section>
  );
}
