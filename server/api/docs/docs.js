// Draws the OpenAPI document. Everything is set as text: nothing of the document becomes markup.

const el = (tag, props = {}, ...children) => {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
};
const link = (href, text) => el('a', { href }, text);

/** A type in a few words; references become links. */
function type(s) {
  if (!s) return ['any'];
  if (s.$ref) {
    const name = s.$ref.split('/').pop();
    return [link(`#type-${name}`, name)];
  }
  if (s.enum) return [s.enum.map(v => JSON.stringify(v)).join(' | ')];
  const names = [].concat(s.type ?? 'any');
  const rest = names.filter(n => n !== 'array');
  const out = names.includes('array') ? [...type(s.items), '[]'] : [];
  if (rest.length) out.push((out.length ? ' | ' : '') + rest.join(' | ') + (s.format ? ` (${s.format})` : ''));
  return out;
}

/** What else there is to know about a value. */
function notes(s, description, required) {
  const words = [description ?? s?.description ?? ''];
  if (required) words.push('Required.');
  if (s?.default !== undefined) words.push(`Default ${JSON.stringify(s.default)}.`);
  if (s?.maxLength) words.push(`At most ${s.maxLength} characters.`);
  if (s?.maximum) words.push(`${s.minimum ?? 0} to ${s.maximum}.`);
  if (s?.maxItems) words.push(`${s.minItems ?? 0} to ${s.maxItems} entries.`);
  return words.filter(Boolean).join(' ');
}

const row = (name, s, text) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, ...type(s)), el('td', {}, text));

function fields(title, schema) {
  const rows = Object.entries(schema?.properties ?? {}).map(([name, s]) => row(name, s, notes(s, s.description, schema.required?.includes(name))));
  return el('table', {}, el('caption', {}, title), ...rows);
}

function operation(path, verb, op) {
  const box = el('section', { id: op.operationId }, el('h3', {}, el('span', { className: 'verb' }, verb.toUpperCase()), path));
  if (!op.security?.length) box.firstChild.append(el('span', { className: 'open' }, 'no sign-in needed'));
  box.append(el('p', {}, op.summary ?? ''));
  if (op.description) box.append(el('p', {}, op.description));
  if (op.parameters?.length) {
    box.append(el('table', {}, el('caption', {}, 'Parameters'),
      ...op.parameters.map(p => row(`${p.name} (${p.in})`, p.schema, notes(p.schema, p.description, p.required)))));
  }
  const body = op.requestBody?.content?.['application/json']?.schema;
  if (body) box.append(el('p', {}, 'Body: ', ...type(body)));
  for (const [status, r] of Object.entries(op.responses ?? {})) {
    if (status === 'default') continue;
    const schema = Object.values(r.content ?? {})[0]?.schema;
    box.append(el('p', {}, `${status}: `, ...(schema ? type(schema) : [r.description ?? ''])));
  }
  return box;
}

const doc = await (await fetch('/api/openapi.json')).json();
document.getElementById('about').textContent = `${doc.info.description} Version ${doc.info.version}.`;

const byTag = new Map();
for (const [path, verbs] of Object.entries(doc.paths)) {
  for (const [verb, op] of Object.entries(verbs)) {
    const tag = op.tags?.[0] ?? 'Other';
    if (!byTag.has(tag)) byTag.set(tag, []);
    byTag.get(tag).push([path, verb, op]);
  }
}
const nav = document.querySelector('nav');
const operations = document.getElementById('operations');
for (const [tag, list] of byTag) {
  nav.append(el('h2', {}, tag), ...list.map(([, , op]) => link(`#${op.operationId}`, op.summary)));
  operations.append(el('h2', {}, tag), ...list.map(args => operation(...args)));
}
nav.append(el('h2', {}, 'Types'), link('#schemas', 'Schemas'));
for (const [name, schema] of Object.entries(doc.components.schemas)) {
  const box = el('section', { id: `type-${name}` }, el('h3', {}, name), fields(schema.description ?? '', schema));
  document.getElementById('types').append(box);
}
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
