// Why a call gives nothing, as advice to the host: throw one of these. Messages are for people; no secrets, no values.

/** @import { Problem } from './index.js' */

import { microseconds, problem } from './value.js';

export class Failure extends Error {
  /** @param {string} tag @param {unknown} [val] @param {string} [message] */
  constructor(tag, val, message = tag) {
    super(message);
    this.name = new.target.name;
    /** What the host gets: the contract's variant. */
    this.payload = val === undefined && !OPTIONAL.has(tag) ? { tag } : { tag, val };
  }
}

/** Cases whose content may be missing. */
const OPTIONAL = new Set(['rate-limited', 'quota-exhausted', 'window-too-large']);

/** The sign-in is no longer accepted; a person must connect again. */
export class Unauthorized extends Failure {
  constructor(message) {
    super('unauthorized', message, message);
  }
}

/** These permissions are missing; an administrator of the CRM can give them. */
export class Forbidden extends Failure {
  /** @param {string[]} permissions */
  constructor(permissions) {
    super('forbidden', permissions, `these permissions are missing: ${permissions.join(', ')}`);
  }
}

/** Ask again after so many milliseconds, or when the host thinks fit. */
export class RateLimited extends Failure {
  /** @param {number} [waitMs] */
  constructor(waitMs) {
    super('rate-limited', waitMs === undefined ? undefined : Math.min(Math.max(0, Math.ceil(waitMs)), 0xffff_ffff));
  }
}

/** The allowance is used up until then. */
export class QuotaExhausted extends Failure {
  /** @param {Date | string | bigint} [until] */
  constructor(until) {
    super('quota-exhausted', until === undefined ? undefined : microseconds(until));
  }
}

/** The window holds more than the CRM will page through: so many, if known. */
export class WindowTooLarge extends Failure {
  /** @param {number | bigint} [records] */
  constructor(records) {
    super('window-too-large', records === undefined ? undefined : BigInt(records));
  }
}

/** The page token is no longer good; the host starts the slice again. */
export class TokenExpired extends Failure {
  constructor() {
    super('token-expired');
  }
}

/** The object, field or segment of this name is not there. */
export class Missing extends Failure {
  constructor(name) {
    super('missing', name, `there is no ${name}`);
  }
}

/** This connector or this CRM can't do that. */
export class Unsupported extends Failure {
  constructor(message) {
    super('unsupported', message, message);
  }
}

/** The settings or the request are wrong. */
export class Invalid extends Failure {
  /** @param {string | Problem[]} field a field's name, with a message; or problems @param {string} [message] */
  constructor(field, message) {
    super('invalid', Array.isArray(field) ? field : [problem(field, message)], message);
  }
}

/** It may work later. */
export class Temporary extends Failure {
  constructor(message) {
    super('temporary', message, message);
  }
}

/** It will not work by itself. */
export class Permanent extends Failure {
  constructor(message) {
    super('permanent', message, message);
  }
}

/** The CRM answered with something that is not what it promises: an outage in the middle is likelier than a CRM that changed. */
export function malformed(what) {
  return new Temporary(`the CRM's answer can't be read: ${what}`);
}
