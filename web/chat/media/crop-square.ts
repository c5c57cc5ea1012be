// The square of a picture that is shown, in the picture's own pixels.

export interface Crop {
  /** Middle of the square. */
  x: number;
  y: number;
  /** 1: as large as fits into the picture. */
  zoom: number;
}

export const mostZoom = 8;

export function middle(width: number, height: number): Crop {
  return { x: width / 2, y: height / 2, zoom: 1 };
}

export function sideOf(c: Crop, width: number, height: number): number {
  return Math.min(width, height) / c.zoom;
}

/** Keeps the square inside the picture. */
export function kept(c: Crop, width: number, height: number): Crop {
  const zoom = Math.min(mostZoom, Math.max(1, c.zoom));
  const half = Math.min(width, height) / zoom / 2;
  return {
    zoom,
    x: Math.min(width - half, Math.max(half, c.x)),
    y: Math.min(height - half, Math.max(half, c.y)),
  };
}
