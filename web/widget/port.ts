// The panel's end of the port: taken once, from the page that frames this one, if it is one of the app's.

import { type FromPanel, greeting, type ToPanel } from './wire';

/** Calls told with each word of the loader. Words to it go by what it returns. */
export function listen(told: (m: ToPanel) => void): (m: FromPanel) => void {
  let port: MessagePort | undefined;
  const greeted = (e: MessageEvent) => {
    const [given, ...others] = e.ports;
    const { source, origin, data } = e;
    if (source !== parent || !mayFrame(origin) || data !== greeting || !given || others.length > 0) return;
    removeEventListener('message', greeted);
    port = given;
    port.onmessage = (m) => told(m.data as ToPanel);
  };
  if (parent !== self) addEventListener('message', greeted);
  return (m) => port?.postMessage(m);
}

/** The server has written the app's origins into the page. */
function mayFrame(origin: string): boolean {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="magpie-origins"]');
  return origin === location.origin || (meta?.content.split(/\s+/).includes(origin) ?? false);
}
