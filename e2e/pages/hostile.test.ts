// What people and programs may send to disturb or to deceive: it is shown harmlessly, and the layout stands.

import { connectAsync } from 'mqtt';
import { describe, expect, test } from 'vitest';
import { encodeIM, medium } from '../../web/core/payload/im';
import { gather } from './crowd';
import type { Person } from './person';

const crowd = gather('--limit-publish-rate', '0');

/** Each would call `sentinel`, or spill out of its place, were it not taken for what it is: words. */
const texts: Record<string, string> = {
  'an image': '<img src=x onerror="sentinel()">',
  'a script': '<script>sentinel()</script><svg onload=sentinel()><iframe srcdoc="<script>parent.sentinel()</script>">',
  'an attribute': '" onmouseover="sentinel()" x="\' onfocus=\'sentinel()\' autofocus tabindex=1 ',
  'an address that is a script':
    'javascript:sentinel() JaVaScRiPt:sentinel() [x](javascript:sentinel()) <javascript:sentinel()>',
  'an address of data': 'data:text/html,<script>opener.sentinel()</script> vbscript:sentinel() blob:sentinel',
  'a link with an attribute': 'https://example.org/"onmouseover="sentinel()//javascript:sentinel()',
  'a link with a name': 'https://example.org:443@evil.example/ https://user:secret@evil.example',
  'overrides of direction': '\u202egnp.exe\u202c \u2066\u2067\u2068 (txet) \u202d\u202e never closed',
  'a thousand isolates': `${'\u2067'.repeat(1000)}lost${'\u202e'.repeat(1000)}`,
  'no width at all': '\u200b\u200c\u200d\u2060\ufeff'.repeat(1500),
  'a tower of marks': `Z${'\u0300\u0301\u0489\u20dd\u0e47'.repeat(1500)}algo`,
  'a word of 10,000 letters': 'W'.repeat(10_000),
  'a link of 10,000 letters': `https://example.org/${'a'.repeat(10_000)}`,
  'a mention that never ends': `@${'o'.repeat(9000)}`,
  'code that never ends': `\`\`\`\n${'x'.repeat(12_000)}`,
  'marks without an end': '**__~~`'.repeat(2000),
  'quotes in quotes': '> '.repeat(8000),
  // Not more: Chromium itself takes minutes to put thousands of lines into a text box at once.
  'empty lines': `${'\n'.repeat(400)}the end`,
  'emoji joined to families': '👨‍👩‍👧‍👦🏳️‍🌈👩🏽‍🚀🇨🇳'.repeat(250),
  'a chain that joins nothing': '👩‍'.repeat(3000),
  'wide signs': '﷽'.repeat(800) + '𒐫'.repeat(800) + '꧅'.repeat(800),
  'upright stacks': 'ཧྐྵྨླྺྼྻྂ'.repeat(300),
};

/** Names of at most 64 characters that the server takes. */
const names: Record<string, string> = {
  html: '<img src=x onerror=sentinel()><script>sentinel()</script>',
  long: 'W'.repeat(64),
  tower: `Z${'\u0300'.repeat(60)}`,
  unseen: `Plan${'\u200b'.repeat(50)}B`,
  wide: '﷽'.repeat(64),
  emoji: '👨‍👩‍👧‍👦'.repeat(9),
  chinese: '一个非常非常长的名字'.repeat(6),
};

/** Counts what hostile texts would run, and whom the page asks for something. */
async function guarded(uid: string, width = 1440): Promise<Person & { harm(): Promise<unknown[]> }> {
  const one = await crowd.open({ viewport: { width, height: 900 } });
  const harm: unknown[] = [];
  await one.page.exposeFunction('sentinel', () => harm.push('something ran'));
  one.page.on('dialog', (d) => harm.push(d.message()));
  one.page.on('popup', (p) => harm.push(p.url()));
  one.page.on('request', (r) => {
    if (!r.url().startsWith(crowd.server.http) && !/^(blob|data):/.test(r.url())) harm.push(r.url());
  });
  await one.signIn(uid);
  return Object.assign(one, {
    harm: async () => {
      const made = one.page.locator('.message, .row, .bar-title, .announcement-strip, .profile');
      harm.push(...(await made.locator('script, iframe, object, embed, img[src="x"], svg[onload]').allTextContents()));
      const links = await one.page.locator('a').evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).protocol));
      harm.push(...links.filter((p) => !['http:', 'https:', 'mailto:'].includes(p)));
      return harm;
    },
  });
}

