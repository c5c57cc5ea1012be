// Notifications of the system. Where there is a service worker it shows them: phones allow them to no page, and it can open a page that
// was closed meanwhile.

export interface Notice {
  title: string;
  body: string;
  /** A newer one with the same tag takes the place of the older. */
  tag: string;
  icon?: string | undefined;
  /** What a click opens: a path of the app. */
  path: string;
}

/** Shows a notification, as far as the browser allows. open is called when it is clicked and the page itself has shown it. */
export async function notify({ title, body, tag, icon, path }: Notice, open: (path: string) => void): Promise<void> {
  const options = { body, tag, silent: true, ...(icon && { icon }) };
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  try {
    const registration = await workers?.getRegistration();
    if (registration?.active) {
      await registration.showNotification(title, { ...options, data: { path } });
      return;
    }
  } catch {
    // The browser allows it to pages alone.
  }
  try {
    const one = new Notification(title, options);
    one.onclick = () => {
      focus();
      open(path);
      one.close();
    };
  } catch {
    // To nobody.
  }
}

/** Calls open when a notification of the service worker was clicked and this page was chosen to show what it is about. */
export function onNotified(open: (path: string) => void): void {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  workers?.addEventListener('message', (e) => {
    const { open: path } = e.data as { open?: unknown };
    if (typeof path === 'string') open(path);
  });
}
