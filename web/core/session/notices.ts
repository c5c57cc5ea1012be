// What a notice changes (docs/protocol.md §8).

import { parseObject } from '../payload/json';
import { decodeNotice, noticeType } from '../payload/notice';
import type { GroupChange, GroupRole, NoticeLine } from '../types';
import type { Conversations } from './conversations';
import type { Groups } from './groups';
import type { Outbox } from './outbox';
import type { People } from './people';

export interface NoticePort {
  uid: string;
  people: People;
  groups: Groups;
  conversations: Conversations;
  outbox: Outbox;
  /** Another device of the same kind has signed in. */
  kicked(): void;
  /** An administrator has ended the login. */
  ended(reason: string): void;
  /** A line to show in a conversation. */
  line(l: NoticeLine): void;
  /** Runs f soon, once for all calls with the same key till then. */
  background(key: string, f: () => Promise<unknown>): void;
}

/** Reads fields of a content that may have any form. */
class Fields {
  constructor(private readonly o: Record<string, unknown>) {}

  text(key: string): string {
    const v = this.o[key];
    return typeof v === 'string' ? v : '';
  }

  number(key: string): number {
    const v = this.o[key];
    return typeof v === 'number' ? v : 0;
  }

  flag(key: string): boolean {
    return this.o[key] === true;
  }

  has(key: string): boolean {
    return this.o[key] !== undefined;
  }
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
  const line = (notice: NoticeLine['notice'], more: Partial<NoticeLine>) =>
    p.line({
      id: `notice:${topic.kind}/${topic.name}/${seq}/${notice}`,
      conv: `g:${gid}`,
      ts: n.ts * 1000,
      notice,
      ...more,
    });

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
      p.ended(f.text('reason'));
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
      p.background('people', () => p.people.load());
      break;
    case noticeType.groupAdded:
      line('added', { uid: p.uid, by: uid });
      p.background('groups', () => p.groups.load());
      // Who was away learns of many at once, and the list that is read meanwhile has them.
      p.background(`added ${gid}`, async () => p.conversations.get(`g:${gid}`) ?? p.conversations.fetch(`g:${gid}`));
      break;
    case noticeType.groupData:
      groupData(p, gid, f, line);
      break;
    case noticeType.groupJoined:
      line('joined', { uid, text: f.text('name') });
      p.background(`group ${gid}`, () => p.groups.refresh(gid));
      break;
    case noticeType.groupLeft:
      groupLeft(p, gid, uid, f.text('by'), line);
      break;
    case noticeType.groupDissolved:
      line('dissolved', {});
      p.groups.gone(gid);
      p.conversations.remove(`g:${gid}`);
      break;
    case noticeType.groupRole:
      groupRole(p, gid, uid, f, n.ts, line);
      break;
    case noticeType.read:
      p.conversations.read(f.text('conv'), f.number('seq'), uid);
      break;
    // Types that are not known are for later versions.
  }
}

type Line = (notice: NoticeLine['notice'], more: Partial<NoticeLine>) => void;

function groupData(p: NoticePort, gid: string, f: Fields, line: Line): void {
  const change: GroupChange = {};
  if (f.has('name')) change.name = f.text('name');
  if (f.has('avatar')) change.avatar = f.text('avatar');
  if (f.has('announcement')) change.announcement = f.text('announcement');
  if (f.has('join')) change.join = f.text('join') as NonNullable<GroupChange['join']>;
  if (f.has('muted_all')) change.muted_all = f.flag('muted_all');
  p.groups.changed(gid, change);
  p.conversations.rename(`g:${gid}`, change);
  if (change.name !== undefined) line('renamed', { text: change.name });
  if (change.announcement !== undefined) line('announcement', { text: change.announcement });
}

function groupLeft(p: NoticePort, gid: string, uid: string, by: string, line: Line): void {
  if (by && by !== uid) line('removed', { uid, by });
  else line('left', { uid });
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

function groupRole(p: NoticePort, gid: string, uid: string, f: Fields, ts: number, line: Line): void {
  const role = f.text('role') as GroupRole;
  const before = p.groups.known(gid)?.find((m) => m.uid === uid);
  if (before && before.role !== role) line('role', { uid, text: role });
  else if (f.number('muted_until') > ts) line('muted', { uid });
  else if (!before || before.muted_until) line('unmuted', { uid });
  p.background(`group ${gid}`, () => p.groups.refresh(gid));
}
