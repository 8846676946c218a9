// `console` inside the sandbox: lines in the plugin's log, which the host bounds.

/** @param {(level: string, message: string) => void} write */
export function consoleTo(write) {
  const line = (level) => (...words) => write(level, words.map(shown).join(' '));
  const levels = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error', trace: 'debug' };
  for (const [name, level] of Object.entries(levels)) globalThis.console[name] = line(level);
}

function shown(word) {
  if (word instanceof Error) return `${word.name}: ${word.message}\n${word.stack ?? ''}`;
  if (typeof word !== 'object' || word === null) return String(word);
  return JSON.stringify(word, (_, it) => (typeof it === 'bigint' ? String(it) : it));
}
