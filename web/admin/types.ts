// JSON of the calls below /api/v1/admin (docs/http-api.md), as the server writes it. Times are RFC 3339.

import type { Me, Medium } from '../core';

export type Role = Me['role'];

export interface Counted<T> {
  items: T[];
  next: string | null;
  /** Of the first page, where it is cheap to know. */
  total?: number;
  /** There are no more than that. */
  total_exact?: boolean;
}

export interface Account {
  uid: string;
  name: string;
  avatar: string;
  email: string;
  title: string;
  /** The name of the main department. */
  department: string;
  /** Ids, the main one first. */
  departments: string[];
  role: Role;
  service: boolean;
  disabled: boolean;
  /** Has never had a password. */
  invited: boolean;
  created: string;
  seen: string | null;
  version: number;
  /** The groups that it owns. Lists leave it out. */
  owns?: { gid: string; name: string }[];
}

export interface Department {
  id: string;
  /** Empty at the top. */
  parent: string;
  name: string;
  position: number;
  /** Those who are in it directly. */
  members: number;
  /** Those, and who is in the departments below it. */
  people: number;
  version: number;
}

export interface AuditEntry {
  id: string;
  ts: string;
  /** Empty for the shell and the server. */
  actor: string;
  /** IP address, `shell` or `server`. */
  addr: string;
  action: string;
  target: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

export interface PasswordLink {
  url: string;
  expires: string;
}

/** Long work of the server. */
export interface Job {
  id: string;
  kind: 'import' | 'backup';
  /** checking: nothing has changed yet. failed: nothing was changed, `errors` say why. stopped: who began it lost the right to, and what `done` counts is stored. */
  state: 'checking' | 'running' | 'done' | 'failed' | 'stopped';
  done: number;
  /** 0 while it is not known. */
  total: number;
  result: {
    dry_run: boolean;
    created: number;
    updated: number;
    unchanged: number;
    size: number;
    /** The name of a backup's file. */
    file?: string;
    /** Of the file of an import. */
    encoding?: string;
    /** Of a dry run: the first people as the file was read. */
    first?: { line: number; uid: string; name: string; email: string; title: string; departments: string[] | null }[];
  };
  errors: { line?: number; field?: string; code: string; message: string; limit?: number }[];
  /** How many there are in all. */
  wrong: number;
  /** Who began it; empty for the shell. */
  actor: string;
  created: string | null;
  changed: string | null;
}

export interface Policies {
  several_sessions: boolean;
  contact_approval: boolean;
  mqtt_passwords: boolean;
  create_groups: 'everyone' | 'admins';
  message_whom: 'everyone' | 'contacts' | 'departments';
  /** 0: never. */
  recall_seconds: number;
  edit_seconds: number;
  /** 0: for ever. */
  retention_days: { pair: number; group: number };
  file_kinds: string[];
  /** Bytes; 0: as the server's settings say. */
  file_limit: number;
  quota_org: number;
  quota_user: number;
  password_min: number;
  password_mixed: boolean;
  version: number;
}

export interface StoredMessage {
  seq: number;
  ts: string;
  sender: string;
  media: Medium[];
  recalled: boolean;
}

export interface Report {
  id: string;
  state: 'open' | 'closed';
  reporter: string;
  reason: string;
  /** The id of the conversation's log. */
  stream: string;
  kind: 'pair' | 'group';
  /** The two of a pair. */
  people: string[];
  /** Of a group. */
  gid: string;
  /** The group's name. */
  group: string;
  /** As it was when it was reported. */
  message: StoredMessage;
  note: string;
  closer: string;
  created: string;
  closed: string | null;
  version: number;
}

/** A report with the messages around, as they are now. */
export interface ReportView extends Report {
  context: StoredMessage[];
}

export interface Overview {
  people: { total: number; online: number; disabled: number };
  groups: number;
  /** What there may be; 0: no bound. */
  limits: Organisation['limits'];
  /** Reports that nobody has closed. */
  reports: number;
  sessions: Record<'web' | 'phone' | 'pc' | 'widget' | 'service', number>;
  /** The last 30, the oldest first; `date` such as 2026-01-31, UTC. media: files and pictures in messages; bytes: of the messages. */
  days: { date: string; messages: number; media: number; bytes: number }[];
  /** messages and files: how many; media and database: bytes. */
  storage: { messages: number; media: number; files: number; database: number };
  live: { connections: number; messages_per_second: number };
  /** queue: changes that wait to be told; webhooks: deliveries that wait. */
  health: { database: 'ok' | 'failing'; media: 'ok' | 'failing'; queue: number; webhooks: number };
  backup: { at: string; size: number } | null;
}

/** A connected MQTT session. */
export interface LiveSession {
  id: string;
  uid: string;
  client_id: string;
  terminal: string;
  addr: string;
  /** It outlives its connection. */
  kept: boolean;
  subscriptions: number;
  /** Messages and notices that it has not been sent yet. */
  lag: number;
  /** Those that its client has not acknowledged. */
  in_flight: number;
  /** Of one session alone. */
  topics?: { topic: string; qos: number; lag: number }[];
}

export interface AdminGroup {
  gid: string;
  name: string;
  avatar: string;
  announcement: string;
  join: 'open' | 'approval' | 'invite';
  /** Only the owner and administrators may write. */
  muted_all: boolean;
  owner: string;
  members: number;
  created: string;
  /** The id of the department whose people are its members, or empty. */
  follows: string;
  dissolved: string | null;
  version: number;
}

export interface Announcement {
  id: string;
  author: string;
  title: string;
  text: string;
  /** Ids; none is everyone. */
  departments?: string[];
  created: string;
  /** Whom it is for. */
  people?: number;
  /** How many have read it. */
  readers?: number;
}

export interface Organisation {
  eid: string;
  name: string;
  /** The address of a picture, or empty. */
  logo: string;
  /** Who are not disabled. */
  people: number;
  groups: number;
  messages: number;
  /** Bytes of files. */
  media: number;
  /** 0: no bound. */
  limits: { people: number; groups: number; storage: number };
  /** Since when nobody may sign in, or null. */
  suspended: string | null;
  /** When all of it is deleted, or null. */
  delete_at: string | null;
  version: number;
}

/** Another system that takes part. */
export interface App {
  id: string;
  name: string;
  /** `https://oa.example.com`, exact. */
  origins: string[];
  create_users: boolean;
  /** At most two. */
  keys: SigningKey[];
  /** Empty where it signs with one of `keys`. */
  jwks_url: string;
  disabled: boolean;
  version: number;
}

export interface SigningKey {
  id: string;
  created: string;
  last_used: string | null;
}

export interface Bot {
  uid: string;
  name: string;
  avatar: string;
  disabled: boolean;
}

export const scopes = ['read', 'write', 'groups', 'mqtt'] as const;
export type Scope = (typeof scopes)[number];

export interface ApiKey {
  id: string;
  name: string;
  /** The uid that it acts as. */
  bot: string;
  scopes: Scope[];
  created: string;
  last_used: string | null;
  /** Of one that was replaced: until when it works. */
  expires?: string | null;
}

export interface IncomingWebhook {
  id: string;
  name: string;
  bot: string;
  /** `g:` or `u:` and an id. */
  conv: string;
  created: string;
  last_used: string | null;
}

export const hookEvents = ['message', 'membership', 'presence'] as const;
export type HookEvent = (typeof hookEvents)[number];

/** An address that is told what a bot sees. */
export interface Webhook {
  id: string;
  url: string;
  events: HookEvent[];
  bot: string;
  disabled: boolean;
  /** Since when nothing but failures; null: all is well. */
  failing: string | null;
  /** Deliveries. */
  waiting: number;
  created: string;
  version: number;
}

export interface Delivery {
  id: string;
  event: string;
  at: string;
  attempts: number;
  /** When it is tried again; null: not any more. */
  next: string | null;
  status: 'waiting' | 'delivered' | 'failed';
  /** The HTTP status of the last answer; 0: there was none. */
  code: number;
  /** Why the last attempt failed, or empty. */
  reason: string;
  /** The same in English words. */
  error: string;
  took_ms: number;
}
