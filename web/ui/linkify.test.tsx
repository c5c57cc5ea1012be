import type { VNode } from 'preact';
import { describe, expect, test } from 'vitest';
import { address, hiddenHost, linkify } from './linkify';

/** The links that a text gets, as [what is shown, where it leads]. */
function links(text: string): [string, string][] {
  const parts = linkify(text);
  if (typeof parts === 'string') return [];
  return (parts as (string | VNode<{ href: string; children: string }>)[])
    .filter((part) => typeof part !== 'string')
    .map((a) => [a.props.children, a.props.href]);
}

/** What is read: it must be the text itself, whatever became of it. */
function shown(text: string): string {
  const parts = linkify(text);
  if (typeof parts === 'string') return parts;
  return (parts as (string | VNode<{ children: string }>)[])
    .map((part) => (typeof part === 'string' ? part : part.props.children))
    .join('');
}

describe('links', () => {
  test.each([
    ['see https://example.org.', 'https://example.org', 'https://example.org/'],
    ['(https://example.org/a_(b))', 'https://example.org/a_(b)', 'https://example.org/a_(b)'],
    ['www.example.org/x?y=1&z=2#f, then', 'www.example.org/x?y=1&z=2#f', 'https://www.example.org/x?y=1&z=2#f'],
    ['请看https://example.org/文档，谢谢', 'https://example.org/文档', 'https://example.org/%E6%96%87%E6%A1%A3'],
    ['HTTP://EXAMPLE.ORG/A', 'HTTP://EXAMPLE.ORG/A', 'http://example.org/A'],
    ['http://localhost:8080/', 'http://localhost:8080/', 'http://localhost:8080/'],
    ['write to ada@example.org!', 'ada@example.org', 'mailto:ada@example.org'],
  ])('%s', (text, what, where) => {
    expect(links(text)).toEqual([[what, where]]);
    expect(shown(text)).toBe(text);
  });

  test.each([
    'javascript:alert(1)',
    'data:text/html,<b>',
    'vbscript:x',
    'file:///etc/passwd',
    'https://',
    'http://[',
    '//example.org',
    '<a href="x">y</a>',
    'a@b',
  ])('%s is none', (text) => {
    expect(links(text)).toEqual([]);
    expect(shown(text)).toBe(text);
  });

  test('an address ends where the direction of the text is turned round', () => {
    expect(links('https://example.org/\u202egnp.exe')).toEqual([['https://example.org/', 'https://example.org/']]);
  });

  test.each([
    ['https://аpple.com', 'xn--pple-43d.com'], // а is Cyrillic
    ['https://аррӏе.com/login', 'xn--80ak6aa92e.com'], // all of it is
    ['https://www.gοοgle.com', 'www.xn--ggle-0nda.com'], // ο is Greek
    ['https://ɡithub.com', 'xn--ithub-qmc.com'],
    ['https://ｅxample.org', 'example.org'], // full width
    ['https://example.org@evil.example/', 'evil.example'],
    ['https://example.org\\@evil.example', undefined], // a path of example.org
    ['https://example.org', undefined],
    ['HTTP://EXAMPLE.ORG/A', undefined],
    ['www.example.org', undefined],
    ['http://localhost:8080/', undefined],
    ['https://例子.中国/文档', undefined],
    ['https://münchen.de', undefined],
    ['https://пример.рф', undefined],
    ['ada@example.org', undefined],
  ])('%s is shown with %s', (text, host) => {
    expect(hiddenHost(text, address(text) ?? '')).toBe(host);
  });

  test('several stand side by side', () => {
    expect(links('https://a.example https://b.example').map(([what]) => what)).toEqual([
      'https://a.example',
      'https://b.example',
    ]);
  });

  test('16,384 characters of anything are read in one go', () => {
    for (const piece of ['https://', 'a@', 'www.', '(((', 'a.b@c.', 'ё']) {
      const text = piece.repeat(Math.ceil(16384 / piece.length));
      expect(shown(text)).toBe(text);
    }
  });

  test('only the web and mail are addresses', () => {
    expect(address('ftp://example.org')).toBeUndefined();
    expect(address('https://nodots')).toBeUndefined();
  });
});
