import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Connection } from '../core';
import { Dialog } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { t } from '../ui/prefs';
import { useCore } from './context';
import { framed } from './surface';

/** A connection that is back within this many ms was never worth a word. */
const patience = 1200;

function useLasting(on: boolean): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!on) return setLasting(false);
    const timer = setTimeout(() => setLasting(true), patience);
    return () => clearTimeout(timer);
  }, [on]);
  return on && lasting;
}

const connected = new Set<Connection['state']>(['online', 'idle', 'kicked', 'elsewhere', 'ended']);
let wasOnline = false;

/** The strip tells of the connection: then nothing else needs to. */
const told = signal(false);

interface ConnectionWordProps {
  otherwise: ComponentChildren;
  /** Where the list, whose heading says it too, stands beside this. */
  onPhone?: boolean;
}

/** The state of the connection in the place of a heading, so that nothing on the page moves when it comes or goes. */
export function ConnectionWord({ otherwise, onPhone }: ConnectionWordProps) {
  const { state } = useCore().connection.value;
  const down = useLasting(!connected.has(state));
  if (state === 'online') wasOnline = true;
  if (!down || told.value) return <>{otherwise}</>;
  const text = t.value.connection;
  const word = wasOnline ? text.reconnecting : text.connecting;
  if (!onPhone) return <span class="connecting">{word}</span>;
  return (
    <>
      <span class="connecting only-phone">{word}</span>
      <span class="not-phone">{otherwise}</span>
    </>
  );
}

/** What one should know about the connection, in a strip above everything. Nothing at all when all is well. */
export function StatusStrip() {
  const core = useCore();
  const { state, stalled, by } = core.connection.value;
  const online = useNavigatorOnline();
  const down = !connected.has(state);
  // From the first wait to the next connection: between two tries nothing comes and goes.
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (state === 'waiting') setFailed(true);
    else if (!down) setFailed(false);
  }, [state, down]);
  const waiting = useLasting(failed && down);
  const offline = useLasting(!online);
  useEffect(() => {
    told.value = waiting || offline;
  }, [waiting, offline]);
  const text = t.value.connection;
  if (state === 'kicked') {
    return (
      <Strip tone="warn" action={by ? text.connectAgain : text.useHere} run={() => core.reconnect()}>
        {by ? text.dismissed : text.kicked}
      </Strip>
    );
  }
  if (state === 'elsewhere') {
    return (
      <Strip tone="warn" action={text.useHere} run={() => core.useHere()}>
        {text.elsewhere}
      </Strip>
    );
  }
  if (offline) return <Strip tone="calm">{text.offline}</Strip>;
  if (waiting) {
    return (
      <Strip tone="calm" action={text.retryNow} run={() => core.reconnect()}>
        {text.reconnecting}
      </Strip>
    );
  }
  if (stalled && state === 'online') return <Strip tone="warn">{text.stalled}</Strip>;
  if (core.updated.value) {
    return (
      <Strip tone="calm" action={text.reload} run={() => location.reload()}>
        {text.updated}
      </Strip>
    );
  }
  if (core.storage.value === 'full') return <Strip tone="warn">{text.deviceFull}</Strip>;
  if (core.storage.value === 'off' && !framed) return <Strip tone="calm">{text.keepsNothing}</Strip>;
  return null;
}

interface StripProps {
  tone: 'calm' | 'warn';
  children: ComponentChildren;
  action?: string;
  run?(): void;
}

function Strip({ tone, children, action, run }: StripProps) {
  return (
    <div class={`strip ${tone}`} role="status">
      <Icon name={tone === 'warn' ? 'alert' : 'clock'} />
      <span>{children}</span>
      {action && (
        <button type="button" class="button small" onClick={run}>
          {action}
        </button>
      )}
    </div>
  );
}

/** Said in the middle of the page once, as everything behind it stands still; the strip stays after it is closed. */
export function KickedDialog() {
  const core = useCore();
  const { state, by } = core.connection.value;
  const [closed, setClosed] = useState(false);
  useEffect(() => {
    if (state !== 'kicked') setClosed(false);
  }, [state]);
  if (state !== 'kicked' || closed) return null;
  const text = t.value.connection;
  return (
    <Dialog
      title={by ? text.dismissedTitle : text.kickedTitle}
      onClose={() => setClosed(true)}
      onSubmit={() => core.reconnect()}
      footer={
        <>
          <button type="button" class="button" onClick={() => setClosed(true)}>
            {text.notNow}
          </button>
          <button type="submit" class="button primary" autofocus>
            {by ? text.connectAgain : text.useHere}
          </button>
        </>
      }
    >
      <p>{by ? text.dismissed : text.kicked}</p>
    </Dialog>
  );
}

function useNavigatorOnline(): boolean {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => setOnline(navigator.onLine);
    addEventListener('online', look);
    addEventListener('offline', look);
    return () => {
      removeEventListener('online', look);
      removeEventListener('offline', look);
    };
  }, []);
  return online;
}
