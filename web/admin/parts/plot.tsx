// Charts. In a chunk of its own: the library is needed where there is one alone.

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import '../styles/plot.css';
import { format } from '../../ui/format';
import { language, theme } from '../../ui/prefs';
import { a } from '../text';
import type { ChartProps } from './chart';

const height = 200;

/** Bars, one a day, with the day and the value under the pointer beside the title. */
export function Plot({ label, days, show }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const { value: lang } = language;
  const { value: look } = theme;
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    let plot = draw(el, { label, days, show });
    const resized = new ResizeObserver(() => plot.setSize({ width: el.clientWidth, height }));
    resized.observe(el);
    // The colours are the page's: with another theme the chart is drawn anew.
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const again = () => {
      plot.destroy();
      plot = draw(el, { label, days, show });
    };
    dark.addEventListener('change', again);
    return () => {
      dark.removeEventListener('change', again);
      resized.disconnect();
      plot.destroy();
    };
  }, [label, days, lang, look]);
  return <div ref={box} class="plot" style={{ '--plot-height': `${height}px` }} />;
}

function draw(el: HTMLElement, { label, days, show }: ChartProps): uPlot {
  const styles = getComputedStyle(el);
  // Canvas knows no light-dark(): a property that the browser computes has the colour of the present theme.
  const [line, ink, bar] = ['border-top-color', 'color', 'outline-color'].map((name) => styles.getPropertyValue(name));
  const font = `12px ${styles.fontFamily}`;
  const axis = { stroke: ink as string, font, grid: { stroke: line as string, width: 1 }, ticks: { show: false } };
  const day = (seconds: number) => format.value.day.format(seconds * 1000);
  const dates = days.map((d) => Date.parse(d.date) / 1000);
  const values = days.map((d) => d.value);
  return new uPlot(
    {
      width: el.clientWidth,
      height,
      padding: [8, 24, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      // Half a day on both sides: a bar stands in the middle of its day.
      scales: {
        x: { range: (_, from, to) => [from - 43_200, to + 43_200] },
        y: { range: (_, _min, max) => [0, Math.max(max * 1.05, 4)] },
      },
      axes: [
        { ...axis, grid: { show: false }, values: (_, ticks) => ticks.map(day), space: 60, gap: 8 },
        { ...axis, values: (_, ticks) => ticks.map(show), size: 64 },
      ],
      series: [
        // While nothing points at a day, the newest is told.
        { value: (_, v) => day(v ?? dates.at(-1) ?? 0), label: a.value.overview.day },
        {
          label,
          width: 0,
          fill: bar as string,
          points: { show: false },
          paths: uPlot.paths.bars?.({ size: [0.7, 40], radius: 0.2 }) as uPlot.Series.PathBuilder,
          value: (_, v) => show(v ?? values.at(-1) ?? 0),
        },
      ],
    },
    [dates, values],
    el,
  );
}