/** What is wrong with the layout: wider than its place, too high, or over its neighbour. */
function spills(one: Person): Promise<string[]> {
  return one.page.evaluate(() => {
    const wrong: string[] = [];
    const root = document.documentElement;
    if (root.scrollWidth > innerWidth) wrong.push(`the page is ${root.scrollWidth} of ${innerWidth} wide`);
    for (const el of document.querySelectorAll('.timeline, .pane-scroll, .pane-bar, .announcement-strip, .composer'))
      if (el.scrollWidth > el.clientWidth) wrong.push(`${el.className} is ${el.scrollWidth} of ${el.clientWidth} wide`);
    for (const [rows, most] of [
      ['.timeline .rows > li', 720],
      ['.conversation', 90],
      ['.members .member, .member', 90],
    ] as const) {
      let before: DOMRect | undefined;
      for (const el of document.querySelectorAll(rows)) {
        const box = el.getBoundingClientRect();
        const name = el.textContent?.slice(0, 20);
        if (box.height > most) wrong.push(`${name} is ${box.height} high`);
        if (before && box.top < before.bottom - 1 && box.bottom > before.top + 1 && box.left < before.right)
          wrong.push(`${name} lies over the one before it`);
        before = box;
      }
    }
    for (const el of document.querySelectorAll('.bubble')) {
      const box = el.getBoundingClientRect();
      const place = el.closest('.timeline')?.getBoundingClientRect();
      if (place && (box.left < place.left - 1 || box.right > place.right + 1))
        wrong.push('a bubble is wider than its place');
    }
    for (const el of document.querySelectorAll('.text, .row-name, .bar-title, .preview'))
      if (/\p{M}{6}/u.test(el.textContent ?? ''))
        wrong.push(`marks are piled up in ${el.parentElement?.className} ${el.className}`);
    return wrong;
  });
}

describe('messages', () => {
  test('from a program, by MQTT', async () => {
    const alice = await guarded('alice');
    const { mqtt, access_token } = await crowd.server.login('bob', 'service');
    const raw = await connectAsync(crowd.server.tcp, {
      protocolVersion: 5,
      clientId: mqtt.client_id,
      username: mqtt.username,
      password: access_token,
    });
    const say = (...media: { type: number; content: Record<string, unknown> }[]) =>
      raw.publishAsync(
        '/e/demo/im/u/alice',
        Buffer.from(encodeIM({ ts: 0, type: 1, media: media.map((m) => medium(m.type, m.content)), sender: 'bob' })),
        { qos: 1 },
      );
    for (const co of Object.values(texts)) await say({ type: 0, content: { co } });
    // What the protocol does not mean, either; some of it the server refuses.
    const odd = (m: Parameters<typeof say>[0]) => say(m).catch((e) => expect(String(e)).toContain('Payload format'));
    await odd({ type: 99, content: { co: '<img src=x onerror=sentinel()>', fn: texts['a word of 10,000 letters'] } });
    await odd({ type: 0, content: { co: { toString: 'sentinel()' } } });
    await odd({ type: 0, content: { co: 'mentions', at: ['<b>', 7, null, '*'], re: 'javascript:sentinel()' } });
    await say({ type: 0, content: { co: 'after all of that' } });
    await alice.openChat('Bob');
    for (const width of [1440, 390]) {
      await alice.page.setViewportSize({ width, height: 900 });
      if (width === 390) await alice.page.reload();
      await alice.message('after all of that').waitFor();
      await expect
        .poll(() => alice.page.locator('.message:not(.own)').count())
        .toBeGreaterThan(Object.keys(texts).length);
      await expect.poll(() => spills(alice)).toEqual([]);
    }
    expect(await alice.harm()).toEqual([]);
    await alice.write('and still it goes on');
    await alice.marked('and still it goes on', 'Sent');
    await raw.endAsync();
  });

  test('from a page', async () => {
    const alice = await guarded('alice');
    const carol = await guarded('carol', 390);
    await alice.openChat('Carol');
    await carol.openChat('Alice');
    for (const co of Object.values(texts)) await alice.write(co);
    await alice.write('after all of that');
    for (const one of [alice, carol]) {
      await one.message('after all of that').waitFor();
      await expect.poll(() => spills(one)).toEqual([]);
      expect(await one.harm()).toEqual([]);
    }
    // What stands in the composer and in the list as a draft is no better.
    await alice.composer.fill(`${texts['a word of 10,000 letters']}\n${texts['an image']}`);
    await alice.openChat('Bob');
    await alice.row('Carol').getByText('Draft:').waitFor();
    await expect.poll(() => spills(alice)).toEqual([]);
    expect(await alice.harm()).toEqual([]);
  });
});

