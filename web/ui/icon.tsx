/** Line icons on a 24-unit grid, one stroke weight (`.icon` in base.css), drawn for this product. */
const paths = {
  chats: 'M4 5.5h16a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-9l-4.5 4v-4H4a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1Z',
  people: 'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 19.5c.4-3.3 3-5.5 6.5-5.500s6.1 2.2 6.5 5.500M16 4.900a3.3 3.3 0 0 1 0 6.300M18 14.400c2 .7 3.2 2.5 3.5 5.1',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 19.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.3 15.3 20 20',
  back: 'm14.5 5-7 7 7 7',
  close: 'm6 6 12 12M18 6 6 18',
  plus: 'M12 5v14M5 12h14',
  edit: 'M4 20h4L19 9l-4-4L4 16v4ZM13 7l4 4',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5.500M12 7.600v.1',
  send: 'M4.5 12 3.5 4.5 21 12 3.5 19.5 4.5 12Zm0 0H12',
  down: 'M12 5v13M6 12.500l6 6 6-6',
  clock: 'M12 20.500a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 7.500V12l3 2',
  check: 'm5 12.5 4.5 4.500L19 7.5',
  checks: 'm2 12.5 4.5 4.500L15 8.500M11 16l1.2 1L21 8.5',
  alert: 'M12 20.500a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 7.800v5M12 16v.1',
  more: 'M5.5 12h.01M12 12h.01M18.5 12h.01',
  bellOff: 'M6.3 8.500A6 6 0 0 1 17.9 10c0 3 .6 4.5 1.3 5.600M17 17H4.500c1-1.2 1.7-3 1.7-6M10 20.200c1.1.9 2.9.9 4 0M3.5 3.500l17 17',
  pin: 'M9 3.500h6l-.7 6 3 3.500H6.700l3-3.500L9 3.500ZM12 13v7.5',
  groupAdd: 'M9.5 11.500a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3 19.500c.4-3.3 3-5.5 6.5-5.5 1.3 0 2.5.3 3.5.9M18 13.500v7M14.5 17h7',
  out: 'M14 4.500H6.500a1 1 0 0 0-1 1v13a1 1 0 0 0 1 1H14M10.5 12H20M16.5 8.5 20 12l-3.5 3.5',
  trash: 'M4.5 7h15M9.5 7V4.500h5V7M6.5 7l1 12.500h9l1-12.5',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 14.800a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.600Z',
  eyeOff: 'M4 4l16 16M9.9 5.800A9 9 0 0 1 12 5.500c6 0 9.5 6.5 9.5 6.500a17 17 0 0 1-2.7 3.500M6.3 7.700C3.8 9.5 2.5 12 2.5 12S6 18.5 12 18.500a9.5 9.5 0 0 0 4.3-1M10 10.200a2.8 2.8 0 0 0 3.9 3.9',
  device: 'M4.5 5h15a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-15a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM8.5 19.500h7',
  file: 'M6.5 3.500h7l4.5 4.500v12.500h-11.500zM13.5 3.500V8H18',
};

export type IconName = keyof typeof paths;

/** An icon beside a text or inside a labelled button: never the only name of a thing. */
export function Icon({ name, class: cls }: { name: IconName; class?: string }) {
  return (
    <svg class={cls ? `icon ${cls}` : 'icon'} viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
