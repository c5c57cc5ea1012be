// Whether a picture has come, and whether it may still.

import { useEffect, useState } from 'preact/hooks';
import { statusOf } from '../../ui/problem';
import { useSource } from '../../ui/source';
import { useCore } from '../context';

/** away: it can't be had now, as without a network; gone: the server has it no more, or it can't be read. */
export type Loading = 'coming' | 'here' | 'away' | 'gone';

/** ms after which a picture that could not be had is asked for again while the connection stands. */
const again = 30_000;
/** The same where the server has it after all: the login was renewed between the two questions, say. */
const soon = 1000;

/** How far the picture of an address is, and what its element reports. The element stands while it is coming or here. */
export function useLoading(path: string) {
  const core = useCore();
  const online = core.connection.value.state === 'online';
  const [state, setState] = useState<Loading>('coming');
  const [pause, setPause] = useState(again);
  useEffect(() => {
    if (online) setState((s) => (s === 'away' ? 'coming' : s));
  }, [online]);
  useEffect(() => {
    if (state !== 'away' || !online) return;
    const timer = setTimeout(() => setState('coming'), pause);
    return () => clearTimeout(timer);
  }, [state, online, pause]);
  const { src, failure } = useSource(state === 'coming' || state === 'here' ? path : '');
  useEffect(() => {
    if (failure) setState(isPassing(statusOf(failure)) ? 'away' : 'gone');
  }, [failure]);
  return {
    state,
    /** What the element is to load; empty until that is known. */
    src,
    onLoad: () => setState('here'),
    // An element doesn't say why it failed.
    onError: async () => {
      const status = await statusAt(src);
      const there = status > 0 && status < 400;
      setPause(there ? soon : again);
      // A picture that the server has and that fails a second time can't be read.
      setState(isPassing(status) || (there && pause !== soon) ? 'away' : 'gone');
    },
  };
}

/** What the server says to the address of a picture; 0: nothing. */
async function statusAt(src: string): Promise<number> {
  if (src.startsWith('blob:')) return 410;
  try {
    return (await fetch(src, { method: 'HEAD' })).status;
  } catch {
    return 0;
  }
}

/** 401: the media cookie has ended, and the login is about to be renewed. */
function isPassing(status: number): boolean {
  return status === 0 || status >= 500 || status === 429 || status === 401;
}
