// JSON of the HTTP API (docs/http-api.md), as the server writes it.

import type { GroupRole, JoinPolicy, Me, Medium, Org, PresenceStatus } from '../types';

export interface SignIn {
  access_token: string;
  /** Seconds. */
  expires_in: number;
  /** Left out for browsers, which have it in a cookie that scripts can't read. */
  refresh_token?: string;
  user: Me;
  org: Org;
  mqtt: { url: string; client_id: string; username: string };
}

/** What of a sign-in is no secret: kept on the device. */
export type KeptAccount = Pick<SignIn, 'user' | 'org' | 'mqtt'>;

export interface List<T> {
  items: T[];
  next: string | null;
}

export interface WirePerson {
  uid: string;
  name: string;
  avatar: string;
  department: string;
  title: string;
  service: boolean;
  disabled: boolean;
  presence: { status: PresenceStatus; text?: string };
  terminals: string[];
}

export interface WireMessage {
  seq: number;
  /** RFC 3339 */
  ts: string;
  sender: string;
  media: Medium[];
  /** Hex, or empty. */
  id: string;
  /** When its author has changed it last: RFC 3339. */
  edited_at?: string | null;
  /** It was taken back, by whom. */
  recalled_by?: string;
}

export interface WireConversation {
  conv: string;
  name: string;
  avatar: string;
  last: WireMessage | null;
  last_seq: number;
  read_seq: number;
  peer_read_seq: number;
  unread: number;
  mentioned: boolean;
  muted: boolean;
  pinned: boolean;
  /** Left out by servers that don't know it. */
  cleared_seq?: number;
}

/** Something that happened in a group. */
export interface WireNotice {
  /** Its number among the group's notices. */
  seq: number;
  /** RFC 3339 */
  ts: string;
  /** docs/protocol.md §8 */
  type: number;
  data: Record<string, unknown>;
}

/** A page of a conversation. */
export interface History {
  items: WireMessage[];
  /** Of a group. */
  notices?: WireNotice[];
}

export interface WireGroup {
  gid: string;
  name: string;
  avatar: string;
  announcement: string;
  join: JoinPolicy;
  muted_all: boolean;
  owner: string;
  members: number;
  requests: number;
  by_department?: boolean;
  created: string;
  /** Of a single group only. */
  role?: GroupRole | '';
  muted_until?: string | null;
}