describe('names', () => {
  test('of groups, announcements and presence', async () => {
    const { access_token } = await crowd.server.login('bob', 'service');
    await crowd.enter('bob'); // what one says of oneself shows while one is there
    const groups: string[] = [];
    for (const name of Object.values(names)) {
      const { gid } = await crowd.server.call<{ gid: string }>('POST', '/groups', access_token, {
        name,
        members: ['alice'],
      });
      await crowd.server.call('PATCH', `/groups/${gid}`, access_token, {
        announcement: `${texts['an image']} ${'W'.repeat(1500)} javascript:sentinel() ${'\u0300'.repeat(100)}`,
      });
      groups.push(gid);
    }
    await crowd.server.call('PUT', '/me/presence', access_token, {
      status: 'custom',
      text: '<img src=x onerror=sentinel()> WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW',
    });
    for (const width of [1440, 390]) {
      const alice = await guarded('alice', width);
      for (const gid of groups) {
        const row = alice.page.locator(`[data-conv="g:${gid}"]`);
        await row.waitFor();
        await expect.poll(() => spills(alice)).toEqual([]);
        await row.click();
        await alice.page.locator('.announcement-strip').waitFor();
        await expect.poll(() => spills(alice)).toEqual([]);
        await alice.page.getByRole('button', { name: 'Details' }).click();
        await alice.page.locator('.member').first().waitFor();
        await expect.poll(() => spills(alice)).toEqual([]);
        await alice.page.goto(crowd.server.http);
      }
      await alice.page.goto(`${crowd.server.http}/people/bob`);
      await alice.page.locator('.profile').getByText('<img src=x').waitFor();
      await expect.poll(() => spills(alice)).toEqual([]);
      expect(await alice.harm()).toEqual([]);
      await alice.close();
    }
  });

  test.each([
    ['a sign of no width', 'Ali\u200bce Moreau'],
    ['a letter of another script', '\u0410lice Moreau'],
    ['a joiner at the end', 'Alice Moreau\u200d'],
  ])('that imitate another’s show whose they are: %s', async (_, name) => {
    const { access_token } = await crowd.server.login('dave', 'service');
    await crowd.server.call('PATCH', '/me', access_token, { name });
    const { gid } = await crowd.server.call<{ gid: string }>('POST', '/groups', access_token, {
      name: `Group of ${escape(name)}`,
      members: ['bob', 'alice'],
    });
    await crowd.server.call('POST', `/conversations/g:${gid}/messages`, access_token, {
      media: [{ type: 0, content: { co: 'I am Alice' } }],
    });
    const bob = await guarded('bob');
    await bob.page.locator(`[data-conv="g:${gid}"]`).click();
    await bob.message('I am Alice').waitFor();
    await expect.poll(() => bob.message('I am Alice').locator('.sender').textContent()).toContain('dave');
    await bob.page.getByRole('button', { name: 'Details' }).click();
    await bob.page.locator('.member', { hasText: 'dave' }).waitFor();
    await bob.page.locator('.member .twin', { hasText: 'alice' }).waitFor();
    expect(await bob.harm()).toEqual([]);
  });
});
