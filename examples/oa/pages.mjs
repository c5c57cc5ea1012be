// The pages as text. Whatever comes from outside goes through `html`, which escapes it.

/** Markup that is not escaped again. */
class Markup {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

const signs = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** @param {unknown} value @returns {string} */
function escaped(value) {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(escaped).join('');
  if (value === undefined || value === null || value === false) return '';
  return String(value).replace(/[&<>"']/g, (sign) => signs[/** @type {keyof typeof signs} */ (sign)]);
}

/** @param {TemplateStringsArray} strings @param {unknown[]} values */
function html(strings, ...values) {
  return new Markup(String.raw({ raw: strings }, ...values.map(escaped)));
}

/** @param {{ title: string, person?: any, settings: any, here?: string }} o @param {Markup} content */
function page({ title, person, settings, here }, content) {
  /** @type {[string, string][]} */
  const links = [
    ['/', 'Dashboard'],
    ['/project', 'Project'],
    ['/events', 'Events'],
  ];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Office</title>
<link rel="stylesheet" href="/office.css">
${person && html`<script async src="${settings.magpie}/embed/v1/loader.js" data-app="${settings.app}" data-token-url="/api/im-token" data-theme="light"></script>`}
<script type="module" src="/office.js"></script>
</head>
<body>
<header>
<strong>Office</strong>
${
  person &&
  html`<nav>${links.map(([path, name]) => html`<a href="${path}"${path === here && html` aria-current="page"`}>${name}</a>`)}</nav>
<form method="post" action="/sign-out" id="sign-out"><span id="me">${person.name}</span> <button>Sign out</button></form>`
}
</header>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`.text;
}

/** @param {{ settings: any, wrong: boolean }} o */
export function signInPage({ settings, wrong }) {
  return page(
    { title: 'Sign in', settings },
    html`<form method="post" action="/sign-in" class="card">
${wrong && html`<p role="alert" class="wrong">This name or password is not right.</p>`}
<label>Name <input name="uid" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button>
</form>`,
  );
}

/** @param {{ settings: any, person: any, people: any[] }} o */
export function dashboard({ settings, person, people }) {
  const others = people.filter(({ uid }) => uid !== person.uid);
  return page(
    { title: 'Dashboard', person, settings, here: '/' },
    html`<section class="card">
<h2>Colleagues</h2>
<ul>${others.map(({ uid, name }) => html`<li>${name} <button data-chat-user="${uid}">Write to ${name}</button></li>`)}</ul>
</section>
<section class="card">
<h2>Chat</h2>
<p>Unread: <output id="unread">–</output></p>
<p>State: <output id="state">not signed in</output></p>
<p>
<button data-call="toggle">Open or close</button>
<button data-call="setLocale" data-value="en">English</button>
<button data-call="setLocale" data-value="zh">中文</button>
<button data-call="setTheme" data-value="light">Light</button>
<button data-call="setTheme" data-value="dark">Dark</button>
<button data-call="setTheme" data-value='{"colors":{"accent":"#a03070"},"radius":4}'>Pink</button>
<button data-call="destroy">Remove</button>
<button id="boot">Begin anew</button>
</p>
</section>`,
  );
}

/** @param {{ settings: any, person: any }} o */
export function project({ settings, person }) {
  return page(
    { title: 'Project', person, settings, here: '/project' },
    html`<p>Everyone who works on it talks here.</p>
<magpie-chat chat="group:${settings.group}"></magpie-chat>`,
  );
}

/** @param {{ settings: any, person: any, events: any[], posted?: string }} o */
export function eventsPage({ settings, person, events, posted }) {
  return page(
    { title: 'Events', person, settings, here: '/events' },
    html`<section class="card">
<h2>Post to the group</h2>
${posted && html`<p role="status">${posted}</p>`}
${
  settings.incoming
    ? html`<form method="post" action="/events"><label>Text <input name="text" required maxlength="500" value="Deployed to production."></label> <button>Post</button></form>`
    : html`<p>MAGPIE_INCOMING_URL is not set.</p>`
}
</section>
<section class="card">
<h2>From Magpie</h2>
${!settings.webhookSecret && html`<p>MAGPIE_WEBHOOK_SECRET is not set.</p>`}
<ol id="events" data-newest="${events[0]?.id}">${events.map((one) => html`<li><code>${one.event}</code> <time>${one.at}</time> <pre>${JSON.stringify(one.data)}</pre></li>`)}</ol>
</section>`,
  );
}
