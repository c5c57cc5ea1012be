// JSON of the calls below /api/v1/admin (docs/http-api.md), as the server writes it. Times are RFC 3339.

import type { Me } from '../core';

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
}

export interface Department {
  id: string;
  /** Empty at the top. */
  parent: string;
  name: string;
  position: number;
  members: number;
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
