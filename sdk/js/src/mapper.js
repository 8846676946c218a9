// World `mapper-plugin`: rows in, rows out, nothing else. The same rows must give the same rows, so there is no clock to ask.

/** @import { Column, Mapped, Mapper, Mistake, Problem, Value } from './index.js' */

import { KIND } from './connector.js';
import { NULL, problem } from './value.js';

/** The mistakes of a configuration: throw it from `reads` and `open`, with all of them. */
export class Mistakes extends Error {
  /** @param {Partial<Mistake>[]} mistakes `message` and, where known, `path`, `line` and `hint` */
  constructor(mistakes) {
    super(mistakes.map((mistake) => mistake.message).join('; '));
    this.name = 'Mistakes';
    this.payload = mistakes.map(({ line, path = '', message, hint }) => ({ line, path, message, hint }));
  }
}

/** A row needed what a mapper does not have. */
export class Impure extends Error {}

/** Values in the order of the output columns. @param {Value[]} values @returns {Mapped} */
export function mapped(values) {
  return { tag: 'values', val: values };
}

/** Left out on purpose. @param {string} reason @returns {Mapped} */
export function skipped(reason) {
  return { tag: 'skipped', val: reason };
}

/** Can't be mapped. @param {Problem[]} problems @returns {Mapped} */
export function refused(problems) {
  return { tag: 'refused', val: problems };
}

/**
 * Names how a mapper reads its configuration and opens a mapping: the default export of its module.
 * @template {Mapper} M @param {M} functions @returns {M}
 */
export function mapper(functions) {
  for (const name of ['reads', 'open']) {
    if (typeof functions[name] !== 'function') throw new TypeError(`a mapper needs a function \`${name}\``);
  }
  return Object.defineProperty(functions, KIND, { value: 'mapper' });
}

/** Kinds of columns that hold something else than a text, with the tags of their values. */
const TAGS = { boolean: 'boolean', integer: 'integer', decimal: 'decimal', choices: 'texts', instant: 'instant', date: 'date' };

const fits = (value, kind) => value.tag === 'null' || kind === 'opaque' || value.tag === (TAGS[kind] ?? 'text');

/** How many of `text`'s units from `from` on make `bytes` bytes of UTF-8. */
function unitsOf(text, from, bytes) {
  let at = from;
  for (let left = bytes; left > 0; ) {
    const letter = text.codePointAt(at);
    left -= letter < 0x80 ? 1 : letter < 0x800 ? 2 : letter < 0x10000 ? 3 : 4;
    at += letter < 0x10000 ? 1 : 2;
  }
  return at - from;
}

/** The rows of a table, which the host hands over in one piece. */
function taken({ widths, cells, texts }) {
  let [cell, at] = [0, 0];
  const next = (bytes) => {
    const from = at;
    at += unitsOf(texts, from, bytes);
    return texts.slice(from, at);
  };
  const value = ({ tag, val }) => {
    if (tag === 'text' || tag === 'decimal') return { tag, val: next(val) };
    if (tag === 'texts') return { tag, val: Array.from(val, next) };
    return tag === 'null' ? NULL : { tag, val };
  };
  return Array.from(widths, (width) => Array.from({ length: width }, () => value(cells[cell++])));
}

/** The functions as the contract's interface has them. @param {Mapper} functions */
export function exportedMapper(functions) {
  class Mapping {
    #opened;
    #width;

    constructor(opened, width) {
      this.#opened = opened;
      this.#width = width;
    }

    static open(configuration, direction, input) {
      return new Mapping(functions.open(configuration, direction, input), input.length);
    }

    output() {
      return this.#opened.output;
    }

    rows(table) {
      return taken(table).map((row) => (row.length === this.#width ? this.#mapped(row) : this.#misshapen(row)));
    }

    #mapped(row) {
      try {
        return this.#typed(this.#opened.map(row));
      } catch (error) {
        if (error instanceof Impure) return refused([problem(undefined, error.message)]);
        throw error;
      }
    }

    /** What is copied may be of another type than its column says: that is the row's fault, and not the mapper's end. */
    #typed(given) {
      if (given.tag !== 'values') return given;
      const { output } = this.#opened;
      const wrong = output.find(({ kind }, at) => given.val[at] !== undefined && !fits(given.val[at], kind));
      return wrong ? refused([problem(wrong.name, 'is not of the type of its column')]) : given;
    }

    #misshapen(row) {
      return refused([problem(undefined, `the row has ${row.length} values for ${this.#width} columns`)]);
    }
  }
  return { reads: (configuration, direction) => functions.reads(configuration, direction), Mapping };
}
