// The panel's end of the port: taken from the page that frames this one, if it is one of the app's. A greeting that was meant for the page
// that stood here before may come first; the newest port counts.

import { type FromPanel, greeting, type ToPanel } from './wire';

/** Calls told with each word of the loader. Words to it go by what it returns. */
export function listen(told: (m: ToPanel) => void): (m: FromPanel) => void {
  let port: MessagePort | undefined;
  const greeted = (e: MessageEvent) => {
    const [given, ...others] = e.ports;
    const { source, origin, data } = e;
    if (source !== parent || !mayFrame(origin) || data !== greeting || !given || others.length > 0) return;
    port?.close();
    port = given;
    given.onmessage = (m) => {
      if (given === port) told(m.data as ToPanel); // what is under way in one that is closed may still come
    };
  };
  if (parent !== self) addEventListener('message', greeted);
  return (m) => port?.postMessage(m);
}

/** The server has written the app's origins into the page. */
function mayFrame(origin: string): boolean {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="magpie-origins"]');
  return origin === location.origin || (meta?.content.split(/\s+/).includes(origin) ?? false);
}
