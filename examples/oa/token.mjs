// What this system says to Magpie about who is at its page: a JWT, signed with the app's secret (RFC 7519, HS256).

import { createHmac, randomUUID } from 'node:crypto';

/** Seconds for which a token is good. It is used at once, and once only; Magpie takes at most 300. */
const life = 120;

/** @param {unknown} value */
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * @param {{ app: string, org: string, secret: string, keyId?: string }} settings
 * @param {{ uid: string, name: string, departments?: string[] }} person
 * @param {number} [now] ms since 1970
 */
export function signToken({ app, org, secret, keyId }, { uid, name, departments }, now = Date.now()) {
  const iat = Math.floor(now / 1000);
  const header = { alg: 'HS256', typ: 'JWT', ...(keyId && { kid: keyId }) };
  const claims = { iss: app, aud: 'magpie', org, sub: uid, name, departments, jti: randomUUID(), iat, exp: iat + life };
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
