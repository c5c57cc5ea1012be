import { useEffect, useRef, useState } from 'preact/hooks';
import { Dialog } from '../../ui/dialog';
import { format } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { Words } from '../../ui/name';
import { language, t } from '../../ui/prefs';
import { explain, statusOf } from '../../ui/problem';
import { attempt } from '../../ui/toast';
import { api, download, raw, refused } from '../client';
import { a } from '../text';
import type { Job } from '../types';

/** The server's bound, in bytes. */
const largest = 64 * 2 ** 20;
/** ms between two looks at a job. */
const pace = 400;

const example =
  '\ufeffuid,name,email,title,departments\r\nann,Ann Lee,ann@example.com,Engineer,Engineering/Backend\r\n';

/** Brings people in from a file: it is checked whole first, and nothing is stored before one has seen what would become of it. */
export function ImportPeople({ onClose, onDone }: { onClose(): void; onDone(): void }) {
  const text = a.value.import;
  const [file, setFile] = useState<File>();
  const [job, setJob] = useState<Job>();
  const [error, setError] = useState('');
  /** Why it is not known at the moment how far it is. */
  const [unheard, setUnheard] = useState('');
  const gone = useRef(false);
  const begun = useRef(false);
  useEffect(() => {
    // Whoever chooses a file hears of what fails here.
    const seen = live().catch(() => undefined);
    void seen.then((one) => (one && !begun.current ? join(one) : undefined));
    return () => {
      gone.current = true;
    };
  }, []);

  /** Follows a job to its end, also while the server can't be reached meanwhile: the job goes on there. */
  const follow = async (from: Job) => {
    let now = from;
    setJob(now);
    while (!gone.current && goes(now)) {
      await new Promise((resolve) => setTimeout(resolve, pace));
      try {
        now = await api.get<Job>(`/admin/jobs/${now.id}`);
        setUnheard('');
        setJob(now);
      } catch (e) {
        if (refused(e)) throw e;
        setUnheard(explain(e));
      }
    }
    if (!now.result.dry_run && now.state === 'done') onDone();
  };
  const fail = (e: unknown) => {
    setError(explain(e));
    setJob(undefined);
  };
  /** Shows an import that was begun elsewhere, or here before. What becomes of a check without its file is of no use. */
  const join = async (one: Job) => {
    try {
      setFile(undefined);
      await follow(one);
      if (one.result.dry_run) setJob(undefined);
    } catch (e) {
      fail(e);
    }
  };
  const run = async (chosen: File, dry: boolean) => {
    begun.current = true;
    setError('');
    try {
      await follow(
        await raw(
          'POST',
          `/admin/users/import${dry ? '?dry_run=true' : ''}`,
          { type: 'text/csv', content: chosen },
          (answer) => answer.json() as Promise<Job>,
        ),
      );
    } catch (e) {
      fail(e);
      // Another one runs, or this one, of which no answer has come.
      const other = (statusOf(e) === 409 || !refused(e)) && (await live().catch(() => undefined));
      if (other) await join(other);
    }
  };
  const choose = (chosen: File | undefined) => {
    if (!chosen) return;
    setJob(undefined);
    setFile(chosen);
    if (chosen.size > largest) setError(text.tooLarge);
    else void run(chosen, true);
  };

  const going = job && goes(job);
  const checked = job?.state === 'done' && job.result.dry_run ? job : undefined;
  const finished = job?.state === 'done' && !job.result.dry_run ? job : undefined;
  const people = checked ? checked.result.created + checked.result.updated : 0;
  return (
    <Dialog
      title={text.title}
      onClose={onClose}
      footer={
        finished ? (
          <>
            {finished.result.created > 0 && (
              <button
                type="button"
                class="button"
                onClick={() => attempt(download('/admin/users/links', 'links.csv', 'POST'))}
              >
                <Icon name="download" />
                {text.links}
              </button>
            )}
            <button type="button" class="button primary" onClick={onClose}>
              {t.value.nav.close}
            </button>
          </>
        ) : (
          <>
            <button type="button" class="button" onClick={onClose}>
              {going && !job.result.dry_run ? t.value.nav.close : t.value.dialog.cancel}
            </button>
            <button
              type="button"
              class="button primary"
              disabled={!file || !checked || people === 0}
              onClick={() => file && void run(file, false)}
            >
              {checked ? text.run(format.value.number.format(people)) : text.runNothing}
            </button>
          </>
        )
      }
    >
      {!finished && !(job && !job.result.dry_run) && (
        <>
          <p class="field-hint">
            {text.hint}{' '}
            <button type="button" class="link" onClick={() => keep(example)}>
              {text.example}
            </button>
          </p>
          <FileChoice file={file} onChoose={choose} />
        </>
      )}
      {going && <Progress job={job} />}
      {going && unheard && <p class="callout warn">{unheard}</p>}
      {going && !job.result.dry_run && <p class="field-hint">{text.goesOn}</p>}
      {job?.state === 'failed' && <Errors job={job} words={text.wrong(job.wrong)} />}
      {job?.state === 'stopped' && (
        <p class="callout error" role="alert">
          {text.stopped(format.value.number.format(job.done), format.value.number.format(job.total))}
        </p>
      )}
      {checked && (
        <p class="callout" role="status">
          {text.would(
            format.value.number.format(checked.result.created),
            format.value.number.format(checked.result.updated),
          )}
        </p>
      )}
      {checked && <First job={checked} />}
      {finished && (
        <p class="callout" role="status">
          {text.done(
            format.value.number.format(finished.result.created),
            format.value.number.format(finished.result.updated),
            format.value.number.format(finished.result.unchanged),
          )}{' '}
          {finished.result.created > 0 && text.linksHint}
        </p>
      )}
      {finished && finished.wrong > 0 && <Errors job={finished} words={text.leftOut(finished.wrong)} />}
      {error && (
        <p class="callout error" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}

function goes({ state }: Job): boolean {
  return state === 'checking' || state === 'running';
}

/** The import of the organisation that runs now: there is one at a time. Throws Problem. */
async function live(): Promise<Job | undefined> {
  return (await api.get<{ items: Job[] }>('/admin/jobs?kind=import')).items.find(goes);
}

function keep(content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'people.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function FileChoice({ file, onChoose }: { file: File | undefined; onChoose(f: File | undefined): void }) {
  const text = a.value.import;
  const [over, setOver] = useState(false);
  return (
    <label
      class={`file-choice ${over ? 'over' : ''}`}
      onDragOver={(e) => {
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault();
        setOver(false);
        onChoose(e.dataTransfer?.files[0]);
      }}
    >
      <Icon name="file" />
      <span class="ellipsis">{file ? file.name : text.choose}</span>
      <input
        type="file"
        accept=".csv,text/csv,text/plain"
        aria-label={text.choose}
        onChange={(e) => {
          onChoose(e.currentTarget.files?.[0]);
          // The same file again, once it has been put right.
          e.currentTarget.value = '';
        }}
      />
    </label>
  );
}

function Progress({ job }: { job: Job }) {
  const text = a.value.import;
  const { number } = format.value;
  const words = job.state === 'checking' ? text.checking : text.running;
  return (
    <div class="progress-line" role="status">
      <span>
        {words}{' '}
        {job.total > 0
          ? text.progress(number.format(job.done), number.format(job.total))
          : job.done > 0 && number.format(job.done)}
      </span>
      {job.total > 0 ? (
        <progress aria-label={words} max={job.total} value={job.done} />
      ) : (
        <progress aria-label={words} />
      )}
    </div>
  );
}

/** How the first lines of a file were read: a wrong encoding shows in the names alone. */
function First({ job }: { job: Job }) {
  const text = a.value.import;
  const { first = [], encoding = '' } = job.result;
  const columns = a.value.people;
  return (
    <>
      <div class="import-table">
        <table class="diff" aria-label={text.first}>
          <thead>
            <tr>
              {[columns.uid, columns.name, columns.email, columns.title, columns.departments].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {first.map((p) => (
              <tr key={p.line}>
                {[p.uid, p.name, p.email, p.title, p.departments?.join(' | ')].map((cell, i) => (
                  <td key={i}>
                    <Words>{cell || '–'}</Words>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="field-hint">
        {text.encoding(encoding)} {encoding !== 'UTF-8' && text.guessed}
      </p>
    </>
  );
}

/** What is wrong with which line, below what that means. */
function Errors({ job, words }: { job: Job; words: string }) {
  const text = a.value.import;
  const more = job.wrong - job.errors.length;
  return (
    <div class="import-errors" role="alert">
      <p class="callout error">{words}</p>
      <div class="import-table">
        <table class="diff" aria-label={words}>
          <thead>
            <tr>
              <th scope="col">{text.line}</th>
              <th scope="col">{text.column}</th>
              <th scope="col">{text.what}</th>
            </tr>
          </thead>
          <tbody>
            {job.errors.map((e, i) => (
              <tr key={`${e.line}.${e.field}.${i}`}>
                <td>{e.line ?? '–'}</td>
                <td>{e.field || '–'}</td>
                <td>{sentence(e)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more > 0 && <p class="field-hint">{text.more(format.value.number.format(more))}</p>}
    </div>
  );
}

/** The server's sentences are English; in other languages the code says what is wrong. */
function sentence({ code, message, limit = 0 }: Job['errors'][number]): string {
  const known = a.value.import.codes[code];
  if (language.value !== 'en' && known) return typeof known === 'function' ? known(limit) : known;
  return message.charAt(0).toUpperCase() + message.slice(1);
}
