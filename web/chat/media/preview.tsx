// What is about to be sent: seen once more, with a caption.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Core } from '../../core';
import { Confirm, Dialog } from '../../ui/dialog';
import { Switch } from '../../ui/field';
import { bytes, format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { t } from '../../ui/prefs';
import { explain } from '../../ui/problem';
import { useCore } from '../context';
import { EmojiButton } from '../emoji-button';
import { useMentioning } from '../mentioning';
import { sends } from '../shortcuts';
import type { AttachProps } from './attach';
import { duration } from './describe';
import { FileIcon, FileName } from './file-card';
import { closeOver, showOver } from './overlay';
import { pastedFiles } from './pasted';
import { type Probe, probe } from './probe';
import './preview.css';

/** Characters of a caption: protocol.md §9. */
const captionLimit = 16_384;
/** Media of one message: protocol.md §4. */
const mediaLimit = 7;

export function openPreview(p: AttachProps, files: File[]): void {
  showOver(<Preview {...p} files={files} />);
}

type Entry = { id: number; name: string; size: number; type: string; found?: Probe; limit?: number };
let last = 0;

/** ms that files wait to be judged by what the server takes; later than that it is the server that judges. */
const patience = 2000;

/** Most bytes of a file; 0 where that is not known. */
function fileLimit(core: Core): Promise<number> {
  const unknown = new Promise<number>((resolve) => setTimeout(() => resolve(0), patience));
  const said = core.media.storage().then(
    (s) => s.file_limit,
    () => 0,
  );
  return Promise.race([said, unknown]);
}

function Preview({ conv, name, written, chosen, send, files }: AttachProps & { files: File[] }) {
  const core = useCore();
  const text = t.value.media;
  const [list, setList] = useState<Entry[]>([]);
  const [caption, setCaption] = useState(written);
  const [original, setOriginal] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const [leaving, setLeaving] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const mentions = useMentioning({ conv, area, value: caption, type: setCaption, chosen });
  const urls = useRef<string[]>([]);
  const [asked] = useState(() => fileLimit(core));

  const add = async (some: File[]) => {
    const added = some.map((file) => ({
      file,
      entry: { id: ++last, name: file.name, size: file.size, type: file.type },
    }));
    setList((now) => [...now, ...added.map(({ entry }) => entry)]);
    const limit = await asked;
    for (const { file, entry } of added) {
      const found = await probe(file, limit);
      if (found.preview) urls.current.push(found.preview);
      setList((now) => now.map((e) => (e.id === entry.id ? { ...e, found, limit } : e)));
    }
  };
  useEffect(() => {
    void add(files);
    const { current } = urls;
    return () => {
      for (const url of current) URL.revokeObjectURL(url);
    };
  }, []);

  const remove = (id: number) => {
    const rest = list.filter((e) => e.id !== id);
    if (rest.length === 0) closeOver();
    else setList(rest);
  };
  const good = list.flatMap((e) => (e.found && !e.found.fault ? [e.found] : []));
  const looking = list.some((e) => !e.found);
  const images = good.some((f) => f.type.startsWith('image/'));
  const messages = Math.ceil((good.length + (caption.trim() ? 1 : 0)) / mediaLimit);
  const over = caption.length > captionLimit && [...caption].length > captionLimit;
  const ready = good.length > 0 && !looking && !busy && !over;
  const submit = async () => {
    if (!ready) return;
    setBusy(true);
    try {
      const out = good.map(({ preview: _, fault: __, ...f }) =>
        original && f.type.startsWith('image/') ? { ...f, original } : f,
      );
      await send(out, caption.trim());
      closeOver();
    } catch (e) {
      setError(explain(e));
      setBusy(false);
    }
  };
  const paste = (e: ClipboardEvent) => {
    const pasted = pastedFiles(e.clipboardData);
    if (pasted.length === 0) return;
    e.preventDefault();
    void add(pasted);
  };
  const drop = (e: DragEvent) => {
    const dropped = [...(e.dataTransfer?.files ?? [])];
    if (dropped.length > 0) void add(dropped);
  };
  const leave = !busy && list.some((e) => !e.found?.fault) ? () => setLeaving(true) : undefined;
  return (
    <>
      <Dialog
        title={text.previewTitle(list.filter((e) => !e.found?.fault).length || list.length)}
        onClose={closeOver}
        onLeave={leave}
        onSubmit={submit}
        footer={
          <>
            <button type="button" class="button add-files" onClick={() => input.current?.click()}>
              <Icon name="plus" />
              {text.addMore}
            </button>
            <button type="submit" class="button primary" disabled={!ready}>
              <Icon name="send" />
              {busy ? text.sending : text.send}
            </button>
          </>
        }
      >
        <input
          ref={input}
          type="file"
          multiple
          hidden
          onChange={(e) => {
            void add([...(e.currentTarget.files ?? [])]);
            e.currentTarget.value = '';
          }}
        />
        <ul class={`offered ${list.length === 1 ? 'alone' : ''}`} onDrop={drop}>
          {list.map((e) => (
            <Offered key={e.id} e={e} remove={() => remove(e.id)} />
          ))}
        </ul>
        {list.some((e) => e.found?.fault) && good.length > 0 && <p class="callout">{text.someLeftOut}</p>}
        {messages > 1 && <p class="row-sub">{text.several(messages)}</p>}
        {images && <Switch label={text.original} hint={text.originalHint} checked={original} onChange={setOriginal} />}
        <div class="caption-field">
          {mentions.box}
          <textarea
            ref={area}
            class="input caption"
            rows={2}
            dir="auto"
            value={caption}
            aria-label={text.caption}
            placeholder={text.caption}
            aria-invalid={over ? 'true' : undefined}
            {...mentions.attributes}
            onInput={(e) => {
              setCaption(e.currentTarget.value);
              mentions.look();
            }}
            onSelect={mentions.look}
            onPaste={paste}
            onKeyDown={(e) => {
              if (e.isComposing || e.keyCode === 229 || mentions.took(e)) return;
              if (!sends(e)) return;
              e.preventDefault();
              void submit();
            }}
            autofocus
          />
          <EmojiButton choose={(emoji) => mentions.insert(emoji)} closed={() => area.current?.focus()} />
        </div>
        <span class="hidden-visually">{t.value.chat.composeTo(name)}</span>
        {over && (
          <p class="field-error">
            {t.value.chat.tooLong(format.value.number.format([...caption].length - captionLimit))}
          </p>
        )}
        {error && (
          <p class="callout error" role="alert">
            {error}
          </p>
        )}
      </Dialog>
      {leaving && (
        <Confirm
          title={text.leaveTitle}
          text={text.leaveText}
          action={text.leave}
          danger
          onClose={() => setLeaving(false)}
          run={async () => closeOver()}
        />
      )}
    </>
  );
}

function Offered({ e, remove }: { e: Entry; remove(): void }) {
  const text = t.value.media;
  const { found } = e;
  const fault =
    found?.fault === 'large'
      ? text.tooLarge(bytes(e.limit ?? 0))
      : found?.fault === 'empty'
        ? text.emptyFile
        : found?.fault === 'unreadable'
          ? text.unreadable
          : '';
  return (
    <li class={`offer ${fault ? 'faulty' : ''}`} aria-busy={!found}>
      {found?.preview ? (
        <span class="offer-picture">
          <img src={found.preview} alt="" />
          {found.duration !== undefined && <span class="shot-length">{duration(found.duration)}</span>}
        </span>
      ) : (
        <FileIcon type={0} name={e.name} />
      )}
      <span class="file-text">
        <FileName name={e.name} />
        {fault ? (
          <span class="field-error" role="alert">
            {fault}
          </span>
        ) : (
          <span class="row-sub">
            {bytes(e.size)}
            {found?.duration !== undefined && ` · ${duration(found.duration)}`}
            {found?.width && ` · ${found.width} × ${found.height}`}
          </span>
        )}
      </span>
      <button
        type="button"
        class="icon-button"
        aria-label={text.removeFile(e.name)}
        title={text.removeFile(e.name)}
        onClick={remove}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}
