// Files that the tests send, made on the spot: real ones of each kind, small.

import type { Page } from 'playwright-core';

export interface SentFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

const bytes = (name: string, mimeType: string, content: string | Buffer): SentFile => ({
  name,
  mimeType,
  buffer: typeof content === 'string' ? Buffer.from(content) : content,
});

/** A picture of a gradient; hue 0 to 360. */
export async function picture(
  page: Page,
  name: string,
  o: { w?: number; h?: number; hue?: number } = {},
): Promise<SentFile> {
  const type = name.endsWith('.png') ? 'image/png' : 'image/jpeg';
  const base64 = await page.evaluate(
    ({ w, h, hue, type }) => {
      const canvas = document.createElement('canvas');
      canvas.width = w;
      canvas.height = h;
      const g = canvas.getContext('2d') as CanvasRenderingContext2D;
      const fill = g.createLinearGradient(0, 0, w, h);
      fill.addColorStop(0, `hsl(${hue} 70% 70%)`);
      fill.addColorStop(1, `hsl(${hue + 80} 60% 30%)`);
      g.fillStyle = fill;
      g.fillRect(0, 0, w, h);
      return canvas.toDataURL(type).split(',')[1] as string;
    },
    { w: o.w ?? 640, h: o.h ?? 480, hue: o.hue ?? 200, type },
  );
  return bytes(name, type, Buffer.from(base64, 'base64'));
}

/** Two frames, black and white, of one pixel each. */
export function gif(name: string): SentFile {
  const head = '47494638396101000100800000000000ffffff21ff0b4e45545343415045322e300301000000';
  const frame = (code: string) => `21f904000a0000002c00000000010001000002${code}00`;
  return bytes(name, 'image/gif', Buffer.from(`${head}${frame('024401')}${frame('024c01')}3b`, 'hex'));
}

/** So many ms of a moving square, as the browser records it. */
export async function film(page: Page, name: string, ms = 1200): Promise<SentFile> {
  const base64 = await page.evaluate(async (ms) => {
    const canvas = document.createElement('canvas');
    canvas.width = 320;
    canvas.height = 240;
    const g = canvas.getContext('2d') as CanvasRenderingContext2D;
    const draw = setInterval(() => {
      g.fillStyle = '#135';
      g.fillRect(0, 0, 320, 240);
      g.fillStyle = '#fc6';
      g.fillRect((performance.now() / 5) % 280, 100, 40, 40);
    }, 30);
    const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: 'video/webm;codecs=vp8' });
    const parts: Blob[] = [];
    recorder.ondataavailable = (e) => parts.push(e.data);
    const stopped = new Promise((resolve) => recorder.addEventListener('stop', resolve));
    recorder.start();
    setTimeout(() => recorder.stop(), ms);
    await stopped;
    clearInterval(draw);
    const all = new Uint8Array(await new Blob(parts).arrayBuffer());
    let text = '';
    for (const b of all) text += String.fromCharCode(b);
    return btoa(text);
  }, ms);
  return bytes(name, 'video/webm', Buffer.from(base64, 'base64'));
}

/** Ten seconds of a tone: 8 bits, 8 kHz. */
export function wav(name: string): SentFile {
  const samples = Buffer.from(Array.from({ length: 80_000 }, (_, i) => 128 + Math.round(90 * Math.sin(i / 3))));
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(8000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return bytes(name, 'audio/wav', Buffer.concat([head, samples]));
}

/** Two frames of one pixel each. */
export function webp(name: string): SentFile {
  const chunk = (name: string, body: Buffer) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(body.length);
    return Buffer.concat([Buffer.from(name), size, body]);
  };
  const still = Buffer.from('UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA', 'base64').subarray(12);
  const frame = chunk('ANMF', Buffer.concat([Buffer.alloc(12), Buffer.from([100, 0, 0, 0]), still]));
  const head = [chunk('VP8X', Buffer.from('02000000000000000000', 'hex')), chunk('ANIM', Buffer.alloc(6))];
  const all = chunk('RIFF', Buffer.concat([Buffer.from('WEBP'), ...head, frame, frame]));
  return bytes(name, 'image/webp', all);
}

/** A document of Office as far as its first part: wordprocessingml, presentationml or spreadsheetml. */
export function office(name: string, part: string): SentFile {
  const type = `application/vnd.openxmlformats-officedocument.${part}.document.main+xml`;
  const text = Buffer.from(`<Types><Override PartName="/main.xml" ContentType="${type}"/></Types>`);
  const path = Buffer.from('[Content_Types].xml');
  // One entry that is stored as it is (APPNOTE 6.3.10 §4.3.7, §4.3.12, §4.3.16).
  const about = Buffer.alloc(26);
  about.writeUInt16LE(20, 0);
  about.writeUInt32LE(crc32(text), 10);
  about.writeUInt32LE(text.length, 14);
  about.writeUInt32LE(text.length, 18);
  about.writeUInt16LE(path.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), about, path, text]);
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), about, Buffer.alloc(14), path]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return bytes(name, 'application/octet-stream', Buffer.concat([local, central, Buffer.from('PK\x05\x06'), end]));
}

function crc32(b: Buffer): number {
  let crc = -1;
  for (const byte of b) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

export function pdf(name: string): SentFile {
  const text = 'BT /F1 24 Tf 50 100 Td (Hello) Tj ET';
  return bytes(
    name,
    'application/pdf',
    `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj
4 0 obj<</Length ${text.length}>>stream
${text}
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
%%EOF`,
  );
}

export function plain(name: string, content: string): SentFile {
  return bytes(name, 'text/plain', content);
}

/** A file of so many bytes that nothing knows the kind of. It is no text, and no two of its parts are alike. */
export function binary(name: string, size: number): SentFile {
  const buffer = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) buffer.writeUInt32LE((Math.imul(i + 1, 2654435761) ^ (i >>> 3)) >>> 0, i);
  return bytes(name, 'application/octet-stream', buffer);
}
