import type { ComponentChildren } from 'preact';
import { LanguageChoice } from './choices';
import { Logo } from './logo';

interface GateProps {
  title: string;
  name?: string | undefined;
  children: ComponentChildren;
}

/** The page in front of the app: signing in, setting up, a link that sets a password. */
export function Gate({ title, name, children }: GateProps) {
  return (
    <main class="gate">
      <div class="gate-card">
        <header class="gate-head">
          <Logo class="gate-logo" />
          <h1>{title}</h1>
          {name && <bdi class="row-sub">{name}</bdi>}
        </header>
        {children}
      </div>
      <LanguageChoice />
    </main>
  );
}
