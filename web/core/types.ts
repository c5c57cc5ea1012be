// The shapes that views build against. A view reads signals and calls functions; it never touches the network or the database itself.

import type { ReadonlySignal } from '@preact/signals-core';
import type { KeptProblem, MediaCore, PendingFile } from './media/types';
import type { Problem } from './problem';

/** What the sign-in page needs to know before anybody has signed in (`GET /api/v1/about`). */
export interface About {
  name: string;
  version: string;
  /** The server's passwords are public. */
  demo: boolean;
  /** There is no organisation yet: the first administrator must be made at /setup. */
  setup: boolean;
}

export interface Me {
  uid: string;
  name: string;
  avatar: string;
  role: 'member' | 'auditor' | 'admin' | 'system';
  email?: string;
}

export type PresenceStatus = 'online' | 'offline' | 'busy' | 'away' | 'custom';

export interface Presence {
  status: PresenceStatus;
  /** What the person wrote to it, or empty. */
  text: string;
}

export interface Person {
  uid: string;
  /** The uid as long as the name is not known. */
  name: string;
  avatar: string;
  department: string;
  title: string;
  presence: Presence;
  /** Kinds of terminals that are online: 'pc', 'phone', 'web', 'widget', 'service'. */
  terminals: string[];
  /** A program's account. */
  service?: boolean;
  disabled?: boolean;
  /** The organisation has nobody by this uid. */
  missing?: boolean;
}

/** A place in the organisation's tree. */
export interface Department {
  id: string;
  /** The id of the one above; empty at the top. */
  parent: string;
  name: string;
  /** How many people are in it directly. */
  members: number;
}

/** What an administrator has announced to everyone, or to the user's departments. */
export interface OrgAnnouncement {
  id: string;
  title: string;
  text: string;
  /** RFC 3339. */
  created: string;
}

export interface ContactRequest {
  uid: string;
  name: string;
  avatar: string;
  message: string;
  /** RFC 3339. */
  created: string;
}

export type GroupRole = 'owner' | 'admin' | 'member';
export type JoinPolicy = 'open' | 'approval' | 'invite';

export interface Group {
  gid: string;
  name: string;
  avatar: string;
  announcement: string;
  join: JoinPolicy;
  /** Only the owner and administrators may write. */
  muted_all: boolean;
  owner: string;
  /** How many there are. */
  members: number;
  /** How many ask to join, where one decides it. */
  requests: number;
  /** It has the people of a department: nobody comes or goes by itself. */
  by_department?: boolean;
  /** RFC 3339. */
  created: string;
  /** One's own role; empty for one who is not in it; unknown until the group itself was read. */
  role?: GroupRole | '';
  /** RFC 3339; until then one may not write oneself. */
  muted_until?: string | null;
}

export interface GroupChange {
  name?: string;
  avatar?: string;
  announcement?: string;
  join?: JoinPolicy;
  muted_all?: boolean;
}

export interface Member {
  uid: string;
  name: string;
  avatar: string;
  role: GroupRole;
  /** RFC 3339 or null. */
  muted_until: string | null;
  joined: string;
}

export interface MemberChange {
  role?: GroupRole;
  /** RFC 3339; null ends it. */
  muted_until?: string | null;
}

/** Somebody who asks to join a group. */
export interface JoinRequest {
  uid: string;
  message: string;
  /** RFC 3339. */
  created: string;
}

/** A link by which people of the organisation enter a group. */
export interface GroupLink {
  id: string;
  /** Known on the page that has made it alone. */
  url?: string | undefined;
  /** A uid. */
  maker: string;
  /** How many have come by it. */
  uses: number;
  /** RFC 3339. */
  created: string;
  /** RFC 3339. */
  expires: string;
}

/** Ways into groups. What answers a promise throws Problem. */
export interface JoiningCore {
  /** Who asks to join a group that one manages. Loads lazily and follows notices. */
  requests(gid: string): ReadonlySignal<JoinRequest[]>;
  answer(gid: string, uid: string, accept: boolean): Promise<void>;
  /** The groups that somebody asks to join, and how many do, where one decides it. */
  waiting: ReadonlySignal<ReadonlyMap<string, number>>;
  /** Those that are good, the newest first. */
  links(gid: string): Promise<GroupLink[]>;
  makeLink(gid: string, days: number): Promise<GroupLink>;
  withdraw(gid: string, id: string): Promise<void>;
  /** The group that a link leads into. */
  look(token: string): Promise<Group>;
  /** Enters it. Resolves with its gid. */
  enter(token: string): Promise<string>;
}

