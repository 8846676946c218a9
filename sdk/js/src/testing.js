// A host that is not there: scripted HTTP for a plugin's own tests, with no WebAssembly and no CRM.

/** @import { HttpRequest } from './index.js' */

import { AssertionError } from 'node:assert';

import { exported, exportedBulk } from './connector.js';
import { exportedMapper } from './mapper.js';
import { NULL } from './value.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An answer with headers and any body. */
export function answer(status, body = '', headers = []) {
  return { tag: 'ok', val: { status, headers, body: typeof body === 'string' ? encoder.encode(body) : body } };
}

/** An answer with a JSON body. */
export function jsonAnswer(status, body) {
  return answer(status, JSON.stringify(body), [['content-type', 'application/json']]);
}

/** No answer: `unanswered`, `unreachable`, `denied`, `unauthorized`, `exhausted` or `too-large`. */
export function lost(kind, detail) {
  return { tag: 'err', val: { tag: kind, val: detail } };
}

/** Answers from a script, strictly: a request that nobody expects fails the test and shows what was expected. */
export class FakeHttp {
  /** What was sent, in order. @type {HttpRequest[]} */
  sent = [];
  #expected = [];
  #script;

  /** @param {(request: HttpRequest) => object | undefined} [script] answers every request; undefined is one that nobody expects */
  constructor(script) {
    this.#script = script;
  }

  /** Expects a request of this method to this target next, and gives this answer. */
  expect(method, target, given) {
    this.#expected.push({ method, target, given });
    return this;
  }

  /** The JSON bodies of what was sent, null where there was none. */
  get sentJson() {
    return this.sent.map(({ body }) => (body === undefined ? null : JSON.parse(decoder.decode(body))));
  }

  /** Fails unless everything that was expected has been sent. */
  done() {
    if (this.#expected.length > 0) fail(`never sent: ${this.#expected.map(named).join(', ')}`);
  }

  /** @private */
  answerTo(request) {
    this.sent.push(request);
    const given = this.#script ? this.#script(request) : this.#next(request);
    if (given === undefined) fail(`nobody expects ${named(request)} ${JSON.stringify(request.query)}`);
    return given;
  }

  #next(request) {
    const next = this.#expected.shift();
    if (next === undefined) return undefined;
    if (next.method !== request.method || next.target !== request.target) fail(`sent ${named(request)}, expected ${named(next)}`);
    return next.given;
  }
}

function named({ method, target }) {
  return `${method} ${target}`;
}

function fail(message) {
  throw new AssertionError({ message });
}

/** Throws as the generated code of a component does. */
function unwrapped(given) {
  if (given.tag === 'ok') return given.val;
  throw Object.assign(new Error(given.val.tag), { payload: given.val });
}

/**
 * A connector as the host sees it: its verbs without the connection, which is made of `settings` and `now`. What a request to
 * `pull` and `partition` leaves out is the whole object, unfiltered, from the start.
 */
export function hosted(plugin, { http = new FakeHttp(), settings = {}, now = 0n, signed, log = () => {} } = {}) {
  const host = {
    send: (request) => unwrapped(http.answerTo(request)),
    sendAll: (requests) => requests.map((request) => http.answerTo(request)),
    // Accepts exactly the message that the test signed, with the mac `good`.
    hmacSha256: (message, mac) => decoder.decode(mac) === 'good' && signed !== undefined && decoder.decode(message) === signed,
    log,
  };
  const verbs = { ...exported(plugin, host), ...exportedBulk(plugin, host) };
  const connection = { settings: JSON.stringify(settings), now };
  const whole = { columns: [], filter: [], segment: undefined, slice: { tag: 'all' }, token: undefined, limit: 2000 };
  const bound = Object.fromEntries(Object.entries(verbs).map(([name, verb]) => [name, (...given) => verb(connection, ...given)]));
  return {
    ...bound,
    pull: (request) => bound.pull({ ...whole, ...request }),
    partition: (request, most) => bound.partition({ ...whole, ...request }, most),
  };
}

/** A mapping as the host opens it, with `output()` and `rows(rows)`. */
export function opened(plugin, configuration, direction, input) {
  const mapping = exportedMapper(plugin).Mapping.open(configuration, direction, input);
  return { output: () => mapping.output(), rows: (rows) => mapping.rows(table(rows)) };
}

/** Rows in one piece, as the host hands them over. */
function table(rows) {
  const texts = [];
  const lengthOf = (text) => {
    texts.push(text);
    return encoder.encode(text).length;
  };
  const cell = ({ tag, val }) => {
    if (tag === 'text' || tag === 'decimal') return { tag, val: lengthOf(val) };
    if (tag === 'texts') return { tag, val: Uint32Array.from(val, lengthOf) };
    return tag === 'null' ? NULL : { tag, val };
  };
  const cells = rows.flat().map(cell);
  return { widths: Uint32Array.from(rows, (row) => row.length), cells, texts: texts.join('') };
}
