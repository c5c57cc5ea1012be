// What happened in groups, as lines between messages: from notices as they come, and from the pages of history. Kept like messages.

import { type ReadonlySignal, type Signal, signal } from '@preact/signals-core';
import type { WireNotice } from '../api/shapes';
import { Fields } from '../payload/json';
import { noticeType } from '../payload/notice';
import type { NoticeLine } from '../types';
import type { Context } from './context';

export interface GroupNotice {
  gid: string;
  /** Its number among the group's notices. */
  seq: string;
  /** ms since 1970 */
  ts: number;
  /** docs/protocol.md §8 */
  type: number;
  fields: Fields;
}

/** What a member was before. */
interface Before {
  role: string;
  muted: boolean;
}

/** A group's notice as lines of its conversation. A change of a member does not say what it was that changed: what was before tells. */
export function linesOf({ gid, seq, ts, type, fields: f }: GroupNotice, before?: Before): NoticeLine[] {
  const [uid, by] = [f.text('uid'), f.text('by')];
  const line = (notice: NoticeLine['notice'], o: { about?: string; text?: string } = {}): NoticeLine => ({
    id: `notice:g/${gid}/${seq}${type === noticeType.groupData ? `/${notice}` : ''}`,
    conv: `g:${gid}`,
    ts,
    notice,
    ...(o.about && { uid: o.about }),
    ...(by && { by }),
    ...(o.text !== undefined && { text: o.text }),
  });
  const about = uid;
  switch (type) {
    case noticeType.groupData:
      return [
        ...(f.has('name') ? [line('renamed', { text: f.text('name') })] : []),
        ...(f.text('announcement') ? [line('announcement', { text: f.text('announcement') })] : []),
        ...(f.has('avatar') ? [line('pictured')] : []),
        ...(f.has('muted_all') ? [line(f.flag('muted_all') ? 'muted-all' : 'unmuted-all')] : []),
      ];
    case noticeType.groupJoined:
      return [line(by === '' ? 'joined' : by === uid ? 'made' : 'added', { about, text: f.text('name') })];
    case noticeType.groupLeft:
      return [line(by && by !== uid ? 'removed' : 'left', { about })];
    case noticeType.groupDissolved:
      return [line('dissolved')];
    case noticeType.groupRole: {
      const role = f.text('role');
      if (f.number('muted_until') * 1000 > ts) return [line('muted', { about })];
      const sameRole = before ? before.role === role : false;
      return [sameRole ? line('unmuted', { about }) : line('role', { about, text: role })];
    }
    default:
      return [];
  }
}

/** The notices of a page of history, by seq, as lines. */
export function linesOfPage(conv: string, page: WireNotice[]): NoticeLine[] {
  const before = new Map<string, Before>();
  return page.flatMap((n) => {
    const fields = new Fields(n.data);
    const ts = Date.parse(n.ts);
    const uid = fields.text('uid');
    const lines = linesOf({ gid: conv.slice(2), seq: `${n.seq}`, ts, type: n.type, fields }, before.get(uid));
    if (n.type === noticeType.groupRole)
      before.set(uid, { role: fields.text('role'), muted: fields.number('muted_until') * 1000 > ts });
    else if (n.type === noticeType.groupJoined)
      before.set(uid, { role: fields.text('by') === uid ? 'owner' : 'member', muted: false });
    return lines;
  });
}

type Merge = (known: NoticeLine, l: NoticeLine) => NoticeLine;

export class Lines {
  private readonly lists = new Map<string, Signal<NoticeLine[]>>();

  constructor(private readonly c: Context) {}

  /** By time. */
  of(conv: string): ReadonlySignal<NoticeLine[]> {
    let s = this.lists.get(conv);
    if (!s) {
      s = signal<NoticeLine[]>([]);
      this.lists.set(conv, s);
      if (conv.startsWith('g:')) void this.c.db.lines(conv).then((kept) => this.show(conv, kept, (known) => known));
    }
    return s;
  }

  /** They come now. A kept session may bring a notice again: the first time counts. */
  came(conv: string, lines: NoticeLine[]): void {
    this.add(conv, lines, (known) => known);
  }

  /** A page tells of them. It knows the time better; what changed was better understood as it came. */
  told(conv: string, lines: NoticeLine[]): void {
    this.add(conv, lines, (known, l) => ({ ...known, ts: l.ts }));
  }

  /** One has cleared one's own copy. */
  clear(conv: string): void {
    const s = this.lists.get(conv);
    if (s) s.value = [];
    void this.c.db.deleteLines(conv);
  }

  private add(conv: string, lines: NoticeLine[], merge: Merge): void {
    if (lines.length === 0) return;
    void this.c.db.putLines(lines, merge);
    this.show(conv, lines, merge);
  }

  private show(conv: string, lines: NoticeLine[], merge: Merge): void {
    const s = this.lists.get(conv);
    if (!s) return; // no view: it reads them from the database
    const known = new Map(s.peek().map((l) => [l.id, l]));
    for (const l of lines) {
      const one = known.get(l.id);
      known.set(l.id, one ? merge(one, l) : l);
    }
    s.value = [...known.values()].sort((a, b) => a.ts - b.ts);
  }
}
