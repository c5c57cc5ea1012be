import { expect, test, vi } from 'vitest';
import type { Message } from '../core';
import { forgetPerson } from '../ui/personal';
import { Over, showOver } from './media/overlay';
import { answer, answered, edit, edited } from './thread';

// What is drawn needs a page, and this none.
vi.mock('../ui/prefs', () => ({ t: { value: {} } }));
vi.mock('./media/hint', () => ({}));
vi.mock('./summary', () => ({}));

test('who signs in next answers and changes nothing that the one before had chosen', () => {
  const m = { id: 'one', seq: 7 } as Message;
  edit('u:carol', m);
  answer('u:bob', m);
  expect(answered('u:bob')).toBe(m);
  forgetPerson();
  expect(answered('u:bob')).toBeUndefined();
  expect(edited('u:carol')).toBeUndefined();
});

test('what stands over the page goes with the person who opened it', () => {
  showOver({} as NonNullable<ReturnType<typeof Over>>);
  expect(Over()).not.toBeNull();
  forgetPerson();
  expect(Over()).toBeNull();
});
