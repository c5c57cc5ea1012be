import type { ComponentChildren } from 'preact';
import { Logo } from '../ui/logo';
import { t } from '../ui/prefs';
import { follow, href } from './route';

/** A pane with nothing in it yet: what could be there, and how to get there. */
export function Nothing({ title, hint, children }: { title: string; hint: string; children?: ComponentChildren }) {
  return (
    <div class="empty blank">
      <Logo class="blank-logo" />
      <strong>{title}</strong>
      <span>{hint}</span>
      {children}
    </div>
  );
}

/** An address that leads nowhere, or to what one may not see. */
export function Lost({ what }: { what: 'page' | 'chat' | 'person' }) {
  const text = t.value.lost;
  const people = what === 'person';
  return (
    <Nothing title={text[what]} hint={text.hint}>
      <a class="button primary" href={people ? href.people : href.chats} onClick={follow}>
        {people ? t.value.nav.people : t.value.nav.chats}
      </a>
    </Nothing>
  );
}
