// What counts as a JSON object in a payload: the same rule as server/payload/json.go, so that both give one verdict on every input.

/** Bytes that are no payload of their kind. The message says what is wrong, in English, for a log. */
export class MalformedPayload extends Error {
  override readonly name = 'MalformedPayload';
}

/** How deep objects and arrays may nest, the outermost object being 1. */
const maxDepth = 32;

// A byte order mark is not white space of JSON: it must not vanish.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads UTF-8; undefined for what is not. */
export function decodeText(b: Uint8Array): string | undefined {
  try {
    return utf8.decode(b);
  } catch {
    return undefined;
  }
}

/**
 * Reads a JSON object (RFC 8259) in UTF-8 with nothing around it, not even white space. Of a repeated key the last wins; numbers
 * above 2^53 lose digits in what is returned, which is why codecs keep the bytes.
 */
export function parseObject(b: Uint8Array): Record<string, unknown> {
  if (b.length < 2 || b[0] !== 0x7b || b[b.length - 1] !== 0x7d) {
    throw new MalformedPayload('A content must be a JSON object with nothing around it.');
  }
  const text = decodeText(b);
  if (text === undefined) throw new MalformedPayload('A content is not UTF-8.');
  // Before parsing: some parsers overflow their stack on deep nesting.
  if (depth(b) > maxDepth) throw new MalformedPayload("A content's JSON is nested too deeply.");
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new MalformedPayload('A content is not valid JSON.');
  }
}

/** The deepest nesting in b: brackets outside of strings, of either kind. Means nothing where b is not valid JSON. */
function depth(b: Uint8Array): number {
  let deepest = 0;
  let level = 0;
  let inString = false;
  for (let i = 0; i < b.length; i++) {
    const c = b[i];
    if (inString && c === 0x5c) i++;
    else if (c === 0x22) inString = !inString;
    else if (inString) continue;
    else if (c === 0x7b || c === 0x5b) deepest = Math.max(deepest, ++level);
    else if (c === 0x7d || c === 0x5d) level--;
  }
  return deepest;
}

/** Reads fields of a content that may have any form. */
export class Fields {
  constructor(private readonly o: Record<string, unknown>) {}

  text(key: string): string {
    const v = this.o[key];
    return typeof v === 'string' ? v : '';
  }

  number(key: string): number {
    const v = this.o[key];
    return typeof v === 'number' ? v : 0;
  }

  flag(key: string): boolean {
    return this.o[key] === true;
  }

  /** The objects in a list. */
  list(key: string): Record<string, unknown>[] {
    const v = this.o[key];
    return Array.isArray(v) ? v.filter((one) => typeof one === 'object' && one !== null) : [];
  }

  has(key: string): boolean {
    return this.o[key] !== undefined;
  }
}
