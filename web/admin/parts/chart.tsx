import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { format } from '../../ui/format';
import { a } from '../text';

export interface ChartProps {
  /** What is counted. */
  label: string;
  /** `date` such as 2026-01-31; the oldest first. */
  days: readonly { date: string; value: number }[];
  /** A value in words. */
  show(value: number): string;
}

/** Figures day by day: a chart, and the same as a table for whoever can't see it. */
export function Chart(props: ChartProps) {
  const { label, days, show } = props;
  const [Plot, setPlot] = useState<ComponentType<ChartProps>>();
  const [table, setTable] = useState(false);
  const text = a.value.overview;
  useEffect(() => {
    // Without it the table is there still.
    import('./plot').then(
      (part) => setPlot(() => part.Plot),
      () => setTable(true),
    );
  }, []);
  return (
    <section class="card chart" aria-label={label}>
      <header>
        <h2>{label}</h2>
        <button type="button" class="button small plain" aria-pressed={table} onClick={() => setTable(!table)}>
          {text.asTable}
        </button>
      </header>
      {table ? (
        <div class="chart-table">
          <table class="diff">
            <thead>
              <tr>
                <th scope="col">{text.day}</th>
                <th scope="col">{label}</th>
              </tr>
            </thead>
            <tbody>
              {days.toReversed().map((d) => (
                <tr key={d.date}>
                  <th scope="row">{format.value.dayOfYear.format(Date.parse(d.date))}</th>
                  <td>{show(d.value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <div class="chart-box" role="img" aria-label={text.chart(label, show(days.reduce((n, d) => n + d.value, 0)))}>
          {Plot && <Plot {...props} />}
        </div>
      )}
    </section>
  );
}
