import { expect, test } from 'vitest';
import { gather } from './crowd';
import { Front } from './front';
import { Line } from './line';
import { Person } from './person';

const crowd = gather();

test('the second time, conversations show before the network answers', async () => {
  const line = await Line.lay(crowd.server.http);
  const context = await crowd.browser.newContext({ locale: 'en-GB' });
  try {
    const alice = await Person.at(context, line);
    await alice.signIn('alice');
    await alice.kept();
    await alice.openChat('Bob');
    await alice.write('warm: kept here');
    await alice.marked('warm: kept here', 'Sent');
    line.hold();
    const before = line.received;
    await alice.page.reload({ waitUntil: 'commit' });
    await alice.row('Bob').waitFor();
    await alice.message('warm: kept here').waitFor();
    await alice.write('warm: written meanwhile');
    await alice.marked('warm: written meanwhile', 'Waiting to be sent');
    expect(line.received).toBe(before);
    line.release();
    await alice.marked('warm: written meanwhile', 'Sent');
    expect(alice.errors).toEqual([]);
  } finally {
    await context.close();
    line.close();
  }
});

test('the second time, conversations show without the server, and all goes on when it is back', async () => {
  const alice = await crowd.enter('alice');
  await alice.kept();
  await alice.openChat('Bob');
  await alice.write('away: kept here');
  await alice.marked('away: kept here', 'Sent');
  await crowd.server.kill();
  await alice.page.reload();
  await alice.row('Bob').waitFor();
  await alice.message('away: kept here').waitFor();
  await alice.page.getByText('Reconnecting…').first().waitFor();
  await alice.write('away: written meanwhile');
  await alice.marked('away: written meanwhile', 'Waiting to be sent');
  // The list says it too.
  await alice.row('Bob').getByText('away: written meanwhile').waitFor();
  await alice.row('Bob').getByRole('img', { name: 'Waiting to be sent' }).waitFor();
  await crowd.server.restart();
  await alice.marked('away: written meanwhile', 'Sent');
  await alice.row('Bob').getByRole('img', { name: 'Sent' }).waitFor();
  await expect.poll(() => alice.page.getByText('Reconnecting…').count()).toBe(0);
});

test('a new version takes over, and a page of the old one works on', async () => {
  const front = await Front.start(crowd.server.http);
  const context = await crowd.browser.newContext({ locale: 'en-GB' });
  try {
    const alice = await Person.at(context, front);
    await alice.signIn('alice');
    await alice.kept();
    const old = await script(alice);
    // The worker of now may not have said yet which files it keeps.
    const told = alice.page.evaluate(
      (path) =>
        new Promise<string[]>((resolve) => {
          navigator.serviceWorker.addEventListener('message', ({ data }) => {
            if (!data.shell.includes(path)) resolve(data.shell);
          });
        }),
      old,
    );
    front.upgraded = true;
    front.cut(); // with the next connection it looks for a new version
    expect(await told).toContain('/assets/chat-thenext.js');
    // The server has them no more, but the page may want them yet.
    expect(await alice.page.evaluate(async (path) => (await fetch(path)).status, old)).toBe(200);
    await alice.openChat('Bob');
    await alice.write('upgrade: sent from the old page');
    await alice.marked('upgrade: sent from the old page', 'Sent');
    await alice.page.reload();
    await alice.marked('upgrade: sent from the old page', 'Sent');
    expect(await script(alice)).toBe('/assets/chat-thenext.js');
    expect(alice.errors).toEqual([]);
  } finally {
    await context.close();
    front.stop();
  }
});

/** The path of the page's script. */
function script(one: Person): Promise<string> {
  return one.page.evaluate(
    () => new URL((document.querySelector('script[type=module]') as HTMLScriptElement).src).pathname,
  );
}
