import { Confirm } from '../../ui/dialog';
import { format } from '../../ui/format';
import { a } from '../text';
import type { Account } from '../types';
import { PeoplePicker } from './people-picker';

interface DisableProps {
  person: Account;
  onClose(): void;
  /** successor is who takes over the person's groups, where it owns any. */
  run(successor?: string): Promise<void>;
}

/** Asks before somebody is disabled, and for who takes over the groups that it owns. */
export function Disable({ person, onClose, run }: DisableProps) {
  const text = a.value.people;
  const title = text.disableTitle(person.name);
  if (!person.owns?.length)
    return (
      <Confirm title={title} text={text.disableText} action={text.disable} danger onClose={onClose} run={() => run()} />
    );
  const names = format.value.list.format(person.owns.map(({ name }) => name));
  return (
    <PeoplePicker
      title={title}
      hint={`${text.disableText} ${text.successor(names)}`}
      action={text.disable}
      single
      without={(p) => p.uid === person.uid || p.service}
      onClose={onClose}
      run={async ([next]) => run(next?.uid)}
    />
  );
}
