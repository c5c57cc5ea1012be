// The settings, all from the environment. README.md lists them.

/** @param {NodeJS.ProcessEnv} env */
export function settingsOf(env) {
  const magpie = new URL(env.MAGPIE_URL ?? 'http://localhost:8080').origin;
  const port = Number(env.OA_PORT ?? 8090);
  const host = env.OA_HOST ?? '127.0.0.1';
  if (!env.MAGPIE_SECRET) throw new Error('MAGPIE_SECRET is missing: make a signing key of the app at /admin/apps.');
  return {
    host,
    port,
    /** Where browsers find this system; known once it listens, where the port is 0. */
    origin: env.OA_ORIGIN ?? '',
    password: env.OA_PASSWORD ?? 'oa-demo',
    magpie,
    app: env.MAGPIE_APP ?? 'oa-demo',
    org: env.MAGPIE_ORG ?? 'demo',
    secret: env.MAGPIE_SECRET,
    keyId: env.MAGPIE_KEY_ID ?? '',
    /** The group that belongs to the project. */
    group: env.MAGPIE_GROUP ?? 'launch',
    /** Of an outgoing webhook of Magpie; without it there are no events. */
    webhookSecret: env.MAGPIE_WEBHOOK_SECRET ?? '',
    /** An incoming webhook of Magpie; without it nothing is posted. */
    incoming: env.MAGPIE_INCOMING_URL ?? '',
  };
}
