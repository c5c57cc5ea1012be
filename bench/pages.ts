// Measures the web app in a browser. Its argument is what bench/pages.go has made; it prints its lines as JSON.

import type { Browser, Page } from 'playwright-core';
import { Line } from '../e2e/pages/line';
import { launch, Person } from '../e2e/pages/person';
import { categories, longestTask } from './trace';

interface Task {
  http: string;
  org: string;
  password: string;
  reader: string;
  newcomer: string;
  writer: string;
  threads: Record<string, number>;
  rounds: number;
}

interface Result {
  what: string;
  ours?: string;
  theirs?: string;
  value: number;
  bound: number;
  unit?: string;
}

const task: Task = JSON.parse(process.argv[2] ?? '');
const last = (name: string) => `${name} ${task.threads[name]}`;

async function enter(browser: Browser, http: string, uid: string): Promise<Person> {
  const one = await Person.open(browser, { http });
  await one.signIn(uid, task.password, task.org);
  return one;
}

/** ms from the click on a conversation until its newest message has been painted in its place at the foot. */
function open(page: Page, name: string): Promise<number> {
  return page.evaluate(
    ({ conv, newest }) =>
      new Promise<number>((resolve) => {
        const there = () => {
          const text = [...document.querySelectorAll('.message .text')].at(-1);
          const box = document.querySelector('.timeline')?.getBoundingClientRect();
          if (!text || !box || text.textContent !== newest) return false;
          const { top, bottom } = text.getBoundingClientRect();
          return top >= box.top && bottom <= box.bottom;
        };
        const watch = new MutationObserver(() => {
          if (!there()) return;
          watch.disconnect();
          // The frame that shows it has been made when the next task runs.
          requestAnimationFrame(() => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => resolve(performance.now() - start);
            port2.postMessage(0);
          });
        });
        watch.observe(document.body, { childList: true, subtree: true, characterData: true });
        const row = document.querySelector<HTMLElement>(`[data-conv="${conv}"]`);
        const start = performance.now();
        row?.click();
      }),
    { conv: `g:${name}`, newest: last(name) },
  );
}

/** The server has told all that there is to tell: nothing more is on its way. */
async function settled(one: Person): Promise<void> {
  await one.row('Long').waitFor();
  await one.page.waitForLoadState('networkidle');
  await one.page.evaluate(() => new Promise((done) => requestIdleCallback(done)));
}

type Times = Record<'Short' | 'Long', number[]>;

async function both(page: Page, round: number, times: Times): Promise<void> {
  await open(page, 'Deep'); // what is done once only is done
  const order: ('Short' | 'Long')[] = round % 2 ? ['Short', 'Long'] : ['Long', 'Short'];
  for (const name of order) times[name].push(await open(page, name));
}

function opening(what: string, { Short, Long }: Times): Result {
  const [short, long] = [median(Short), median(Long)];
  const ms = (x: number) => `${x.toFixed(1)} ms`;
  return { what, ours: ms(long), theirs: `100 messages: ${ms(short)}`, value: long / short, bound: 1.3 };
}

async function openCold(browser: Browser): Promise<Result> {
  const times: Times = { Short: [], Long: [] };
  for (let i = 0; i < 4 * task.rounds; i++) {
    const one = await enter(browser, task.http, task.reader);
    await settled(one);
    await both(one.page, i, times);
    await one.close();
  }
  return opening('opening a conversation of 100,000 messages, from the server', times);
}

async function openWarm(browser: Browser): Promise<Result> {
  const times: Times = { Short: [], Long: [] };
  const one = await enter(browser, task.http, task.reader);
  await settled(one);
  for (const name of ['Deep', 'Short', 'Long']) {
    await open(one.page, name);
    await settled(one);
    await keepAll(one.page, `magpie/${task.org}/${task.reader}`, name, task.threads[name] ?? 0);
  }
  for (let i = 0; i < 6 * task.rounds; i++) {
    await one.page.goto(task.http);
    await settled(one);
    await both(one.page, i, times);
  }
  await one.close();
  return opening('the same, of which the device keeps every message', times);
}

/** Writes the messages of a conversation that the device does not keep yet, in the form of the one that it keeps. */
function keepAll(page: Page, database: string, name: string, n: number): Promise<void> {
  return page.evaluate(
    ({ database, name, n }) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open(database);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const tx = opening.result.transaction('messages', 'readwrite');
          const store = tx.objectStore('messages');
          const asking = store.get([`g:${name}`, n]);
          asking.onsuccess = () => {
            const { result: newest } = asking;
            for (let seq = 1; seq < n; seq++) {
              const text = `${name} ${seq}`;
              const ts = newest.ts - (n - seq) * 1000;
              store.put({ ...newest, seq, ts, id: `kept:${seq}`, text, media: [{ type: 0, content: { co: text } }] });
            }
          };
          tx.oncomplete = () => {
            opening.result.close();
            resolve();
          };
          tx.onabort = () => reject(tx.error);
        };
      }),
    { database, name, n },
  );
}

