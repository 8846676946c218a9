// Values as the contract has them, made from what JavaScript and JSON have. No I/O.

/** @import { Instant, Problem, Row, Value } from './index.js' */

/** The CRM has the field and it is empty. */
export const NULL = Object.freeze({ tag: 'null' });

const DECIMAL = /^-?[0-9]+(\.[0-9]+)?$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})$/;
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const DAY_MS = 86_400_000;
const S64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

/** None of these take `undefined` or `null` for a mistake: a field that is not there is empty. */
function unlessEmpty(given, make) {
  return given === undefined || given === null ? NULL : make(given);
}

function unfit(what, rule) {
  // The value itself is a customer's: it stays out of the message.
  return new TypeError(`a ${typeof what} is not ${rule}`);
}

/** @param {string | null | undefined} given */
export function text(given) {
  return unlessEmpty(given, (it) => ({ tag: 'text', val: String(it) }));
}

/** @param {boolean | null | undefined} given */
export function boolean(given) {
  return unlessEmpty(given, (it) => ({ tag: 'boolean', val: Boolean(it) }));
}

/** A whole number of 64 bits. @param {number | bigint | string | null | undefined} given */
export function integer(given) {
  return unlessEmpty(given, (it) => {
    const whole = typeof it === 'number' ? Number.isSafeInteger(it) : typeof it === 'bigint' || /^-?[0-9]+$/.test(it);
    const val = whole ? BigInt(it) : undefined;
    if (val === undefined || val < S64.least || val > S64.most) throw unfit(it, 'a whole number of 64 bits');
    return { tag: 'integer', val };
  });
}

/**
 * A number in plain digits. Give it as the CRM wrote it, a text, where that matters: JavaScript's numbers have 15 digits.
 * @param {string | number | bigint | null | undefined} given
 */
export function decimal(given) {
  return unlessEmpty(given, (it) => {
    const val = typeof it === 'number' ? plainDigits(it) : String(it);
    if (!DECIMAL.test(val)) throw unfit(it, 'a decimal number in plain digits');
    return { tag: 'decimal', val };
  });
}

/** JavaScript writes large and small numbers with an exponent, which the contract does not have. */
function plainDigits(number) {
  const written = String(number);
  const parts = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(written);
  if (!parts) return written;
  const [, sign, lead, rest = '', power] = parts;
  const digits = lead + rest;
  const point = 1 + Number(power);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}

/**
 * Microseconds since 1970 of a `Date`, or of a text like `2024-05-01T10:00:00.000Z`.
 * @param {Date | string | bigint} given
 * @returns {Instant}
 */
export function microseconds(given) {
  if (typeof given === 'bigint') return given;
  if (given instanceof Date && !Number.isNaN(given.getTime())) return BigInt(given.getTime()) * 1000n;
  const parts = typeof given === 'string' ? INSTANT.exec(given) : null;
  const ms = parts ? Date.parse(`${parts[1]}T${parts[2]}${parts[4]}`) : Number.NaN;
  if (Number.isNaN(ms)) throw unfit(given, 'an instant as in `2024-05-01T10:00:00Z`');
  return BigInt(ms) * 1000n + BigInt((parts[3] ?? '').padEnd(6, '0').slice(0, 6));
}

/** An instant as a text with a `Z`, to the microsecond where there are any. @param {Instant} instant */
export function isoText(instant) {
  const micros = ((instant % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const whole = new Date(Number((instant - micros) / 1000n)).toISOString();
  const fraction = String(micros).padStart(6, '0');
  return whole.replace('.000Z', fraction.endsWith('000') ? `.${fraction.slice(0, 3)}Z` : `.${fraction}Z`);
}

/** @param {Date | string | bigint | null | undefined} given */
export function instant(given) {
  return unlessEmpty(given, (it) => ({ tag: 'instant', val: microseconds(it) }));
}

/** A day, from a text like `2024-05-01`. @param {string | null | undefined} given */
export function date(given) {
  return unlessEmpty(given, (it) => {
    const ms = DAY.test(it) ? Date.parse(`${it}T00:00:00Z`) : Number.NaN;
    // `Date.parse` takes 2024-02-31 for the 2nd of March.
    if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== it) throw unfit(it, 'a day as in `2024-05-01`');
    return { tag: 'date', val: ms / DAY_MS };
  });
}

/** Several choices or tags. @param {string[] | null | undefined} given */
export function texts(given) {
  return unlessEmpty(given, (it) => ({ tag: 'texts', val: it.map(String) }));
}

/** What JSON holds, as it is: texts stay texts, and what has no counterpart becomes its JSON. @returns {Value} */
export function json(given) {
  switch (typeof given) {
    case 'string':
      return text(given);
    case 'boolean':
      return boolean(given);
    case 'number':
      return Number.isSafeInteger(given) ? integer(given) : decimal(given);
    default:
      if (Array.isArray(given) && given.every((it) => typeof it === 'string')) return texts(given);
      return given === null || given === undefined ? NULL : text(JSON.stringify(given));
  }
}

/**
 * The plain content of a value: a text, a boolean, a bigint, a list of texts, or null. Instants are microseconds, dates days.
 * @param {Value} value
 */
export function plain(value) {
  return value.tag === 'null' ? null : value.val;
}

/** How a value is written in JSON for a CRM: instants and dates as ISO texts, whole numbers as numbers where they fit. */
export function toJson(value) {
  switch (value.tag) {
    case 'null':
      return null;
    case 'integer':
      return value.val >= Number.MIN_SAFE_INTEGER && value.val <= Number.MAX_SAFE_INTEGER ? Number(value.val) : String(value.val);
    case 'instant':
      return isoText(value.val);
    case 'date':
      return new Date(value.val * DAY_MS).toISOString().slice(0, 10);
    default:
      return value.val;
  }
}

/**
 * A row with its values in the order of the columns that were asked for, null where there is none.
 * @param {string} id
 * @param {string[]} columns
 * @param {Record<string, Value>} values
 * @param {{ modified?: Date | string | bigint, version?: string }} [more]
 * @returns {Row}
 */
export function row(id, columns, values, { modified, version } = {}) {
  return {
    id: String(id),
    modified: modified === undefined || modified === null ? undefined : microseconds(modified),
    version: version ?? undefined,
    values: columns.map((column) => (Object.hasOwn(values, column) ? values[column] : NULL)),
  };
}

/** @returns {Problem} */
export function problem(field, message) {
  return { field: field ?? undefined, message };
}
