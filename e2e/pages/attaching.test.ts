// Ways in which files come into a message, and what must not be lost before they are sent.

import { expect, test } from 'vitest';
import { gather } from './crowd';
import { picture, plain } from './files';
import type { Person } from './person';

const crowd = gather();

const dialog = (p: Person) => p.page.locator('dialog.dialog');

/** Presses inside a dialog and lets go beside it, or the reverse. */
async function dragOut(p: Person, from: 'inside' | 'beside'): Promise<void> {
  const box = await dialog(p).first().boundingBox();
  if (!box) throw new Error('There is no dialog.');
  const inside = [box.x + box.width / 2, box.y + box.height / 2] as const;
  const beside = [5, 400] as const;
  await p.page.mouse.move(...(from === 'inside' ? inside : beside));
  await p.page.mouse.down();
  await p.page.mouse.move(...beside);
  await p.page.mouse.up();
}

/** Somebody lets go of a file over an element. True: the page keeps its place. */
function drop(p: Person, selector: string, name: string): Promise<boolean> {
  return p.page.locator(selector).evaluate((el, name) => {
    const data = new DataTransfer();
    data.items.add(new File(['some words'], name, { type: 'text/plain' }));
    const init = { bubbles: true, cancelable: true, dataTransfer: data };
    return ['dragover', 'drop'].every((kind) => !el.dispatchEvent(new DragEvent(kind, init)));
  }, name);
}

test('what is chosen and written is not lost by a slip of the mouse, by Esc, or by a file that misses', async () => {
  const room = await crowd.room('bob');
  const alice = await crowd.enter('alice');
  const bob = await crowd.enter('bob');
  await bob.openChat(room);

  // Where no conversation is open nothing takes a file, and nothing of the page goes.
  await alice.row(room).waitFor();
  expect(await drop(alice, '.main-pane', 'missed.txt')).toBe(true);
  expect(await dialog(alice).count()).toBe(0);

  await alice.openChat(room);
  expect(await drop(alice, '.list-pane', 'missed.txt')).toBe(true);
  expect(await dialog(alice).count()).toBe(0);
  await alice.page
    .locator('.composer-attach input[type=file]')
    .first()
    .setInputFiles([await picture(alice.page, 'sea.png'), plain('notes.txt', 'notes')]);
  await alice.page.locator('.offer').first().waitFor();
  const caption = alice.page.locator('.caption');
  await caption.fill('The sea, and notes');
  await dragOut(alice, 'inside');
  expect(await dialog(alice).count()).toBe(1);
  const question = alice.page.getByText('Discard these files?');
  for (const way of ['press', 'Esc', 'Esc again'] as const) {
    if (way === 'press') await dragOut(alice, 'beside');
    else await alice.page.keyboard.press('Escape');
    await question.waitFor();
    await alice.page.getByRole('button', { name: 'Cancel' }).click();
    await question.waitFor({ state: 'detached' });
  }
  expect(await caption.inputValue()).toBe('The sea, and notes');

  // A caption has what the composer has: people to mention, and emoji.
  await caption.press('End');
  await caption.pressSequentially(' for @b');
  await alice.page.getByRole('option', { name: 'Bob' }).waitFor();
  await caption.press('Enter');
  await dialog(alice).getByRole('button', { name: 'Emoji' }).click();
  const emoji = alice.page.locator('.emoji-panel:popover-open .emoji-grid button').first();
  const face = (await emoji.textContent()) ?? '';
  expect(face).not.toBe('');
  await emoji.click();
  await alice.page.keyboard.press('Escape'); // the pictures go, the dialog stays
  await alice.page.locator('.emoji-panel:popover-open').waitFor({ state: 'detached' });
  expect(await question.count()).toBe(0);
  const whole = `The sea, and notes for @Bob Tanaka ${face}`;
  await expect.poll(() => caption.inputValue()).toBe(whole);
  await alice.page.locator('dialog [type=submit]:enabled').click();
  const arrived = bob.page.locator('.message', { hasText: 'The sea, and notes' });
  await arrived.locator('.shot.here').waitFor();
  expect(await arrived.locator('.mention.me').textContent()).toBe('@Bob Tanaka');
  expect(await arrived.textContent()).toContain(face);
  await dialog(alice).waitFor({ state: 'detached' });

  // One who means it says so.
  await alice.page
    .locator('.composer-attach input[type=file]')
    .first()
    .setInputFiles([plain('draft.txt', 'draft')]);
  await alice.page.locator('.offer').waitFor();
  await alice.page.keyboard.press('Escape');
  await alice.page.getByRole('button', { name: 'Discard' }).click();
  await dialog(alice).waitFor({ state: 'detached' });

  // Another dialog: what was typed stays where a selection ends beside it, and goes by a click there.
  await alice.page.getByRole('button', { name: 'New group' }).click();
  await dialog(alice).waitFor();
  await dragOut(alice, 'inside');
  expect(await dialog(alice).count()).toBe(1);
  await dragOut(alice, 'beside');
  await dialog(alice).waitFor({ state: 'detached' });
});
