import { useState } from 'preact/hooks';
import type { Message, NoticeLine } from '../core';
import { Avatar, hue } from '../ui/avatar';
import { clock, dayName, format } from '../ui/format';
import { Icon } from '../ui/icon';
import { clean, Name, Words } from '../ui/name';
import { t } from '../ui/prefs';
import { explainKept } from '../ui/problem';
import { RichText } from '../ui/rich-text';
import { BotTag } from './bot-tag';
import { useCore, usePerson } from './context';
import { MediaBody } from './media/body';
import { filesOf } from './media/describe';
import { mentionedIn } from './mention-box';
import { noticeText } from './notice';
import { follow, href } from './route';
import { kindName, Mark } from './summary';
import { Quoted } from './thread';

export function DayLine({ ts }: { ts: number }) {
  return (
    <li class="day-line">
      <time dateTime={new Date(ts).toISOString().slice(0, 10)}>{dayName(ts)}</time>
    </li>
  );
}

export function NewLine() {
  return (
    <li class="new-line">
      <span>{t.value.chat.newMessages}</span>
    </li>
  );
}

export function NoticeRow({ notice }: { notice: NoticeLine }) {
  const core = useCore();
  return (
    <li class="notice-line" data-key={`notice ${notice.id}`}>
      <Words>{noticeText(core, notice)}</Words>
    </li>
  );
}

interface RowProps {
  message: Message;
  first: boolean;
  last: boolean;
  group: boolean;
}

/** One message. The first of a run carries the sender's name, the last one the picture. */
export function MessageRow({ message: m, first, last, group }: RowProps) {
  const other = group && !m.mine;
  const edges = `${m.mine ? 'own' : ''} ${first ? 'first' : ''} ${last ? 'last' : ''} ${group ? 'in-group' : ''}`;
  return (
    <li class={`message ${edges}`} data-key={m.id} tabIndex={-1}>
      {other && last && <SenderPicture uid={m.sender} />}
      <div class="bubble">
        {other && first ? (
          <SenderName uid={m.sender} />
        ) : (
          <span class="hidden-visually">{first && <Speaker m={m} />}</span>
        )}
        <Quoted m={m} />
        <Content m={m} />
        <span class="meta">
          {m.editedAt !== undefined && !m.recalledBy && (
            <time
              class="edited"
              dateTime={new Date(m.editedAt).toISOString()}
              title={t.value.edit.at(format.value.full.format(m.editedAt))}
            >
              {t.value.edit.edited}
            </time>
          )}
          <time dateTime={new Date(m.ts).toISOString()} title={format.value.full.format(m.ts)}>
            {clock(m.ts)}
          </time>
          {m.mine && <Mark m={m} />}
        </span>
      </div>
      {m.state === 'failed' && <Failure m={m} />}
      {m.editing === 'failed' && <EditFailure m={m} />}
    </li>
  );
}

function Speaker({ m }: { m: Message }) {
  const name = usePerson(m.sender).name;
  return <>{(m.mine ? t.value.list.you : name) + t.value.list.colon}</>;
}

function SenderPicture({ uid }: { uid: string }) {
  const person = usePerson(uid);
  return (
    <span class="sender-picture">
      <Avatar id={uid} name={person.name} src={person.avatar} size="s" />
    </span>
  );
}

function SenderName({ uid }: { uid: string }) {
  return (
    <a class="sender" data-hue={hue(uid)} href={href.person(uid)} onClick={follow}>
      <Name name={usePerson(uid).name} uid={uid} />
      <BotTag uid={uid} />
    </a>
  );
}

/** Longer than this a text is folded, so that one message can't bury a conversation. */
const foldLength = 1600;
const foldLines = 24;

function Content({ m }: { m: Message }) {
  const core = useCore();
  const me = core.account.value.me?.uid;
  const [open, setOpen] = useState(false);
  const text = t.value.chat;
  if (m.recalledBy) {
    const by = m.recalledBy === m.sender ? '' : clean(core.person(m.recalledBy).value.name);
    return <em class="text recalled">{by ? t.value.recall.by(by) : t.value.recall.done}</em>;
  }
  const files = filesOf(m);
  if (files.length === 0 && m.media.some((one) => one.type !== 0)) return <Attachment m={m} />;
  const long = m.text.length > foldLength || m.text.split('\n', foldLines + 1).length > foldLines;
  return (
    <>
      {files.length > 0 && <MediaBody m={m} files={files} />}
      {(m.text || files.length === 0) && (
        <RichText text={m.text} mentions={mentionedIn(core, m)} me={me} class={long && !open ? 'folded' : ''} />
      )}
      {long && (
        <button type="button" class="link fold" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? text.showLess : text.showAll}
        </button>
      )}
    </>
  );
}

/** What has no view of its own: its kind and name are told. */
function Attachment({ m }: { m: Message }) {
  const first = m.media[0];
  const name = first?.content.fn ?? first?.content.co;
  return (
    <span class="attachment">
      <Icon name="file" />
      <span class="text">
        <strong>{kindName(first?.type ?? 0)}</strong>
        {typeof name === 'string' && first?.content.fn !== undefined && <Words class="file-name">{name}</Words>}
        <small>{t.value.chat.unsupported}</small>
      </span>
    </span>
  );
}

/** One has changed it, and the server has refused that. */
function EditFailure({ m }: { m: Message }) {
  const core = useCore();
  const text = t.value;
  return (
    <div class="failure" role="alert">
      <span>
        {text.edit.failed}
        {m.problem && `${text.list.colon}${explainKept(m.problem)}`}
      </span>
      <span class="failure-actions">
        <button type="button" class="link" onClick={() => core.edits.retry(m)}>
          {text.chat.retry}
        </button>
        <button type="button" class="link" onClick={() => core.edits.discard(m)}>
          {text.edit.discard}
        </button>
      </span>
    </div>
  );
}

function Failure({ m }: { m: Message }) {
  const core = useCore();
  const text = t.value.chat;
  const why = m.problem ? explainKept(m.problem) : m.error;
  return (
    <div class="failure" role="alert">
      <span>
        {text.failed}
        {why && `${t.value.list.colon}${why}`}
      </span>
      <span class="failure-actions">
        <button type="button" class="link" onClick={() => core.retry(m.conv, m.id)}>
          {text.retry}
        </button>
        <button type="button" class="link danger" onClick={() => core.discard(m.conv, m.id)}>
          {text.discard}
        </button>
      </span>
    </div>
  );
}
