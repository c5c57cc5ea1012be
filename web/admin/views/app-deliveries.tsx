import { useEffect, useState } from 'preact/hooks';
import { Dialog } from '../../ui/dialog';
import { Segments } from '../../ui/field';
import { format, untilThen } from '../../ui/format';
import { Words } from '../../ui/name';
import { attempt, toast } from '../../ui/toast';
import { api, can, withQuery } from '../client';
import { type Pages, usePages } from '../pages';
import { PaneProblem } from '../parts/split';
import { a } from '../text';
import type { Counted, Delivery, Webhook } from '../types';

const keyOf = (d: Delivery) => d.id;
/** ms between two looks at what has come and how it goes. */
const pace = 2000;

type Status = '' | Delivery['status'];

interface DeliveriesProps {
  hook: Webhook;
  path: string;
  onClose(): void;
}

/** What a webhook has told, the newest first, and what became of it. It follows what happens while it is open. */
export function Deliveries({ hook, path, onClose }: DeliveriesProps) {
  const text = a.value.webhooks;
  const [status, setStatus] = useState<Status>('');
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Delivery>();
  const pages = usePages<Delivery>(`${path}/deliveries`, { status }, keyOf);
  useEffect(() => {
    const timer = setInterval(() => {
      api.get<Counted<Delivery>>(withQuery(`${path}/deliveries`, { status, limit: 50 })).then(
        (page) => {
          show(pages, page.items);
          if (status) pages.items.value = remaining(pages.items.peek(), page);
        },
        () => {}, // asked again
      );
    }, pace);
    return () => clearInterval(timer);
  }, [pages, path, status]);
  const test = async () => {
    setBusy(true);
    setOutcome(undefined);
    try {
      const done = await api.request<Delivery>('POST', `${path}/test`);
      setOutcome(done);
      if (status === '' || status === done.status) show(pages, [done]);
    } finally {
      setBusy(false);
    }
  };
  const again = async (d: Delivery) =>
    pages.put(await api.request<Delivery>('POST', `${path}/deliveries/${encodeURIComponent(d.id)}/again`));
  const items = pages.items.value;
  const state = pages.state.value;
  return (
    <Dialog title={text.deliveriesOf(hook.url)} onClose={onClose}>
      <p class="field-hint">{text.logHint}</p>
      <div class="actions">
        <Segments
          label={text.show}
          value={status}
          options={(Object.keys(text.status) as Status[]).map((one) => [one, text.status[one]])}
          onChange={(one) => setStatus(one)}
        />
        {can('change') && (
          <button type="button" class="button" disabled={busy} onClick={() => attempt(test())}>
            {text.test}
          </button>
        )}
      </div>
      <div role="status">
        {outcome &&
          (outcome.status === 'delivered' ? (
            <p class="callout">{text.tested(outcome.code, outcome.took_ms)}</p>
          ) : (
            <p class="callout error">
              {text.testFailed} <Why d={outcome} />
            </p>
          ))}
      </div>
      {state === 'failed' && <PaneProblem error={pages.error.value} again={() => void pages.more()} />}
      {state === 'ready' && items.length === 0 && <p class="field-hint">{status ? text.emptyStatus : text.empty}</p>}
      <ul class="devices deliveries">
        {items.map((d) => (
          <Line key={d.id} d={d} off={hook.disabled} again={() => attempt(again(d), () => toast(text.sending))} />
        ))}
      </ul>
      {state === 'ready' && !pages.ended && (
        <button type="button" class="button" onClick={() => void pages.more()}>
          {text.older}
        </button>
      )}
    </Dialog>
  );
}

/** Puts deliveries, the newest first, where they belong. */
function show(pages: Pages<Delivery>, items: Delivery[]): void {
  const known = new Set(pages.items.peek().map(keyOf));
  for (const d of [...items].reverse()) {
    if (known.has(d.id)) pages.put(d);
    else pages.add(d);
  }
}

/** Those of a status, without what has left it: what is no older than the last of a page of the newest, and does not stand in that. */
export function remaining(shown: readonly Delivery[], { items, next }: Counted<Delivery>): Delivery[] {
  const last = items.at(-1);
  const reach = next !== null && last ? Date.parse(last.at) : Number.NEGATIVE_INFINITY;
  const there = new Set(items.map(keyOf));
  return shown.filter((d) => there.has(d.id) || Date.parse(d.at) < reach);
}

function Line({ d, off, again }: { d: Delivery; off: boolean; again(): void }) {
  const text = a.value.webhooks;
  const kinds: Record<string, string> = text.kinds;
  const kind = kinds[d.event] ?? d.event;
  const when = format.value.moment.format(Date.parse(d.at));
  const facts = [
    when,
    d.attempts > 0 && text.attempts(d.attempts),
    d.status === 'waiting' && d.next && text.nextAt(untilThen(Date.parse(d.next))),
    d.status === 'delivered' && text.took(d.took_ms),
  ].filter(Boolean);
  return (
    <li>
      <span class="row-text">
        <span class="row-name">{kind}</span>
        <span class="row-sub">{facts.join(' · ')}</span>
        {d.reason && (
          <span class="row-sub">
            <Why d={d} />
          </span>
        )}
      </span>
      <span class={`tag ${d.status === 'failed' ? 'danger' : d.status === 'waiting' ? 'quiet' : ''}`}>
        {text.status[d.status]}
      </span>
      {can('change') && !off && (
        <button type="button" class="button small" aria-label={text.againOne(kind, when)} onClick={again}>
          {text.again}
        </button>
      )}
    </li>
  );
}

/** Why it was not taken: in our words, and what the other side has said. */
function Why({ d }: { d: Delivery }) {
  const reasons: Record<string, (code: number) => string> = a.value.webhooks.reasons;
  const words = reasons[d.reason]?.(d.code);
  const theirs =
    d.reason === 'status'
      ? d.error.split(': ').slice(1).join(': ') // what its page says
      : !words || d.reason === 'connection' || d.reason === 'certificate'
        ? d.error
        : '';
  return (
    <>
      {words} {theirs && <Words class="said">{theirs}</Words>}
    </>
  );
}
