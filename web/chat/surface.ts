// What the chat is shown in: a page of its own, or a panel in another system's page.

import { signal } from '@preact/signals';
import { framed } from '../ui/remember';

/** What one does in a page of one's own is left out: settings, signing out, the administration. */
export { framed };

/** The panel shows this conversation and no other. */
export const only = signal<string | undefined>(undefined);
