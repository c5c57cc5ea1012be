// What stays on the device of somebody who has left, and what goes.

import type { KeptAccount } from './api/shapes';
import { forgetAccount, forgetLeft, isSame, ownerOf, readDevice } from './db/device';
import { Session } from './session/session';

/** 'unsent': what the server does not have stays, for when the same person comes back. */
export type Keep = 'all' | 'unsent' | 'nothing';

/** The device remembers an account no longer. */
export async function forget(s: Session, a: KeptAccount, keep: Keep): Promise<void> {
  const now = (await readDevice()).account;
  const replaced = now && !isSame(ownerOf(now), ownerOf(a));
  const left = await s.clean(replaced && keep === 'unsent' ? 'nothing' : keep);
  await forgetAccount(a, keep === 'all' ? {} : { left });
}

/** What somebody else has left here unsent goes when this one signs in. */
export async function wipeOthers(a: KeptAccount): Promise<void> {
  const { left = [] } = await readDevice();
  if (left.length === 0) return;
  await Promise.all(left.filter((one) => !isSame(one, ownerOf(a))).map(({ eid, uid }) => Session.wipe(eid, uid)));
  await forgetLeft();
}
