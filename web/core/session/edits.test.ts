import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Database } from '../db/database';
import { FakeServer } from '../testing/server';
import type { Core, Message } from '../types';
import { withText } from './edits';

let server: FakeServer;
let core: Core;

const settle = async () => {
  for (let i = 0; i < 20; i++) await vi.advanceTimersByTimeAsync(1);
};

async function up(present = false): Promise<void> {
  await settle();
  server.socket.open();
  server.socket.connack({ present });
  await settle();
}

beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  server = new FakeServer();
  server.say('u:bob', 'bob', 'one');
  server.say('u:bob', 'alice', 'tow');
  core = await server.core({ memory: false });
  await up();
});
afterEach(async () => {
  server.offline = false;
  const out = core.logout();
  await settle();
  await out;
  vi.useRealTimers();
});

const shown = (view: { items: { peek(): unknown[] } }) => view.items.peek() as Message[];
const texts = (view: { items: { peek(): unknown[] } }) => shown(view).map((m) => m.text);
const text = (co: string) => [{ type: 0, content: { co } }];
const kept = async () => {
  const db = await Database.open('demo', 'alice', { memory: false });
  const m = await db.get('messages', ['u:bob', 2]);
  const waiting = await db.all('edits');
  db.close();
  return { text: m?.text, waiting: waiting.length };
};
const patches = () => server.asked().filter((call) => call.startsWith('PATCH'));

describe('notice 0x41', () => {
  const notice = (co: string, ts: number, seq = 1) => server.notice(0x41, { conv: 'u:bob', seq, ts, media: text(co) });

  test('is applied to what is shown, to the list and to the copy that is kept', async () => {
    const view = core.open('u:bob');
    await settle();
    notice('two, by another device', 5000, 2);
    await settle();
    expect(shown(view)[1]).toMatchObject({ text: 'two, by another device', editedAt: 5000, state: 'stored' });
    expect(core.conversations.peek()[0]?.last?.text).toBe('two, by another device');
    expect((await kept()).text).toBe('two, by another device');
  });

  test('of an older edit, of one that says nothing any more, or of a recalled message changes nothing', async () => {
    const view = core.open('u:bob');
    await settle();
    notice('newest', 5000);
    notice('older', 4000);
    server.notice(0x41, { conv: 'u:bob', seq: 1 });
    await settle();
    expect(texts(view)).toEqual(['newest', 'tow']);
    server.notice(0x40, { conv: 'u:bob', seq: 1, by: 'bob' });
    notice('come back', 9000);
    await settle();
    expect(shown(view)[0]).toMatchObject({ text: '', recalledBy: 'bob' });
  });

  test('is not undone by a page that was read before it', async () => {
    let answer = () => {};
    server.slow = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const view = core.open('u:bob');
    await settle();
    answer();
    await settle();
    server.slow = async () => {};
    notice('newest', Date.now() + 5000);
    await settle();
    view.close();
    const again = core.open('u:bob');
    await settle();
    expect(texts(again)).toEqual(['newest', 'tow']);
  });
});

test('what it is too late for is not offered: the sign-in says how long the organisation allows it', async () => {
  server.say('u:bob', 'alice', 'now');
  server.allows = { edit_seconds: 3600, recall_seconds: 60 };
  const page = server.page({ memory: true });
  const starting = page.start();
  await settle();
  await starting;
  const view = page.open('u:bob');
  await settle();
  const last = shown(view).at(-1) as Message;
  const may = (minutes: number, m = last) => {
    const then = { ...m, ts: page.now() - minutes * 60_000 };
    return [page.edits.can(then), page.canRecall(then)];
  };
  expect([may(0.5), may(30), may(90)]).toEqual([
    [true, true],
    [true, false],
    [false, false],
  ]);
  expect(may(0, shown(view)[0])).toEqual([false, false]); // somebody else's
  expect(may(0, { ...last, recalledBy: 'alice' })).toEqual([false, false]);
  await page.logout();
});

