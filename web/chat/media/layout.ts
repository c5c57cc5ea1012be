// How large a picture stands in a conversation. It is known from the message alone, so that nothing moves when the picture comes.

/** Pixels. */
const widest = 336;
const highest = 360;
const narrowest = 120;
const lowest = 80;
/** For what does not say how large it is. */
const unknown = { width: 280, height: 210 };

export interface Box {
  width: number;
  height: number;
}

/** The place of one picture: its own form, within bounds. A very long one is cut. */
export function boxOf(w: number, h: number): Box {
  if (!w || !h) return unknown;
  const scale = Math.min(1, widest / w, highest / h);
  return {
    width: Math.round(Math.min(widest, Math.max(narrowest, w * scale))),
    height: Math.round(Math.min(highest, Math.max(lowest, h * scale))),
  };
}

/** A place in a grid of 12 columns: how many columns and rows it takes. */
export interface Cell {
  columns: number;
  rows: number;
}

export interface Album {
  cells: Cell[];
  /** Width to height of the whole. */
  ratio: number;
}

const wide = (columns: number, n: number): Cell[] => Array.from({ length: n }, () => ({ columns, rows: 1 }));

/** Two to seven pictures side by side. Where the first stands upright, three of them are one beside two. */
export function albumOf(count: number, first: { w: number; h: number }): Album {
  const upright = first.h > first.w;
  switch (count) {
    case 2:
      return { cells: wide(6, 2), ratio: 2 };
    case 3:
      return upright
        ? { cells: [{ columns: 6, rows: 2 }, ...wide(6, 2)], ratio: 1.1 }
        : { cells: [...wide(12, 1), ...wide(6, 2)], ratio: 1.1 };
    case 4:
      return { cells: wide(6, 4), ratio: 1 };
    case 5:
      return { cells: [...wide(6, 2), ...wide(4, 3)], ratio: 1.2 };
    case 6:
      return { cells: wide(4, 6), ratio: 1.5 };
    default:
      return { cells: [...wide(4, 3), ...wide(3, 4)], ratio: 1.6 };
  }
}
