// The client of Magpie without a DOM: sign-in, MQTT, a copy of the conversations in the browser, a queue of what is not yet sent.

import { App } from './app';
import type { Core, CoreOptions } from './types';

export type * from './media/types';
export { Problem } from './problem';
export type * from './types';

export function createCore(o: CoreOptions): Core {
  return new App(o);
}
