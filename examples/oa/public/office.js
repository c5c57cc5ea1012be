// What the pages do beside the chat, and how they use its API. This script may come before the loader or after: calls wait in a queue.

if (!window.Magpie) {
  const queue = (...call) => queue.q.push(call);
  queue.q = [];
  window.Magpie = queue;
}

/** @param {string} id @param {string} text */
function show(id, text) {
  const place = document.getElementById(id);
  if (place) place.textContent = text;
}

function listen() {
  Magpie('on', 'unread', (count) => show('unread', String(count)));
  Magpie('on', 'ready', () => show('state', 'ready'));
  Magpie('on', 'auth-expired', () => show('state', 'signed out here'));
  Magpie('on', 'error', ({ code }) => show('state', `error: ${code}`));
}
if (document.getElementById('unread')) listen();

/** The chat's function, which goes from the page with `destroy`: whoever has kept it may begin anew. */
let kept = Magpie;
document.getElementById('boot')?.addEventListener('click', () => {
  const { app } = document.querySelector('script[data-app]').dataset;
  kept('boot', { app, tokenUrl: '/api/im-token' });
  listen();
});

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest('button') : null;
  if (!button) return;
  const { chatUser, call, value } = button.dataset;
  if (call === 'destroy') kept = Magpie;
  if (chatUser) Magpie('openChat', { user: chatUser });
  if (call) Magpie(call, ...(value === undefined ? [] : [value.startsWith('{') ? JSON.parse(value) : value]));
});

// Whoever signs out here, signs out there; but a chat that does not answer holds nobody up.
const out = document.querySelector('#sign-out');
out?.addEventListener('submit', (event) => {
  event.preventDefault();
  const patience = new Promise((resolve) => setTimeout(resolve, 2000));
  Promise.race([Magpie('logout'), patience]).finally(() => out.submit());
});

// New events show as they come.
const list = document.querySelector('#events');
if (list) {
  new EventSource(`/events/new?after=${encodeURIComponent(list.dataset.newest)}`).addEventListener(
    'message',
    ({ data }) => {
      const { event, at, data: content } = JSON.parse(data);
      const item = document.createElement('li');
      for (const [name, text] of [
        ['code', event],
        ['time', at],
        ['pre', JSON.stringify(content)],
      ]) {
        const part = document.createElement(name);
        part.textContent = text;
        item.append(part, ' ');
      }
      list.prepend(item);
    },
  );
}
