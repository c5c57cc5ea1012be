// Ends the output with what did not pass at once: each attempt's error, and what stood in the pages. A log that shows its last lines alone is enough then.

import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

declare module 'vitest' {
  interface TaskMeta {
    /** What stood in the pages when an attempt failed: a line for each page, a list for each attempt. */
    seen?: string[][];
  }
}

const here = fileURLToPath(new URL('.', import.meta.url));

/** Tests that are told of. If more fail, the cause is the same. */
const most = 5;

export default class implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const lines: string[][] = [];
    for (const module of modules) {
      const file = relative(here, module.moduleId);
      for (const suite of [module, ...module.children.allSuites()]) {
        const errors = suite.errors();
        if (errors.length > 0) lines.push([`${nameOf(file, suite)}: failed`, ...errors.flatMap((e) => told(e))]);
      }
      for (const test of module.children.allTests()) {
        const { errors = [] } = test.result();
        if (errors.length > 0) lines.push([`${nameOf(file, test)}: ${outcome(test)}`, ...attempts(test, errors)]);
      }
    }
    for (const e of unhandled) lines.push(['An error that no test caught', ...told(e)]);
    if (lines.length === 0) return;
    const more = lines.length > most ? [`  … and ${lines.length - most} more`] : [];
    console.log(['', 'Not passed at once:', ...lines.slice(0, most).flat(), ...more, ''].join('\n'));
  }
}

function nameOf(file: string, what: TestCase | TestSuite | TestModule): string {
  return what.type === 'module' ? `× ${file}` : `× ${file} > ${what.fullName}`;
}

function outcome(test: TestCase): string {
  if (test.result().state === 'passed') return 'passed at the second attempt';
  return test.diagnostic()?.retryCount ? 'failed twice' : 'failed';
}

function attempts(test: TestCase, errors: readonly SerializedError[]): string[] {
  const seen = test.meta().seen ?? [];
  return [
    ...errors.flatMap((e) => told(e)),
    ...seen.flatMap((pages, n) =>
      pages.map((page) => `    saw${seen.length > 1 ? ` (attempt ${n + 1})` : ''}: ${page}`),
    ),
  ];
}

/** What an error says, and where in the tests it came from. */
function told(e: SerializedError): string[] {
  const words = stripVTControlCharacters(`${e.message ?? e}`).split('\n');
  const place = (e.stacks ?? []).find((at) => at.file.startsWith(here));
  const at = place ? [`    at ${relative(here, place.file)}:${place.line}:${place.column}`] : [];
  const diff = stripVTControlCharacters(String(e.diff ?? '')).split('\n');
  const said = [words.slice(0, 6), diff.slice(0, 12)].flat().filter((line) => line.trim() !== '');
  return [...said.map((line) => `    ${line.slice(0, 240)}`), ...at];
}
