// What the loader in the host's page and the panel in the iframe say to each other, over one MessagePort. The port itself goes over by
// window.postMessage, once for each load of the iframe, with exact origins on both sides.

import type { Connection, MessageNews, Theme } from './types';

/** The only message between the windows; it carries the port. */
export const greeting = 'magpie-port-1';

export type ToPanel =
  /** First of all; who is to be signed in is said then. conv: `u:bob`, `g:42`, the only one that is shown. */
  | { type: 'start'; theme: Theme; locale: string; conv: string | undefined; inline: boolean; shown: boolean }
  /** Answers 'token'. token: null where nobody is signed in; undefined where none could be had. */
  | { type: 'token'; id: number; token: string | null | undefined }
  | { type: 'shown'; shown: boolean }
  | { type: 'theme'; theme: Theme }
  | { type: 'locale'; locale: string }
  | (Request & { id: number });

/** Words that the panel answers, each once, by 'done' with their id. */
export type Request =
  /** Sign in whoever is signed in at the host now. */
  | { type: 'identify' }
  /** Sign in nobody. */
  | { type: 'logout' }
  | { type: 'open'; conv: string };

export type FromPanel =
  /** It draws. */
  | { type: 'here' }
  | { type: 'token'; id: number }
  | { type: 'done'; id: number; error?: string }
  | Account
  | { type: 'unread'; unread: number }
  | { type: 'message'; message: MessageNews }
  | { type: 'connection'; connection: Connection }
  /** The user wants to be signed in. */
  | { type: 'identify' }
  /** The user closes the panel from inside. */
  | { type: 'close' };

/** Who is signed in, or why nobody is: nobody is at the host, it gives no token, the server refuses it or has ended the login, `logout`. */
export type Account =
  | { type: 'account'; user: string }
  | { type: 'account'; why: 'nobody' | 'no-token' | 'refused' | 'ended' | 'left'; message: string };

/** Ids of users and groups: docs/protocol.md §1. */
const conversation = /^(user|group):([A-Za-z0-9][\w.-]{0,63})$/;

/** `u:bob`, `g:42` of `{user: 'bob'}`, or of an attribute `group:42`. Throws an Error where it is neither. */
export function convOf(chat: unknown): string {
  const [name = ''] = typeof chat === 'string' ? [chat] : Object.entries(chat ?? {}).map((pair) => pair.join(':'));
  const [, kind, id] = conversation.exec(name) ?? [];
  if (!kind) throw new Error(`"${name}" is no conversation: name a user or a group`);
  return `${kind[0]}:${id}`;
}
