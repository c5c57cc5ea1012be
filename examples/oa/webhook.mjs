// What Magpie tells this system: signed requests, of which each may come more than once.

import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds that a request may be old, or our clock behind. */
const tolerance = 300;
/** Events that the page shows, and ids that are recognised when they come again. */
const kept = { events: 50, ids: 1000 };

/**
 * Whether a request comes from Magpie and is not an old one that somebody sends again.
 *
 * @param {{ secret: string, timestamp: string, signature: string, body: Buffer, now?: number }} request
 *   timestamp and signature as their headers stand; body as it came, not parsed; now in ms since 1970
 */
export function isGenuine({ secret, timestamp, signature, body, now = Date.now() }) {
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now / 1000 - Number(timestamp)) > tolerance) return false;
  const mac = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
  const wanted = Buffer.from(`v1=${mac}`);
  const given = Buffer.from(signature);
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

/** The newest events, the newest first, and those who watch. */
export class Events {
  /** @type {{ id: string, event: string, at: string, data: unknown }[]} */
  newest = [];
  /** @type {Set<string>} */
  #ids = new Set();
  /** @type {Set<(event: { id: string }) => void>} */
  #watchers = new Set();

  /** Takes an event, unless it has come before. @param {{ id: string, event: string, at: string, data: unknown }} event */
  add(event) {
    if (this.#ids.has(event.id)) return;
    this.#ids.add(event.id);
    if (this.#ids.size > kept.ids) this.#ids.delete(this.#ids.values().next().value ?? '');
    this.newest = [event, ...this.newest].slice(0, kept.events);
    for (const tell of this.#watchers) tell(event);
  }

  /** Tells what has come since an event, and then what comes. @param {string} id @param {(event: { id: string }) => void} tell */
  watch(id, tell) {
    const seen = this.newest.findIndex((one) => one.id === id);
    for (const event of this.newest.slice(0, seen < 0 ? undefined : seen).reverse()) tell(event);
    this.#watchers.add(tell);
    return () => this.#watchers.delete(tell);
  }
}
