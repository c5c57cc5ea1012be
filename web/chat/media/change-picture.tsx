// A picture of oneself or of a group: choose another one, or none.

import { useRef } from 'preact/hooks';
import { t } from '../../ui/prefs';
import { attempt } from '../../ui/toast';
import { withPart } from './lazy';

interface ChangePictureProps {
  /** There is one that can be removed. */
  has: boolean;
  /** Sets the link of the picture, or none. Rejects with Problem. */
  set(link: string): Promise<void>;
}

export function ChangePicture({ has, set }: ChangePictureProps) {
  const text = t.value.media;
  const input = useRef<HTMLInputElement>(null);
  return (
    <span class="change-picture">
      <input
        ref={input}
        type="file"
        hidden
        accept="image/*"
        onChange={(e) => {
          const file = e.currentTarget.files?.[0];
          e.currentTarget.value = '';
          if (file) withPart(import('./crop'), ({ openCrop }) => void openCrop(file, { take: set }));
        }}
      />
      <button type="button" class="button small" onClick={() => input.current?.click()}>
        {text.changePicture}
      </button>
      {has && (
        <button type="button" class="button small plain danger" onClick={() => attempt(set(''))}>
          {text.removePicture}
        </button>
      )}
    </span>
  );
}
