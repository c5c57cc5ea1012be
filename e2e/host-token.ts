// Tokens of an app, as the server of a host signs them.

import { createHmac, randomUUID } from 'node:crypto';

export const app = 'oa-demo';

/** A token for bob of the demo, or with other claims. */
export function sign(secret: string, claims: object = {}, head: object = { alg: 'HS256', typ: 'JWT' }): string {
  const now = Math.floor(Date.now() / 1000);
  const all = {
    iss: app,
    aud: 'magpie',
    org: 'demo',
    sub: 'bob',
    jti: randomUUID(),
    iat: now,
    exp: now + 120,
    ...claims,
  };
  const text = [head, all].map((one) => Buffer.from(JSON.stringify(one)).toString('base64url')).join('.');
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
