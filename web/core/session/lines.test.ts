// What happened in groups, and one's own copy of a conversation.

import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Database } from '../db/database';
import { Problem } from '../problem';
import { leave } from '../testing/leave';
import { FakeServer } from '../testing/server';
import type { Conversation, ConversationView, Core, Message, NoticeLine } from '../types';
import { linesOfPage } from './lines';

let server: FakeServer;
let cores: Core[];

const settle = async () => {
  for (let i = 0; i < 20; i++) await vi.advanceTimersByTimeAsync(1);
};

async function enter(): Promise<Core> {
  const core = server.page({ memory: false });
  cores.push(core);
  const login = core.login('demo', 'alice', 'secret');
  await settle();
  await login;
  await settle();
  server.socket.open();
  server.socket.connack();
  await settle();
  return core;
}

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  server = new FakeServer();
  cores = [];
});
afterEach(() => leave(server, cores));

const told = (view: ConversationView) =>
  view.items.peek().map((i) => ('notice' in i ? `${i.notice} ${i.uid ?? i.text}${i.by ? ` by ${i.by}` : ''}` : i.text));
const of = (core: Core, conv: string) => core.conversations.peek().find((c) => c.conv === conv) as Conversation;

test('what a page tells of a group', () => {
  const ts = '2026-05-04T10:00:00.500Z';
  const later = Date.parse(ts) / 1000 + 3600;
  const page = [
    { type: 0x37, data: { gid: 'walks', uid: 'alice', name: 'Alice', by: 'alice' } },
    { type: 0x37, data: { gid: 'walks', uid: 'bob', name: 'Bob', by: 'alice' } },
    { type: 0x37, data: { gid: 'walks', uid: 'carol', name: 'Carol' } },
    { type: 0x36, data: { gid: 'walks', by: 'alice', name: 'Walks', announcement: 'Boots!', join: 'open' } },
    { type: 0x36, data: { gid: 'walks', by: 'bob', announcement: '', avatar: '', muted_all: true } },
    { type: 0x36, data: { gid: 'walks', by: 'bob', muted_all: false } },
    { type: 0x3a, data: { gid: 'walks', uid: 'bob', role: 'admin', muted_until: 0, by: 'alice' } },
    { type: 0x3a, data: { gid: 'walks', uid: 'carol', role: 'member', muted_until: later, by: 'bob' } },
    { type: 0x3a, data: { gid: 'walks', uid: 'carol', role: 'member', muted_until: 0, by: 'bob' } },
    { type: 0x38, data: { gid: 'walks', uid: 'carol', by: 'bob' } },
    { type: 0x38, data: { gid: 'walks', uid: 'bob', by: 'bob' } },
    { type: 0x7e, data: { gid: 'walks', uid: [], by: 7 } },
  ].map((n, i) => ({ ...n, seq: i + 1, ts }));
  const lines = linesOfPage('g:walks', page);
  expect(lines.map((l) => [l.notice, l.uid, l.by])).toEqual([
    ['made', 'alice', 'alice'],
    ['added', 'bob', 'alice'],
    ['joined', 'carol', undefined],
    ['renamed', undefined, 'alice'],
    ['announcement', undefined, 'alice'],
    ['pictured', undefined, 'bob'],
    ['muted-all', undefined, 'bob'],
    ['unmuted-all', undefined, 'bob'],
    ['role', 'bob', 'alice'],
    ['muted', 'carol', 'bob'],
    ['unmuted', 'carol', 'bob'],
    ['removed', 'carol', 'bob'],
    ['left', 'bob', 'bob'],
  ]);
  expect(new Set(lines.map((l) => l.id)).size).toBe(lines.length);
  expect(lines.every((l) => l.ts === Date.parse(ts) && l.conv === 'g:walks')).toBe(true);
});

describe('lines', () => {
  const joined = { gid: 'walks', uid: 'carol', name: 'Carol', by: 'bob' };

  test('stand where they came, once, however often they come, and are kept', async () => {
    const core = await enter();
    const view = core.open('g:walks');
    server.deliver('g:walks', 'bob', 'one');
    server.notice(0x37, joined, 'g/walks', 5);
    server.deliver('g:walks', 'bob', 'two');
    server.notice(0x37, joined, 'g/walks', 5);
    await settle();
    const want = ['one', 'added carol by bob', 'two'];
    expect(told(view)).toEqual(want);
    server.notices.set('g:walks', [{ seq: 5, ts: new Date(Date.now() - 1).toISOString(), type: 0x37, data: joined }]);

    server.offline = true;
    const again = server.page({ memory: false });
    cores.push(again);
    const starting = again.start();
    await settle();
    await starting;
    const kept = again.open('g:walks');
    await settle();
    expect(told(kept)).toEqual(want);
    server.offline = false;
    again.nudge();
    await settle();
    server.socket.open();
    server.socket.connack();
    await settle();
    expect(told(kept).sort()).toEqual([...want].sort());
  });

  test('of older pages come with them', async () => {
    const at = (n: number) => new Date(Date.now() - 1_000_000 + n * 1000).toISOString();
    for (let i = 1; i <= 80; i++) server.say('g:walks', 'bob', `${i}`);
    server.messages.set(
      'g:walks',
      (server.messages.get('g:walks') ?? []).map((m) => ({ ...m, ts: at(m.seq) })),
    );
    server.notices.set('g:walks', [{ seq: 1, ts: at(10.5), type: 0x37, data: joined }]);
    const core = await enter();
    const view = core.open('g:walks');
    await settle();
    expect(told(view)).not.toContain('added carol by bob');
    await view.loadOlder();
    expect(told(view).slice(9, 12)).toEqual(['10', 'added carol by bob', '11']);
  });
});

