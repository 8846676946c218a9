// World `connector-plugin`: what a connector answers for one CRM account, and the form in which the contract takes it.

/** @import { Connector } from './index.js' */

import { Invalid, Unsupported } from './failure.js';
import { Http, HttpError } from './http.js';

const REQUIRED = ['check', 'objects', 'fields', 'pull'];
const OPTIONAL = ['segments', 'partition', 'gone', 'push', 'resolve', 'receive'];
/** Writes in sets: all of them or none. */
const BULK = ['least', 'open', 'submit', 'collect'];

const ABILITIES = [
  'pull', 'windows', 'partitions', 'gone', 'create', 'update', 'upsert', 'delete', 'conditional', 'links', 'receive', 'keyed',
];

/** What `connector` and `mapper` make, for the build to tell them apart. */
export const KIND = Symbol.for('ferry.plugin.kind');

/**
 * Names the verbs that a connector has: the default export of its module.
 * @template {Connector} C @param {C} verbs @returns {C}
 */
export function connector(verbs) {
  for (const verb of REQUIRED) {
    if (typeof verbs[verb] !== 'function') throw new TypeError(`a connector needs a function \`${verb}\``);
  }
  const known = [...REQUIRED, ...OPTIONAL, ...BULK];
  const strange = Object.keys(verbs).find((verb) => !known.includes(verb));
  if (strange !== undefined) throw new TypeError(`\`${strange}\` is no verb: ${known.join(', ')}`);
  const bulk = BULK.filter((verb) => typeof verbs[verb] === 'function');
  if (bulk.length > 0 && bulk.length < BULK.length) throw new TypeError(`writes in sets need all of ${BULK.join(', ')}`);
  return Object.defineProperty(verbs, KIND, { value: bulk.length > 0 ? 'bulk-connector' : 'connector' });
}

/** An account; what is not said is unknown. */
export function accountOf(id, name, { timeZone, lacking = [] } = {}) {
  return { id: String(id), name, timeZone, lacking };
}

/** An object that can be synced. @param {string[]} abilities what can be done with it, as in `['pull', 'create']` */
export function objectOf(name, label, abilities, { custom = false, lateness = 0 } = {}) {
  const strange = abilities.find((ability) => !ABILITIES.includes(ability));
  if (strange !== undefined) throw new TypeError(`\`${strange}\` is no ability: ${ABILITIES.join(', ')}`);
  const flags = Object.fromEntries(ABILITIES.map((ability) => [ability, abilities.includes(ability)]));
  return { name, label, custom, abilities: flags, lateness };
}

/** A field, read-only and optional unless `more` says otherwise. */
export function fieldOf(name, label, kind, more = {}) {
  const defaults = {
    choices: [], refersTo: [], required: false, writable: false, unique: false, custom: false, derived: false, length: undefined,
  };
  return { name, label, kind, ...defaults, ...more };
}

/** A page of rows, and where the next one starts: none when the slice is done. */
export function pageOf(rows, next, { gone = [], waitMs, total } = {}) {
  return { rows, gone, next: next ?? undefined, wait: waitMs, total: total === undefined ? undefined : BigInt(total) };
}

/** What a call gets beside its arguments. */
class Call {
  #settings;

  constructor({ settings, now }, host) {
    this.#settings = settings;
    /** The host's clock at the start of the call, in microseconds since 1970. */
    this.now = now;
    this.http = new Http(host);
    this.signature = { hmacSha256: host.hmacSha256 };
    this.log = Object.fromEntries(
      ['debug', 'info', 'warn', 'error'].map((level) => [level, (message) => host.log(level, String(message))]),
    );
  }

  /** The admin's settings, which satisfy the manifest's schema. */
  get settings() {
    try {
      return JSON.parse(this.#settings);
    } catch {
      throw new Invalid('settings', 'they are not JSON');
    }
  }
}

/**
 * The verbs as the contract's interface has them, over what the host offers.
 * @param {Connector} verbs
 */
export function exported(verbs, host, names = [...REQUIRED, ...OPTIONAL]) {
  const verb = (name) => (connection, ...given) => {
    try {
      if (typeof verbs[name] === 'function') return verbs[name](new Call(connection, host), ...given);
    } catch (error) {
      throw advice(error);
    }
    if (name === 'segments') return [];
    throw new Unsupported(`this connector has no \`${name}\``);
  };
  return Object.fromEntries(names.map((name) => [name, verb(name)]));
}

/** The interface of sets, of a connector that takes them. */
export function exportedBulk(verbs, host) {
  return exported(verbs, host, BULK);
}

/** An `HttpError` that nobody caught is advice too; what is neither is a mistake in the plugin, and ends the call as one. */
function advice(error) {
  return error instanceof HttpError ? error.toFailure() : error;
}