describe('one edits a message', () => {
  test('it is shown at once, waits for a connection, survives the page, and is taken once', async () => {
    const view = core.open('u:bob');
    await settle();
    server.offline = true;
    server.socket.break();
    await settle();
    core.edits.put(shown(view)[1] as Message, 'two');
    await settle();
    expect(shown(view)[1]).toMatchObject({ text: 'two', editing: 'waiting', state: 'stored' });
    expect(await kept()).toEqual({ text: 'tow', waiting: 1 });
    const listed = core.conversations.peek()[0];
    expect(listed?.last).toMatchObject({ text: 'two', editing: 'waiting' });
    core.setDraft('g:other', 'x'); // what has not changed is the same, and not drawn anew
    expect(core.conversations.peek().find((c) => c.conv === 'u:bob')).toBe(listed);
    server.offline = false;
    server.asked();
    await vi.advanceTimersByTimeAsync(2000);
    await up();
    expect(patches()).toEqual(['PATCH /conversations/u:bob/messages/2 {"media":[{"type":0,"content":{"co":"two"}}]}']);
    expect(shown(view)[1]).toMatchObject({ text: 'two', editedAt: expect.any(Number) });
    expect(shown(view)[1]?.editing).toBeUndefined();
    expect(core.conversations.peek()[0]?.last?.text).toBe('two');
    expect(await kept()).toEqual({ text: 'two', waiting: 0 });
  });

  test('a page that is opened later sends what an earlier one has left', async () => {
    const view = core.open('u:bob');
    await settle();
    server.offline = true;
    server.socket.break();
    core.edits.put(shown(view)[1] as Message, 'two');
    await settle();
    const db = await Database.open('demo', 'alice', { memory: false });
    expect(await db.all('edits')).toMatchObject([{ conv: 'u:bob', seq: 2, state: 'waiting' }]);
    db.close();
    server.offline = false;
    const next = server.page({ memory: false });
    const starting = next.start();
    await settle();
    await starting;
    const later = next.open('u:bob');
    await settle();
    expect(texts(later)).toEqual(['one', 'two']);
    await up();
    expect(server.messages.get('u:bob')?.[1]?.media).toEqual(text('two'));
    await next.logout();
  });

  test('what is edited again while it is on its way goes too', async () => {
    const view = core.open('u:bob');
    await settle();
    let answer = () => {};
    server.slow = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    core.edits.put(shown(view)[1] as Message, 'two');
    await settle();
    core.edits.put(shown(view)[1] as Message, 'two!');
    server.slow = async () => {};
    answer();
    await settle();
    expect(patches()).toEqual([expect.stringContaining('{"co":"two"}'), expect.stringContaining('{"co":"two!"}')]);
    expect(texts(view)).toEqual(['one', 'two!']);
    expect((await kept()).waiting).toBe(0);
  });

  test('a refusal is shown with its reason, tried again, or let go', async () => {
    const view = core.open('u:bob');
    await settle();
    server.refusesEdit = { status: 403, type: '/problems/edit-too-late', limit: 60 };
    core.edits.put(shown(view)[1] as Message, 'two');
    await settle();
    expect(shown(view)[1]).toMatchObject({
      text: 'two',
      editing: 'failed',
      problem: { type: '/problems/edit-too-late', limit: 60 },
    });
    core.edits.retry(shown(view)[1] as Message);
    await settle();
    expect(patches()).toHaveLength(2);
    core.edits.discard(shown(view)[1] as Message);
    expect(texts(view)).toEqual(['one', 'tow']);
    await settle();
    expect((await kept()).waiting).toBe(0);
  });

  test('a login that ends meanwhile does not refuse it: it goes when its author is back', async () => {
    const view = core.open('u:bob');
    await settle();
    server.refuses = 'Somebody has ended your login.';
    core.edits.put(shown(view)[1] as Message, 'two');
    await settle();
    expect(core.account.peek().status).toBe('out');
    await vi.advanceTimersByTimeAsync(200);
    await settle();
    expect(await kept()).toMatchObject({ waiting: 1 });
    server.refuses = '';
    const back = core.login('demo', 'alice', 'secret');
    await settle();
    await back;
    await up();
    expect(server.messages.get('u:bob')?.[1]?.media).toEqual(text('two'));
    expect((await kept()).waiting).toBe(0);
  });

  test('of a message that was recalled meanwhile nothing is left to be sent', async () => {
    const view = core.open('u:bob');
    await settle();
    server.refusesEdit = { status: 409, type: '/problems/recalled' };
    core.edits.put(shown(view)[1] as Message, 'two');
    await settle();
    expect(shown(view)[1]?.editing).toBeUndefined();
    expect((await kept()).waiting).toBe(0);
  });

  test('another’s message, and one that is not stored, can’t be edited', async () => {
    const view = core.open('u:bob');
    await settle();
    const [bobs, own] = shown(view) as [Message, Message];
    expect([core.edits.can(bobs), core.edits.can(own)]).toEqual([false, true]);
    expect(core.edits.can({ ...own, recalledBy: 'alice' })).toBe(false);
    core.edits.put(bobs, 'x');
    await settle();
    expect(patches()).toEqual([]);
  });
});

test('what was edited while the session was lost is read again', async () => {
  core.open('u:bob').close();
  await settle();
  server.socket.break();
  server.edit('u:bob', 1, text('uno'));
  await vi.advanceTimersByTimeAsync(1000);
  await up(false);
  const view = core.open('u:bob');
  await settle();
  expect(texts(view)).toEqual(['uno', 'tow']);
});

describe('another text among the media', () => {
  const photo = (more = {}) => ({ type: 1, content: { co: '/media/a', ...more } });
  test.each([
    ['stands where the old one was', [...text('a'), photo()], 'b', [], [...text('b'), photo()]],
    ['a caption comes first', [photo({ re: 3 })], 'b', [], [{ type: 0, content: { co: 'b', re: 3 } }, photo()]],
    ['without a caption', [{ type: 0, content: { co: 'a', at: ['bob'], re: 3 } }, photo()], '', [], [photo({ re: 3 })]],
    ['several become one', [...text('a'), photo(), ...text('c')], 'b', [], [...text('b'), photo()]],
    [
      'mentions go with the first',
      [{ type: 0, content: { co: 'a', at: ['bob'], ed: 5, x: 1 } }],
      'b',
      ['carol'],
      [{ type: 0, content: { co: 'b', x: 1, at: ['carol'] } }],
    ],
  ])('%s', (_, media, co, mentions, want) => {
    expect(withText(media, co, mentions)).toEqual(want);
  });
});