/** Changing the texts of one's own messages. */
export interface EditsCore {
  /** Whether one may, by now; the server may still find that it is too late. */
  can(m: Message): boolean;
  /** Puts another text into a message: shown at once, sent when there is a connection. */
  put(m: Message, text: string, mentions?: string[]): void;
  /** Tries a refused change again. */
  retry(m: Message): void;
  /** Lets the message be as it was. */
  discard(m: Message): void;
}

export interface Medium {
  type: number;
  content: Record<string, unknown>;
}

export interface Message {
  /** Correlation Data in hex; for messages without one, `seq:` and the number. */
  id: string;
  conv: string;
  /** Place in the conversation, from 1 without gaps; not set as long as the server has not stored it. */
  seq?: number;
  /** Milliseconds since 1970: the server's time, one's own clock for a message that waits. */
  ts: number;
  sender: string;
  mine: boolean;
  media: Medium[];
  /** The text of the text media, for lists. */
  text: string;
  state: 'waiting' | 'stored' | 'failed';
  /** A whole sentence that says why it failed. */
  error?: string;
  /** Why it, or a file of it, was not taken, where the server has said so. */
  problem?: KeptProblem;
  /** It waits for these files to be uploaded. */
  files?: PendingFile[];
  /** One's own message, and the other side of the pair has read it. */
  read?: boolean;
  /** When its author has changed it last, in ms since 1970. */
  editedAt?: number;
  /** One has changed it here, and the server has not taken that yet, or has refused it. */
  editing?: 'waiting' | 'failed';
  /** Who has taken it back: then there are no media. */
  recalledBy?: string;
}

/** A line between messages that tells of a change in the group. */
export interface NoticeLine {
  id: string;
  conv: string;
  /** Milliseconds since 1970. */
  ts: number;
  notice:
    | 'joined'
    | 'left'
    | 'removed'
    | 'renamed'
    | 'announcement'
    | 'pictured'
    | 'muted-all'
    | 'unmuted-all'
    | 'role'
    | 'muted'
    | 'unmuted'
    | 'dissolved'
    /** By somebody, as opposed to 'joined'. */
    | 'added'
    /** The group. */
    | 'made';
  /** Whom it is about. */
  uid?: string;
  /** Who did it, where that is known. */
  by?: string;
  /** New name, announcement or role. */
  text?: string;
}

export type Item = Message | NoticeLine;

export interface Conversation {
  /** `u:{uid}` or `g:{gid}`. */
  conv: string;
  kind: 'user' | 'group';
  name: string;
  avatar: string;
  last?: Message;
  lastSeq: number;
  readSeq: number;
  /** How far the other side of a pair has read. */
  peerReadSeq: number;
  unread: number;
  /** An unread message mentions oneself. */
  mentioned: boolean;
  muted: boolean;
  pinned: boolean;
  draft: string;
  /** One's own message that the server has not stored: the newest that failed, or else the newest that waits. */
  outgoing?: Message;
  /** One has cleared one's own copy up to here; 0 for not at all. */
  clearedSeq: number;
}

export interface Device {
  id: string;
  terminal: string;
  /** User-Agent of the sign-in. */
  agent: string;
  addr: string;
  created: string;
  seen: string;
  /** It is the one that asks. */
  current: boolean;
}

export interface Page<T> {
  items: T[];
  /** Cursor of the next page, null at the end. */
  next: string | null;
}

export interface Org {
  eid: string;
  name: string;
  /** The address of a picture, or empty. */
  logo?: string;
  /** How long an author may recall a message, in seconds; 0 for never. Left out while it is not known. */
  recall_seconds?: number;
  /** The same for editing. */
  edit_seconds?: number;
}

export interface Account {
  status: 'unknown' | 'out' | 'in';
  me?: Me;
  org?: Org;
  /** Why the person was signed out without asking for it: a whole sentence. */
  reason?: string;
  /**
   * What was answered where that is the reason. Of a sign-in by a host, `names.type` tells: `/problems/host-nobody` (nobody is signed in there),
   * `/problems/host-no-token` (`token` has rejected), `/problems/host-token` and others of `POST /auth/exchange`.
   */
  problem?: Problem;
}

