import type { Section } from './route';

/** The sections' icons, on the grid and with the stroke of web/ui/icon.tsx. */
const paths: Record<Section | 'chat' | 'drag', string> = {
  overview: 'M4 4.500v15h16M8 15.500v-4M12 15.500v-8M16 15.500v-6',
  people:
    'M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM2.500 19.500c.4-3.300 3-5.500 6.500-5.500s6.100 2.200 6.500 5.500M16 4.900a3.300 3.300 0 0 1 0 6.300M18 14.400c2 .7 3.200 2.500 3.500 5.100',
  departments: 'M9.500 3.500h5v4h-5zM3.500 16.500h5v4h-5zM15.500 16.500h5v4h-5zM12 7.500v4.500M6 16.500V12h12v4.500',
  groups:
    'M4 5.500h11a1 1 0 0 1 1 1V13a1 1 0 0 1-1 1H9l-3.500 3v-3H4a1 1 0 0 1-1-1V6.500a1 1 0 0 1 1-1ZM19 9.500h1a1 1 0 0 1 1 1V17a1 1 0 0 1-1 1h-1.500v2.500L15 18h-4.500',
  announcements: 'M4 10v4h3l8 4.500v-13L7 10H4ZM7 14l1.500 5.500h2.500L9.800 15.600M18 9.500a3.500 3.500 0 0 1 0 5',
  reports: 'M5.500 20.500v-16M5.500 5.500c4-2.500 8 2 13 0v8.500c-5 2-9-2.500-13 0',
  policies:
    'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM9 19.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5Z',
  apps: 'M8.500 7.500 4 12l4.500 4.500M15.500 7.500 20 12l-4.500 4.500M13.500 5l-3 14',
  sessions: 'M4.500 5h15a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-15a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM8.500 19.500h7',
  audit: 'M6.500 3.500h11v17h-11zM9.500 8h5M9.500 12h5M9.500 16h3',
  organisations: 'M5 20.500v-16h9v16M14 9.500h5v11M3 20.500h18M8 8.500h3M8 12h3M8 15.500h3',
  backups:
    'M4.500 7c0-1.900 3.400-3 7.500-3s7.500 1.100 7.500 3-3.400 3-7.500 3-7.500-1.100-7.500-3ZM4.500 7v10c0 1.900 3.400 3 7.500 3s7.500-1.100 7.500-3V7M4.500 12c0 1.900 3.400 3 7.500 3s7.500-1.100 7.500-3',
  chat: 'M4 5.500h16a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-9l-4.500 4v-4H4a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1Z',
  drag: 'M9 6v.1M15 6v.1M9 12v.1M15 12v.1M9 18v.1M15 18v.1',
};

export function SectionIcon({ name }: { name: keyof typeof paths }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