test('a message that is taken back is gone from the view, from the list and from what is kept', async () => {
  for (const text of ['one', 'oops']) server.say('g:walks', 'bob', text);
  const core = await enter();
  const view = core.open('g:walks');
  await settle();
  server.notice(0x40, { conv: 'g:walks', seq: 2, by: 'carol' }, 'g/walks', 7);
  await settle();
  const gone = { seq: 2, sender: 'bob', text: '', media: [], recalledBy: 'carol' };
  expect(view.items.peek()).toMatchObject([{ text: 'one' }, gone]);
  expect(of(core, 'g:walks').last).toMatchObject(gone);
  const db = await Database.open('demo', 'alice', { memory: false });
  expect(await db.messagesBefore('g:walks', 3, 10)).toMatchObject([{ text: 'one' }, gone]);
  db.close();
});

describe('clearing one’s own copy', () => {
  const kept = async () => {
    const db = await Database.open('demo', 'alice', { memory: false });
    const found = [await db.lastSeq('g:walks'), (await db.lines('g:walks')).length];
    db.close();
    return found;
  };

  test('hides what is there, here and in what is kept; what comes later shows', async () => {
    for (const text of ['one', 'two']) server.say('g:walks', 'bob', text);
    const core = await enter();
    const view = core.open('g:walks');
    server.notice(0x37, { gid: 'walks', uid: 'carol', name: 'Carol' }, 'g/walks');
    await settle();
    expect(view.items.peek()).toHaveLength(3);
    expect(await kept()).toEqual([2, 1]);
    server.asked();
    await core.clear('g:walks');
    expect(server.asked()).toContain('PUT /conversations/g:walks/cleared {"seq":2}');
    await settle();
    expect(view.items.peek()).toEqual([]);
    expect(view.hasOlder.peek()).toBe(false);
    expect(of(core, 'g:walks')).toMatchObject({ unread: 0, lastSeq: 2, clearedSeq: 2 });
    expect(of(core, 'g:walks').last).toBeUndefined();
    expect(await kept()).toEqual([0, 0]);
    expect(await view.loadAround(1)).toBe(false);
    // What is kept late, from an answer that was on its way, does not show either.
    const db = await Database.open('demo', 'alice', { memory: false });
    const late = { id: 'seq:2', conv: 'g:walks', seq: 2, ts: 1, sender: 'bob', mine: false, media: [], text: 'two' };
    await db.putMessages([{ ...late, state: 'stored' }]);
    db.close();
    view.close();
    const anew = core.open('g:walks');
    await settle();
    expect(anew.items.peek()).toEqual([]);
    anew.close();
    // The pages of this server still have them.
    const after = core.open('g:walks');
    server.deliver('g:walks', 'bob', 'three');
    await settle();
    expect(told(after)).toEqual(['three']);
    expect(of(core, 'g:walks')).toMatchObject({ unread: 1, last: { text: 'three' } });
  });

  test('on another device shows here, and so do its other settings', async () => {
    for (const text of ['one', 'two', 'three']) server.say('g:walks', 'bob', text);
    const core = await enter();
    const view = core.open('g:walks');
    await settle();
    server.notice(0x45, { conv: 'g:walks', muted: true, pinned: true, cleared_seq: 2 });
    await settle();
    expect(of(core, 'g:walks')).toMatchObject({ muted: true, pinned: true, clearedSeq: 2, unread: 1, readSeq: 2 });
    expect(told(view)).toEqual(['three']);
    server.notice(0x45, { conv: 'g:walks', muted: false, pinned: false, cleared_seq: 1 }); // an old one
    await settle();
    expect(of(core, 'g:walks')).toMatchObject({ muted: false, pinned: false, clearedSeq: 2 });
    server.notice(0x45, { conv: 'u:nobody', muted: true, pinned: true, cleared_seq: 1 });
    await settle();
    expect(of(core, 'u:nobody')).toBeUndefined();
  });

  test('while this device was away shows with the list', async () => {
    for (const text of ['one', 'two']) server.say('g:walks', 'bob', text);
    const core = await enter();
    const view = core.open('g:walks');
    await settle();
    server.socket.break();
    const c = server.conversations.get('g:walks');
    server.conversations.set('g:walks', { ...c, last: null, unread: 0, read_seq: 2, cleared_seq: 2 } as never);
    await vi.advanceTimersByTimeAsync(1000);
    server.socket.open();
    server.socket.connack();
    await settle();
    expect(of(core, 'g:walks').last).toBeUndefined();
    expect(view.items.peek()).toEqual([]);
    expect(await kept()).toEqual([0, 0]);
  });

  test('that the server does not hear of changes nothing', async () => {
    server.say('g:walks', 'bob', 'one');
    const core = await enter();
    const view = core.open('g:walks');
    await settle();
    server.offline = true;
    await expect(core.clear('g:walks')).rejects.toBeInstanceOf(Problem);
    expect((view.items.peek() as (Message | NoticeLine)[]).length).toBe(1);
    expect(of(core, 'g:walks').clearedSeq).toBe(0);
  });
});
