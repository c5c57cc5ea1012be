// Reads a trace of Chromium (the Trace Event Format).

interface Event {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** µs: when it began, how long it took, and how long its thread had a processor meanwhile. */
  ts: number;
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}

/** To be traced: tasks, and what they consist of. */
export const categories = ['toplevel', 'devtools.timeline', 'disabled-by-default-v8.gc'];

/**
 * The longest task of the page's main thread: its processor time in ms, and the longest parts of it. All that it did counts:
 * scripts, style, layout, paint, collection of garbage. The time that other processes took the processor away does not.
 */
export function longestTask(trace: Buffer): { ms: number; parts: string } {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: Event[] };
  const thread = (e: Event) => `${e.pid} ${e.tid}`;
  const mains = new Set(traceEvents.filter((e) => e.args?.name === 'CrRendererMain').map(thread));
  const main = traceEvents.filter((e) => e.ph === 'X' && e.tdur !== undefined && mains.has(thread(e)));
  const time = (e: Event) => e.tdur ?? 0;
  const byTime = (a: Event, b: Event) => time(b) - time(a);
  const [most] = main.filter((e) => e.name.endsWith('RunTask')).sort(byTime);
  if (!most) throw new Error('There is no task in the trace');
  const end = most.ts + (most.dur ?? 0);
  const parts = main.filter(
    (e) => thread(e) === thread(most) && e.ts >= most.ts && e.ts + (e.dur ?? 0) <= end && /^[A-Z]\w+$/.test(e.name),
  );
  const longest = parts.sort(byTime).slice(0, 2);
  return {
    ms: time(most) / 1000,
    parts: longest.map((e) => `${e.name} ${(time(e) / 1000).toFixed(0)} ms`).join(', '),
  };
}
