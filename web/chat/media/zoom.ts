// Where a picture stands that one zooms into: scaled about its middle, then moved. Pixels of the stage, measured from its middle.

export interface Zoom {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export const whole: Zoom = { scale: 1, x: 0, y: 0 };
export const most = 8;

/** Zooms by a factor so that the point stays where it is. */
export function zoomAt(z: Zoom, factor: number, point: { x: number; y: number }): Zoom {
  const scale = Math.min(most, Math.max(1, z.scale * factor));
  const by = scale / z.scale;
  return { scale, x: point.x - (point.x - z.x) * by, y: point.y - (point.y - z.y) * by };
}

/** Keeps the picture over the stage: where it is larger its edge goes no further than the stage's, where it is smaller it stays in the middle. */
export function within(z: Zoom, picture: Size, stage: Size): Zoom {
  const room = (length: number, window: number) => Math.max(0, (length * z.scale - window) / 2);
  const bound = (at: number, most: number) => Math.min(most, Math.max(-most, at)) || 0;
  return {
    scale: z.scale,
    x: bound(z.x, room(picture.width, stage.width)),
    y: bound(z.y, room(picture.height, stage.height)),
  };
}
