// What a browser can tell of a file before it is sent: how large a picture is, how long a sound, a still picture of a film.

import type { Attachment } from '../../core';

export interface Probe extends Attachment {
  /** Address of a picture of it, for the page: to be revoked. */
  preview?: string;
  /** It can't be sent. */
  fault?: 'empty' | 'large' | 'unreadable';
}

/** A film that has not shown a picture after so many ms is sent without one. */
const patience = 8000;
/** Pixels of a still picture's longer side. */
const posterSide = 1280;

/** limit: most bytes of a file, 0 where that is not known. Never rejects. */
export async function probe(file: File, limit: number): Promise<Probe> {
  const one: Probe = { file, name: file.name, type: file.type };
  if (limit > 0 && file.size > limit) return { ...one, fault: 'large' };
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    return { ...one, fault: 'unreadable' }; // a folder, or one that has been removed meanwhile
  }
  if (file.size === 0) return { ...one, fault: 'empty' };
  const url = URL.createObjectURL(file);
  try {
    if (file.type.startsWith('image/')) return { ...one, ...(await picture(url)), preview: url };
    if (file.type.startsWith('video/')) {
      const found = await film(url);
      URL.revokeObjectURL(url);
      return { ...one, ...found, ...(found.poster && { preview: URL.createObjectURL(found.poster) }) };
    }
    if (file.type.startsWith('audio/')) return { ...one, ...(await length(url)) };
  } catch {
    // A kind that this browser does not know, or a damaged one: the server looks for itself.
  }
  URL.revokeObjectURL(url);
  return one;
}

async function picture(url: string): Promise<Partial<Probe>> {
  const img = new Image();
  img.src = url;
  await settled(img, 'load');
  return img.naturalWidth > 0 ? { width: img.naturalWidth, height: img.naturalHeight } : {};
}

async function length(url: string): Promise<Partial<Probe>> {
  const sound = new Audio();
  sound.preload = 'metadata';
  sound.src = url;
  await settled(sound, 'loadedmetadata');
  return Number.isFinite(sound.duration) ? { duration: sound.duration } : {};
}

async function film(url: string): Promise<Partial<Probe>> {
  const v = document.createElement('video');
  v.preload = 'auto';
  v.muted = true;
  v.playsInline = true;
  v.src = url;
  await settled(v, 'loadeddata');
  const { videoWidth: width, videoHeight: height } = v;
  const known = {
    ...(width > 0 && height > 0 && { width, height }),
    ...(Number.isFinite(v.duration) && { duration: v.duration }),
  };
  if (!known.width) return known;
  try {
    // The first picture is often black.
    const sought = settled(v, 'seeked');
    v.currentTime = Math.min(1, (Number.isFinite(v.duration) ? v.duration : 0) / 4);
    await sought;
    const poster = await still(v, width, height);
    return { ...known, ...(poster && { poster }) };
  } finally {
    v.removeAttribute('src');
    v.load();
  }
}

function still(v: HTMLVideoElement, width: number, height: number): Promise<Blob | null> {
  const scale = Math.min(1, posterSide / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext('2d')?.drawImage(v, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.82));
}

function settled(el: HTMLElement, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('too slow')), patience);
    el.addEventListener(
      event,
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
    el.addEventListener(
      'error',
      () => {
        clearTimeout(timer);
        reject(new Error('unreadable'));
      },
      { once: true },
    );
  });
}
