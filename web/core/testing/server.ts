// A server for tests of the core: the HTTP API as far as the core asks, and sockets that say what they are told to.

import type { WireConversation, WireMessage, WireNotice } from '../api/shapes';
import { createCore } from '../index';
import { Scripted } from '../mqtt/scripted';
import { encodeIM, imGroup, imPair, medium } from '../payload/im';
import { encodeNotice } from '../payload/notice';
import type { Core } from '../types';

export interface Tab {
  locks: LockManager;
  channel: (name: string) => BroadcastChannel;
}

export class FakeServer {
  readonly conversations = new Map<string, WireConversation>();
  readonly messages = new Map<string, WireMessage[]>();
  /** What all pages of a group tell of what happened in it. */
  readonly notices = new Map<string, WireNotice[]>();
  readonly calls: string[] = [];
  readonly sockets: Scripted[] = [];
  /** Nothing of HTTP comes through. */
  offline = false;
  /** Ends all logins: the reason that is given for it. */
  refuses = '';
  /** Answers that take their time: what they wait for, by what is asked for. */
  slow: (call: string) => Promise<void> = async () => {};
  version = '1.0.0';
  /** Who signs in. */
  uid = 'alice';
  clientId = 'web-1';
  /** Tokens of a host, with the login that was to be prolonged. A good one begins with the uid that it is for. */
  readonly exchanged: { app: string; token: string; sent?: string }[] = [];
  refusesToken: (token: string, sent?: string) => { status: number; type: string } | undefined = () => undefined;
  /** How long the organisation allows recalling and editing. */
  allows: { recall_seconds?: number; edit_seconds?: number } = {};
  /** Why a message may not be edited. */
  refusesEdit: { status: number; type: string; limit?: number } | undefined;
  /** The status of the answer to what one says that one has read; 0: it is taken. */
  refusesRead = 0;
  /** The access token that is good. */
  token = 'token';
  private packetId = 0;

  /** A core of alice's on this server, signed in. tab: one of several in a browser. */
  async core(o: { memory?: boolean; tab?: Tab } = {}): Promise<Core> {
    const core = this.page(o);
    await core.login('demo', 'alice', 'secret');
    return core;
  }

  /** A page on which nothing has been done yet. */
  page(o: { memory?: boolean; tab?: Tab; now?: () => number; token?: () => Promise<string | null> } = {}): Core {
    return createCore({
      base: 'http://test',
      fetch: async (url, init) => {
        const r = await this.fetch(url as string, init as RequestInit);
        r.headers.set('Date', new Date(Date.now()).toUTCString());
        return r;
      },
      ...(o.now && { now: o.now }),
      ...(o.token && { app: 'oa', token: o.token }),
      socket: () => {
        const s = new Scripted();
        this.sockets.push(s);
        return s as unknown as WebSocket;
      },
      locks: o.tab?.locks ?? null,
      channel: o.tab?.channel ?? null,
      storage: o.memory === false ? 'indexeddb' : 'memory',
    });
  }

  get socket(): Scripted {
    return this.sockets.at(-1) as Scripted;
  }

  /** Adds a message to the history, as if it had been sent; returns its seq. */
  say(conv: string, sender: string, text: string): number {
    const list = this.messages.get(conv) ?? [];
    const seq = list.length + 1;
    const last: WireMessage = {
      seq,
      ts: new Date(Date.now()).toISOString(),
      sender,
      media: [{ type: 0, content: { co: text } }],
      id: '',
    };
    this.messages.set(conv, [...list, last]);
    const before = this.conversations.get(conv);
    this.conversations.set(conv, {
      conv,
      name: conv.slice(2),
      avatar: '',
      read_seq: 0,
      peer_read_seq: 0,
      mentioned: false,
      muted: false,
      pinned: false,
      ...before,
      last,
      last_seq: seq,
      unread: (before?.unread ?? 0) + (sender === 'alice' ? 0 : 1),
    });
    return seq;
  }

  /** Puts other media into a message of the history, as its author may. */
  edit(conv: string, seq: number, media: WireMessage['media']): WireMessage | undefined {
    const edited_at = new Date(Date.now()).toISOString();
    const list = this.messages.get(conv)?.map((m) => (m.seq === seq ? { ...m, media, edited_at } : m)) ?? [];
    this.messages.set(conv, list);
    return list.find((m) => m.seq === seq);
  }

  /** Delivers a message to alice over MQTT; returns the packet id. o: other mentions and times. */
  deliver(conv: string, sender: string, text: string, o: { seq?: number; ts?: number; at?: string[] } = {}): number {
    const seq = o.seq ?? this.say(conv, sender, text);
    const group = conv.startsWith('g:');
    const ts = Math.floor((o.ts ?? Date.now()) / 1000);
    const media = [medium(0, { co: text, ...(o.at && { at: o.at }) })];
    const payload = encodeIM({ ts, type: group ? imGroup : imPair, media, sender });
    const to = group ? `g/${conv.slice(2)}` : `u/${sender === 'alice' ? conv.slice(2) : 'alice'}`;
    return this.publish(`/e/demo/im/${to}`, payload, seq);
  }

