import { execFileSync, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  // Java's needs a library, and so is read alone.
  const others = [
    ['go', ['version'], 'main.go', ['run', 'main.go']],
    ['python', ['--version'], 'main.py', ['main.py']],
    ['php', ['--version'], 'main.php', ['main.php']],
  ] as const;
  const whole = {
    go: (code: string) =>
      `package main\n\n${code.replace('\t"os"', '\t"fmt"\n\t"os"')}\n\nfunc main() {\n\ttoken, _ := imToken("ann", "李安")\n\tfmt.Println(token)\n}\n`,
    python: (code: string) => `${code}\nprint(im_token("ann", "李安"))\n`,
    php: (code: string) => `<?php\n${code}\necho im_token('ann', '李安');\n`,
  };
  for (const [language, version, file, args] of others) {
    const program = language === 'python' ? 'python3' : language;
    test.skipIf(spawnSync(program, version).status !== 0)(
      `${language} signs the same`,
      () => {
        const folder = mkdtempSync(join(tmpdir(), 'magpie-snippet-'));
        try {
          writeFileSync(join(folder, file), whole[language](server(language, filled)));
          const env = { ...process.env, MAGPIE_SECRET: 'the secret' };
          const token = execFileSync(program, args, { cwd: folder, env, encoding: 'utf8' }).trim();
          const [head, body = '', signature] = token.split('.');
          expect(signature).toBe(createHmac('sha256', 'the secret').update(`${head}.${body}`).digest('base64url'));
          const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
          expect(claims).toMatchObject({ iss: 'oa-prod', aud: 'magpie', org: 'acme', sub: 'ann', name: '李安' });
          expect(claims.exp - claims.iat).toBe(120);
          expect(claims.jti.length).toBeGreaterThan(10);
        } finally {
          rmSync(folder, { recursive: true });
        }
      },
      180_000,
    );
  }
});
