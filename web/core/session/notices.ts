// What a notice changes (docs/protocol.md §8).

import { Fields, parseObject } from '../payload/json';
import { decodeNotice, noticeType } from '../payload/notice';
import type { Connection, GroupChange, Medium, NoticeLine } from '../types';
import type { Announcements } from './announcements';
import type { Conversations } from './conversations';
import type { Groups } from './groups';
import { linesOf } from './lines';
import type { Outbox } from './outbox';
import type { People } from './people';

export interface NoticePort {
  uid: string;
  people: People;
  announcements: Announcements;
  groups: Groups;
  conversations: Conversations;
  outbox: Outbox;
  /** Another device of the same kind has signed in. */
  /** by: who, where it was no other device. */
  kicked(by?: Connection['by']): void;
  /** An administrator has ended the login. */
  ended(reason: string): void;
  /** A message was taken back. */
  recalled(conv: string, seq: number, by: string): void;
  /** Its author has changed a message, at: ms since 1970. */
  edited(conv: string, seq: number, media: Medium[], at: number): void;
  /** Lines to show in a conversation. */
  lines(conv: string, lines: NoticeLine[]): void;
  /** Runs f soon, once for all calls with the same key till then. */
  background(key: string, f: () => Promise<unknown>): void;
}

/** Takes a notice's payload. seq tells lines apart. Throws MalformedPayload. */
export function takeNotice(
  p: NoticePort,
  payload: Uint8Array,
  topic: { kind: string; name: string },
  seq: string,
): void {
  const n = decodeNotice(payload);
  const f = new Fields(n.content.length > 0 ? parseObject(n.content) : {});
  const uid = f.text('uid');
  const gid = f.text('gid');
  if (topic.kind === 'g') {
    const member = p.groups.known(gid)?.find((m) => m.uid === uid);
    const before = member && { role: member.role, muted: member.muted_until !== null };
    p.lines(`g:${gid}`, linesOf({ gid, seq, ts: n.ts * 1000, type: n.type, fields: f }, before));
  }
  switch (n.type) {
    case noticeType.refused:
      p.outbox.refused(f.text('id'), {
        status: 403,
        detail: f.text('message'),
        ...(f.has('problem') && { type: `/problems/${f.text('problem')}` }),
      });
      break;
    case noticeType.forcedOffline:
      p.kicked();
      break;
    case noticeType.adminOffline:
      if (f.flag('signed_in')) p.kicked('administrator');
      else p.ended(f.text('reason'));
      break;
    case noticeType.contacts:
      p.background('people', () => p.people.load());
      break;
    case noticeType.terminals:
      p.people.terminal(uid, f.number('st'), f.flag('on'));
      break;
    case noticeType.profile: {
      const change = { name: f.text('name') || uid, avatar: f.text('avatar') };
      p.people.profile(uid, change);
      p.conversations.rename(`u:${uid}`, change);
      break;
    }
    case noticeType.contactRequest:
      // Somebody asks to join a group that one manages, or does no longer.
      if (gid) p.background(`group ${gid}`, () => p.groups.refresh(gid));
      else p.background('people', () => p.people.load());
      break;
    case noticeType.groupAdded:
      entered(p, gid);
      break;
    case noticeType.groupData:
      groupData(p, gid, f);
      break;
    case noticeType.groupJoined:
      // Of a group that one has made or entered on another device this is all that tells.
      if (uid === p.uid && !p.groups.has(gid)) entered(p, gid);
      else p.background(`group ${gid}`, () => p.groups.refresh(gid));
      break;
    case noticeType.groupLeft:
      groupLeft(p, gid, uid);
      break;
    case noticeType.groupDissolved:
      p.groups.gone(gid);
      p.conversations.remove(`g:${gid}`);
      break;
    case noticeType.groupRole:
      p.background(`group ${gid}`, () => p.groups.refresh(gid));
      break;
    case noticeType.recalled:
      p.recalled(f.text('conv'), f.number('seq'), f.text('by'));
      break;
    case noticeType.edited: {
      // Without media it tells of a text that is no more: what came after it has a notice of its own.
      const media = f.list('media').map((m) => ({ type: m.type, content: m.content }));
      if (media.length > 0 && media.every(isMedium)) p.edited(f.text('conv'), f.number('seq'), media, f.number('ts'));
      break;
    }
    case noticeType.read:
      p.conversations.read(f.text('conv'), f.number('seq'), uid);
      break;
    case noticeType.conversation:
      p.conversations.settings(f.text('conv'), {
        muted: f.flag('muted'),
        pinned: f.flag('pinned'),
        clearedSeq: f.number('cleared_seq'),
      });
      break;
    case noticeType.announcement:
      p.background('announcements', () => p.announcements.load());
      break;
    // Types that are not known are for later versions.
  }
}

function isMedium(m: { type: unknown; content: unknown }): m is Medium {
  return typeof m.type === 'number' && typeof m.content === 'object' && m.content !== null;
}

function groupData(p: NoticePort, gid: string, f: Fields): void {
  const change: GroupChange = {};
  if (f.has('name')) change.name = f.text('name');
  if (f.has('avatar')) change.avatar = f.text('avatar');
  if (f.has('announcement')) change.announcement = f.text('announcement');
  if (f.has('join')) change.join = f.text('join') as NonNullable<GroupChange['join']>;
  if (f.has('muted_all')) change.muted_all = f.flag('muted_all');
  if (f.has('by_department')) p.background(`group ${gid}`, () => p.groups.refresh(gid));
  p.groups.changed(gid, change);
  p.conversations.rename(`g:${gid}`, change);
}

function entered(p: NoticePort, gid: string): void {
  p.background('groups', () => p.groups.load());
  // Who was away learns of many at once, and the list that is read meanwhile has them.
  p.background(`added ${gid}`, async () => p.conversations.get(`g:${gid}`) ?? p.conversations.fetch(`g:${gid}`));
}

function groupLeft(p: NoticePort, gid: string, uid: string): void {
  if (uid !== p.uid) {
    p.background(`group ${gid}`, () => p.groups.refresh(gid));
    return;
  }
  // The notice may be an old one that comes again: one may be back. The server knows.
  p.background(`left ${gid}`, async () => {
    await p.groups.load();
    if (!p.groups.has(gid)) p.conversations.remove(`g:${gid}`);
  });
}