/** The same in all tabs, which share one connection. 'elsewhere': they can't, and another tab has it (a page that came over plain HTTP). */
export interface Connection {
  state: 'idle' | 'connecting' | 'online' | 'waiting' | 'kicked' | 'ended' | 'elsewhere';
  /** Of 'kicked': an administrator has ended the connection, and not another device. */
  by?: 'administrator';
  /** Milliseconds since 1970; set with 'waiting'. */
  retryAt?: number;
  reason?: string;
  /** A message has waited for more than 5 s to be stored although the connection stands. */
  stalled: boolean;
}

/**
 * What becomes of what is kept on this device. 'off': nothing is kept (a private window, or storage is blocked). 'full': nothing more can be
 * kept until there is room. In both, what waits to be sent and what is half written goes with the page.
 */
export type StorageState = 'ok' | 'off' | 'full';

export interface ConversationView {
  readonly conv: string;
  /** Oldest first. */
  items: ReadonlySignal<Item[]>;
  hasOlder: ReadonlySignal<boolean>;
  loading: ReadonlySignal<boolean>;
  error: ReadonlySignal<Error | undefined>;
  loadOlder(): Promise<void>;
  /** What is here ends before the newest message: it was opened, or gone to, further back. */
  hasNewer: ReadonlySignal<boolean>;
  loadNewer(): Promise<void>;
  /** Brings the message with that seq, and what stands around it. False: it can't be had. */
  loadAround(seq: number): Promise<boolean>;
  /** Brings the newest messages again. */
  loadNewest(): Promise<void>;
  /** Goes up with each message that is written here, on this page: one wants to see it. */
  written: ReadonlySignal<number>;
  /** uids of those who are typing. */
  typing: ReadonlySignal<string[]>;
  /** The person sees the newest message, or has come as far as a seq. */
  markRead(upTo?: number): void;
  /** While that says that the person sees the newest message, what comes is read as it comes, and is never counted as unread. */
  follow(sees: () => boolean): void;
  close(): void;
}

export interface SendOptions {
  /** seq of the message that it answers. */
  reply?: number;
  /** uids, or '*' for all. */
  mentions?: string[];
}

export interface Core {
  about: ReadonlySignal<About | undefined>;
  account: ReadonlySignal<Account>;
  storage: ReadonlySignal<StorageState>;
  /** There is a new version of the app: this page works on, and a reload brings the new one. */
  updated: ReadonlySignal<boolean>;
  connection: ReadonlySignal<Connection>;

  /** Restores the login by the refresh cookie, opens the database, connects. Never throws. */
  start(): Promise<void>;
  /**
   * With CoreOptions.token: asks for one, and signs in whoever it names in the place of who was signed in before, of whom nothing is shown
   * any more. Tried again while the server can't be reached. Throws the Problem by which nobody is signed in.
   */
  identify(): Promise<void>;
  /** Throws Problem. */
  login(org: string, username: string, password: string): Promise<void>;
  /** Ends the login session and wipes what was kept of it on this device. */
  logout(): Promise<void>;
  /** Connects again after 'kicked', or at once while 'waiting'. */
  reconnect(): void;
  /** Takes the connection from another tab, after 'elsewhere'. */
  useHere(): void;
  /** What is shown is of now: there is a connection that has told all, or there was one a moment ago. */
  current: ReadonlySignal<boolean>;
  /** The network or the tab is back: try at once, or make sure that the connection lives. */
  nudge(): void;
  /** The page is hidden, and may be closed without another word: tells the server now what would wait for a moment. */
  flush(): void;

  /** The server's clock, as far as known, in ms since 1970: times of messages are to be compared with it, and not with this device's clock. */
  now(): number;
  /** The page has learned that there is a new version. */
  foundUpdate(): void;

  /** Pinned first, then newest first; a group without messages stands where it was made. */
  conversations: ReadonlySignal<Conversation[]>;
  /** Of each conversation that has one, one's own newest message that the server has not stored yet. */
  unsent: ReadonlySignal<ReadonlyMap<string, Message>>;
  unreadTotal: ReadonlySignal<number>;

  /** Loads lazily, in batches. */
  person(uid: string): ReadonlySignal<Person>;
  contacts: ReadonlySignal<Person[]>;
  contactRequests: ReadonlySignal<ContactRequest[]>;
  /** Those that have not been read, the newest first. */
  announcements: ReadonlySignal<OrgAnnouncement[]>;
  /** A page of all of them, the newest first. Rejects with Problem. */
  announced(cursor?: string): Promise<{ items: OrgAnnouncement[]; next: string | null }>;
  readAnnouncement(id: string): Promise<void>;
  addContact(uid: string, message?: string): Promise<'added' | 'asked'>;
  removeContact(uid: string): Promise<void>;
  /** Those who match, or who are directly in the department with that id. */
  directory(q: string, cursor?: string, department?: string): Promise<Page<Person>>;
  /** The whole tree as a flat list, sisters in their order. */
  departments(): Promise<Department[]>;