  notice(type: number, content?: object, to = 'u/alice', seq = this.packetId + 1): number {
    const bytes = content ? new TextEncoder().encode(JSON.stringify(content)) : new Uint8Array();
    const payload = encodeNotice({ ts: Math.floor(Date.now() / 1000), type, content: bytes });
    return this.publish(`/e/demo/notice/${to}`, payload, seq);
  }

  publish(topic: string, payload: Uint8Array, seq: number): number {
    const id = ++this.packetId;
    this.socket.publish({ topic, payload, qos: 1, id, properties: { user: [['seq', String(seq)]] } });
    return id;
  }

  /** The paths that were asked for since the last call. */
  asked(): string[] {
    return this.calls.splice(0);
  }

  private async fetch(href: string, init: RequestInit): Promise<Response> {
    const url = new URL(href);
    const path = decodeURIComponent(url.pathname.replace('/api/v1', ''));
    if (this.offline) throw new TypeError('Failed to fetch');
    if (path === '/about') return Response.json({ name: 'Magpie', version: this.version, demo: true, setup: false });
    if (this.refuses) return Response.json({ detail: this.refuses }, { status: 401 });
    const query = url.searchParams;
    const limit = Number(query.get('limit') ?? 50);
    for (const uninteresting of ['limit', 'cursor']) query.delete(uninteresting);
    const body = (init.body && init.method === 'PUT') || init.method === 'PATCH' ? ` ${init.body}` : '';
    this.calls.push(`${init.method} ${path}${query.size ? `?${query}` : ''}${body}`);
    const sent = (init.headers as Record<string, string>).Authorization;
    if (path === '/auth/exchange') {
      const { app, token } = JSON.parse(String(init.body));
      this.exchanged.push({ app, token, ...(sent && { sent }) });
      const refusal = this.refusesToken(token, sent);
      if (refusal) return Response.json({ detail: refusal.type, ...refusal }, { status: refusal.status });
      await this.slow('exchange');
      this.uid = token.split(' ')[0];
    }
    if (['/auth/login', '/auth/refresh', '/auth/exchange'].includes(path)) {
      return Response.json({
        access_token: this.token,
        expires_in: 900,
        user: { uid: this.uid, name: 'Alice', avatar: '', role: 'member' },
        org: { eid: 'demo', name: 'Demo', ...this.allows },
        mqtt: { url: 'ws://test/mqtt', client_id: this.clientId, username: 'demo/alice' },
      });
    }
    const { Authorization } = init.headers as Record<string, string>;
    if (Authorization !== `Bearer ${this.token}`) return Response.json({ detail: 'Expired.' }, { status: 401 });
    if (path === '/conversations') return Response.json({ items: [...this.conversations.values()], next: null });
    const [, reading = ''] = /^\/conversations\/([^/]+)\/read$/.exec(path) ?? [];
    const known = this.conversations.get(reading);
    if (reading && this.refusesRead) return Response.json({}, { status: this.refusesRead });
    if (known) {
      const { seq } = JSON.parse(String(init.body));
      this.conversations.set(reading, { ...known, read_seq: Math.max(known.read_seq, seq) });
    }
    const [, place = '', number] = /^\/conversations\/([^/]+)\/messages\/(\d+)$/.exec(path) ?? [];
    if (number && init.method === 'PATCH') {
      await this.slow(`PATCH ${number}`);
      const { refusesEdit: refusal } = this;
      if (refusal) return Response.json({ detail: refusal.type, ...refusal }, { status: refusal.status });
      return Response.json(this.edit(place, Number(number), JSON.parse(String(init.body)).media));
    }
    const [, conv = '', messages] = /^\/conversations\/([^/]+)(\/messages)?$/.exec(path) ?? [];
    if (messages) {
      const [after, before] = [Number(query.get('after') ?? 0), Number(query.get('before') ?? 0)];
      const all = (this.messages.get(conv) ?? []).filter((m) => m.seq > after && (before === 0 || m.seq < before));
      const items = after > 0 ? all.slice(0, limit) : all.slice(-limit);
      await this.slow(`${query}`);
      return Response.json({ items, next: null, notices: this.notices.get(conv) ?? [] });
    }
    if (conv) {
      const c = this.conversations.get(conv);
      return c
        ? Response.json(c)
        : new Response('{}', { status: 404, headers: { 'Content-Type': 'application/json' } });
    }
    if (init.method !== 'GET') return new Response(null, { status: 204 });
    return Response.json({ items: [], next: null });
  }
}