/** Scrolls up through all of a conversation, a window at a time, and returns how many rows stood in the page at most. */
async function scroll(browser: Browser): Promise<Result> {
  const one = await enter(browser, task.http, task.reader);
  await settled(one);
  await open(one.page, 'Deep');
  const { most, seen } = await one.page.evaluate(async () => {
    const box = document.querySelector('.timeline') as HTMLElement;
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const seen = new Set<string>();
    let most = 0;
    while (!document.querySelector('.timeline-head')?.textContent) {
      box.scrollTop -= box.clientHeight;
      await frame();
      const rows = box.querySelectorAll<HTMLElement>('.rows > li');
      most = Math.max(most, rows.length);
      for (const row of box.querySelectorAll<HTMLElement>('.message')) seen.add(row.dataset.key ?? '');
    }
    return { most, seen: seen.size };
  });
  await one.close();
  if (seen !== task.threads.Deep) throw new Error(`${seen} of ${task.threads.Deep} messages were seen on the way up`);
  return { what: 'rows in the page, scrolling up through 5,000 messages', value: most, bound: 301 };
}

/** What crosses the network until the conversations show, for a browser that has nothing, and again with a network that does not answer. */
async function load(browser: Browser): Promise<Result[]> {
  const line = await Line.lay(task.http);
  try {
    const one = await enter(browser, line.http, task.newcomer);
    const first = line.received;
    await settled(one);
    await one.kept();
    line.hold();
    const before = line.received;
    await one.page.reload({ waitUntil: 'commit' });
    await one.row('Long').waitFor();
    const second = line.received - before;
    await one.close();
    return [
      { what: 'first load, from the address to the conversations', value: first / 1000, bound: 120, unit: ' kB' },
      { what: 'second load, with a network that does not answer', value: second / 1000, bound: 1, unit: ' kB' },
    ];
  } finally {
    line.close();
  }
}

/** Somebody types while 50 messages a second come into the conversation. */
async function typing(browser: Browser): Promise<Result[]> {
  const one = await enter(browser, task.http, task.reader);
  await settled(one);
  const traced = async (f: () => Promise<unknown>) => {
    await browser.startTracing(one.page, { categories });
    await f();
    return longestTask(await browser.stopTracing());
  };
  const opening = await traced(() => open(one.page, 'Long'));
  await one.openChat('Busy');
  const writer = await signIn(task.writer);
  const text = 'I am writing this while all of you are writing, too. '.repeat(3);
  const writing = await traced(async () => {
    const enough = new AbortController();
    const flooding = flood('Busy', writer, 50, enough.signal);
    await one.composer.pressSequentially(text, { delay: 50, timeout: 120_000 });
    enough.abort();
    await one.message(await flooding).waitFor();
  });
  if ((await one.composer.inputValue()) !== text) throw new Error('What was typed is not what stands in the composer');
  await one.close();
  const line = (what: string, { ms, parts }: { ms: number; parts: string }) => ({
    what,
    ours: parts,
    value: ms,
    bound: 50,
    unit: ' ms',
  });
  return [
    line('longest task, opening a conversation of a thousand', opening),
    line('longest task, typing while 50 messages a second come in', writing),
  ];
}

async function signIn(uid: string): Promise<string> {
  const answer = await fetch(`${task.http}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ org: task.org, username: uid, password: task.password, terminal: 'service' }),
  });
  return (await answer.json()).access_token;
}

/** Sends so many messages a second, evenly, until it is told to end; resolves with the last one's text. */
async function flood(name: string, token: string, rate: number, end: AbortSignal): Promise<string> {
  const start = performance.now();
  const sending: Promise<void>[] = [];
  const text = () => `flood ${sending.length}`;
  while (!end.aborted) {
    const wait = start + (sending.length * 1000) / rate - performance.now();
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    sending.push(post(name, token, text()));
  }
  await Promise.all(sending);
  return `flood ${sending.length - 1}`;
}

async function post(name: string, token: string, co: string): Promise<void> {
  const answer = await fetch(`${task.http}/api/v1/conversations/g:${name}/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ media: [{ type: 0, content: { co } }] }),
  });
  if (!answer.ok) throw new Error(`send: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}

function median(x: number[]): number {
  return [...x].sort((a, b) => a - b)[x.length >> 1] ?? Number.NaN;
}

// Frames as fast as they can be made: what takes 17 ms is not the same as what takes 33.
const swift = await launch('--disable-frame-rate-limit', '--disable-gpu-vsync');
const results: Result[] = [];
try {
  results.push(await openCold(swift), await openWarm(swift));
} finally {
  await swift.close();
}
const browser = await launch();
try {
  results.push(await scroll(browser), ...(await load(browser)), ...(await typing(browser)));
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(results));
