// Who can sign in here. A real system has them in its database; this one has a few, with one password.

import { createHash, timingSafeEqual } from 'node:crypto';

/** Their uids are those that they have in Magpie. Olga is not there yet: Magpie adds her when she opens the chat. */
const people = [
  { uid: 'alice', name: 'Alice Moreau', departments: ['Operations'] },
  { uid: 'bob', name: 'Bob Tanaka', departments: ['Engineering'] },
  { uid: 'carol', name: 'Carol Nwosu', departments: ['Design'] },
  { uid: 'olga', name: 'Olga Petrova', departments: ['Reception'] },
];

/** @param {string} text */
const digest = (text) => createHash('sha256').update(text).digest();

/** @param {string} password */
export function directory(password) {
  return {
    people,
    /** Whoever has this name and password, or undefined. @param {string} uid @param {string} given */
    signIn(uid, given) {
      // Compared before the name is looked at, so that the time says nothing about who is here.
      const right = timingSafeEqual(digest(given), digest(password));
      return right ? people.find((one) => one.uid === uid) : undefined;
    },
  };
}