  groups: ReadonlySignal<Group[]>;
  /** Loads lazily and follows notices. */
  group(gid: string): ReadonlySignal<Group | undefined>;
  members(gid: string): ReadonlySignal<Member[]>;
  createGroup(name: string, uids: string[]): Promise<Group>;
  updateGroup(gid: string, change: GroupChange): Promise<void>;
  addMembers(gid: string, uids: string[]): Promise<void>;
  removeMember(gid: string, uid: string): Promise<void>;
  /** Enters a group that is open, or asks to. */
  joinGroup(gid: string, message?: string): Promise<'joined' | 'asked'>;
  leaveGroup(gid: string): Promise<void>;
  dissolveGroup(gid: string): Promise<void>;
  setMember(gid: string, uid: string, change: MemberChange): Promise<void>;
  /** Links into groups, and who asks to join. */
  readonly joining: JoiningCore;

  /** Shows what the database has, then what the network has: the newest messages, or those around a seq that lies further back. */
  open(conv: string, around?: number): ConversationView;
  /** Written to the database, shown at once, stored once by the server. */
  send(conv: string, text: string, o?: SendOptions): void;
  retry(conv: string, id: string): void;
  /** Throws a message away that has failed, or whose files are still on their way. */
  discard(conv: string, id: string): void;
  /** Files in messages, pictures of people and groups. */
  readonly media: MediaCore;
  /** Tells the administrators of a stored message of somebody else. */
  report(conv: string, seq: number, reason: string): Promise<void>;
  setDraft(conv: string, text: string): void;
  /** Rate-limited inside: call it on every key. */
  typing(conv: string): void;

  setPresence(p: { status: 'online' | 'busy' | 'away' | 'custom'; text?: string }): Promise<void>;
  /** Hides all messages of a conversation from oneself, on all devices and for ever. Throws Problem. */
  clear(conv: string): Promise<void>;
  /** Changing the texts of one's own messages. */
  readonly edits: EditsCore;
  /** Takes a message back, for everyone. Throws Problem: one may not, or not any more. */
  recall(conv: string, seq: number): Promise<void>;
  /** Whether it is a message of one's own that one may still take back, by now. Administrators of a group may take back any there. */
  canRecall(m: Message): boolean;
  setConversation(conv: string, change: { muted?: boolean; pinned?: boolean }): Promise<void>;
  updateMe(change: { name?: string; avatar?: string; password?: string; current_password?: string }): Promise<void>;
  devices(): Promise<Device[]>;
  signOut(id: string): Promise<void>;

  /** A message of somebody else came while connected: for sounds and desktop notifications. */
  on(event: 'message', f: (m: Message, c: Conversation) => void): () => void;
}

/** A mark beside the refresh cookie, which scripts can't read. */
export interface LoginMark {
  /** Whether there may be a login. */
  there(): boolean;
  /** The server has said that there is none. */
  gone(): void;
}

/** What createCore needs of its surroundings; everything but `base` has a default. */
export interface CoreOptions {
  /** Origin of the server, without a slash at the end: `https://chat.example.org`. */
  base: string;
  /** Sign-in by a host (docs/embedding.md): the app's id. */
  app?: string;
  /**
   * With `app`: resolves with a token that the host's server has signed just now, or with null where nobody is signed in there. Called by
   * `start` and `identify`, and before the access token ends. Rejects when none can be had: that ends the login like a refusal, so try
   * as often as makes sense.
   */
  token?: () => Promise<string | null | undefined>;
  /** 'memory' keeps nothing on this device. Default: IndexedDB where it works; 'memory' with `token`. */
  storage?: 'indexeddb' | 'memory';
  /** Says whether this browser may have a login, so that the server is not asked in vain. Without, it is. */
  mark?: LoginMark;
  /** Milliseconds since 1970. */
  now?: () => number;
  fetch?: typeof fetch;
  /** Opens a WebSocket with the subprotocol `mqtt`. */
  socket?: (url: string) => WebSocket;
  /** Web Locks; null: as if there were no other tab. Default: the global one. */
  locks?: LockManager | null;
  /** Opens a channel to the other tabs; null: as if there were none. Default: the global BroadcastChannel. */
  channel?: ((name: string) => BroadcastChannel) | null;
}
