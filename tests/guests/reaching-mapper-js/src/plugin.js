// A mapper that reaches for everything that may differ from run to run in a JavaScript engine: the row's text says what for.

import { mapped, mapper, plain, text } from 'ferry-sdk';

const REACHES = {
  chance: () => Math.random(),
  clock: () => Date.now(),
  today: () => new Date().toISOString(),
  stopwatch: () => performance.now(),
  // What an engine takes from the machine: here it has none to take it from.
  zone: () => `${new Date(0).getTimezoneOffset()} ${new Date(0)}`,
  locale: () => `${(1234.5).toLocaleString()} ${['b', 'ä', 'a'].sort((one, other) => one.localeCompare(other))}`,
  order: () => Object.keys({ b: 1, a: 2, 10: 3, 9: 4 }).join(),
  date: () => new Date('2026-03-01T00:00:00Z').toISOString() + (new Date(0) instanceof Date),
};

export default mapper({
  reads: () => ['reach'],
  open: () => ({
    output: [{ name: 'found', kind: 'text' }],
    map: ([reach]) => mapped([text(String(REACHES[plain(reach)]?.()))]),
  }),
});
