import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { element, languages, policy, server, tag } from './snippets';

const filled = { app: 'oa-prod', org: 'acme', base: 'https://im.example' };

describe('what one copies from the administration', () => {
  test('names the app, the organisation and the address', () => {
    expect(tag(filled)).toContain('src="https://im.example/embed/v1/loader.js"');
    expect(tag(filled)).toContain('data-app="oa-prod"');
    expect(element(filled)).toContain('data-launcher="off"></script>');
    expect(policy(filled)).toBe('script-src https://im.example; frame-src https://im.example');
    for (const [language] of languages) {
      const code = server(language, filled);
      for (const one of ['oa-prod', 'acme', 'MAGPIE_SECRET']) expect(code, language).toContain(one);
      expect(code, language).not.toMatch(/\bAPP\b|\bORG\b/);
    }
  });

  test('signs a token for two minutes, each with an id of its own', async () => {
    process.env.MAGPIE_SECRET = 'the secret';
    const source = Buffer.from(server('node', filled)).toString('base64');
    const { imToken } = await import(/* @vite-ignore */ `data:text/javascript;base64,${source}`);
    const [one, other] = [imToken({ id: 'ann', name: '李安' }), imToken({ id: 'ann', name: '李安' })];
    const [head, body, signature] = one.split('.');
    expect(signature).toBe(createHmac('sha256', 'the secret').update(`${head}.${body}`).digest('base64url'));
    const read = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const claims = read(one);
    expect(claims).toMatchObject({ iss: 'oa-prod', aud: 'magpie', org: 'acme', sub: 'ann', name: '李安' });
    expect(claims.exp - claims.iat).toBe(120);
    expect(claims.jti).not.toBe(read(other).jti);
  });
});
