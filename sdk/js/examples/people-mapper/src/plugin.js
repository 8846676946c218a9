// A whole mapper: it splits one column into first and last name, and copies the columns that its configuration names.
// The configuration is JSON, as in `{"name": "full_name", "copy": {"email": "mail"}}`.

import { mapped, mapper, Mistakes, NULL, plain, skipped, text } from 'ferry-sdk';

export default mapper({
  reads(configuration) {
    const { name, copy } = read(configuration);
    return [...new Set([name, ...Object.values(copy)])];
  },

  open(configuration, direction, input) {
    if (direction !== 'inbound') throw new Mistakes([{ message: 'this mapper maps inbound only' }]);
    const { name, copy } = read(configuration);
    const place = (column, path) => {
      const at = input.findIndex((it) => it.name === column);
      if (at < 0) throw new Mistakes([{ path, message: `the CRM has no column \`${column}\`` }]);
      return at;
    };
    const nameAt = place(name, 'name');
    const copied = Object.entries(copy).map(([to, from]) => ({ to, at: place(from, `copy.${to}`) }));
    const kindOf = (at) => (input[at].kind === 'opaque' ? 'text' : input[at].kind);
    return {
      output: [
        { name: 'first_name', kind: 'text' },
        { name: 'last_name', kind: 'text' },
        ...copied.map(({ to, at }) => ({ name: to, kind: kindOf(at) })),
      ],
      map(row) {
        const full = plain(row[nameAt]);
        if (typeof full !== 'string' || full.trim() === '') return skipped('it has no name');
        return mapped([...split(full), ...copied.map(({ at }) => row[at])]);
      },
    };
  },
});

/** The last word is the last name; a single word is the first name. */
function split(full) {
  const words = full.trim().split(/\s+/);
  const last = words.length > 1 ? text(words.pop()) : NULL;
  return [text(words.join(' ')), last];
}

function read(configuration) {
  let given;
  try {
    given = JSON.parse(configuration);
  } catch {
    throw new Mistakes([{ message: 'the configuration is not JSON', hint: '{"name": "full_name", "copy": {}}' }]);
  }
  const { name, copy = {} } = given ?? {};
  const mistakes = [];
  if (typeof name !== 'string') mistakes.push({ path: 'name', message: 'the column of the name is missing' });
  if (typeof copy !== 'object' || Object.values(copy ?? {}).some((it) => typeof it !== 'string')) {
    mistakes.push({ path: 'copy', message: 'is not an object of column names' });
  }
  if (mistakes.length > 0) throw new Mistakes(mistakes);
  return { name, copy };
}
