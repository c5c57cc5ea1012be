// How much room files take, and how much there is.

import { useEffect, useState } from 'preact/hooks';
import type { OrgStorageUse, StorageUse } from '../../core';
import { bytes, format } from '../../ui/format';
import { t } from '../../ui/prefs';
import { useCore } from '../context';

export function StorageSettings() {
  const core = useCore();
  const text = t.value.media;
  const [mine, setMine] = useState<StorageUse>();
  const [org, setOrg] = useState<OrgStorageUse>();
  const role = core.account.value.me?.role;
  const manages = role === 'admin' || role === 'system';
  useEffect(() => {
    // Without an answer there is nothing to show: it is no more than information.
    core.media.storage().then(setMine, () => {});
    if (manages) core.media.orgStorage().then(setOrg, () => {});
  }, [core, manages]);
  if (!mine) return null;
  const number = format.value.number;
  return (
    <section class="card storage">
      <h2>{text.storage}</h2>
      <p>{mine.quota > 0 ? text.storageOf(bytes(mine.used), bytes(mine.quota)) : text.storageUsed(bytes(mine.used))}</p>
      <Bar used={mine.used} quota={mine.quota} label={text.storage} />
      {mine.file_limit > 0 && <p class="row-sub">{text.storageLimit(bytes(mine.file_limit))}</p>}
      {org && (
        <>
          <h3>{text.orgStorage}</h3>
          <p>
            {org.quota > 0
              ? text.orgOf(bytes(org.used), bytes(org.quota), number.format(org.files))
              : text.orgUsed(bytes(org.used), number.format(org.files))}
          </p>
          <Bar used={org.used} quota={org.quota} label={text.orgStorage} />
          <ul class="storage-users">
            {org.users
              .filter((u) => u.used > 0)
              .map((u) => (
                <li key={u.uid}>
                  <bdi class="ellipsis">{u.name}</bdi>
                  <span>{bytes(u.used)}</span>
                </li>
              ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Bar({ used, quota, label }: { used: number; quota: number; label: string }) {
  return quota > 0 ? (
    <meter class="storage-bar" min={0} max={quota} high={quota * 0.9} value={used} aria-label={label} />
  ) : null;
}
