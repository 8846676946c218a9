// What became of a write, and the order that outcomes keep.

/** @import { Outcome, Problem, Write } from './index.js' */

import { Failure, Temporary } from './failure.js';
import { HttpError } from './http.js';
import { microseconds } from './value.js';

function record(id, { created = false, modified, version } = {}) {
  return { id: String(id), created, modified: modified === undefined ? undefined : microseconds(modified), version };
}

/** It took effect. @returns {Outcome} */
export function written(id, more) {
  return { tag: 'written', val: record(id, more) };
}

/** The record already holds these values: nothing was sent for it. @returns {Outcome} */
export function unchanged(id, more) {
  return { tag: 'unchanged', val: record(id, more) };
}

/** The record has changed since `write.version`. @returns {Outcome} */
export function conflict() {
  return { tag: 'conflict' };
}

/** Refused for what it says. @param {Problem[]} problems @returns {Outcome} */
export function rejected(problems) {
  return { tag: 'rejected', val: problems };
}

/** Refused for now. @param {number} [waitMs] @returns {Outcome} */
export function later(waitMs) {
  return { tag: 'later', val: waitMs };
}

/** Whether it took effect is not known: the host asks `resolve` before it sends it again. @returns {Outcome} */
export function unknown(why) {
  return { tag: 'unknown', val: why };
}

/** The CRM is still at work on a set. @param {number} waitMs */
export function stillAtWork(waitMs) {
  return { tag: 'wait', val: waitMs };
}

/** What became of a set's writes. @param {Outcome[]} outcomes one per write, in order */
export function collected(outcomes) {
  return { tag: 'outcomes', val: outcomes };
}

/** Nothing of a set took effect, and nothing will. */
export function nothingTaken() {
  return { tag: 'void' };
}

/** What `resolve` answers for a write that did arrive. */
export function found(id, more) {
  return record(id, more);
}

/**
 * Writes one after the other and keeps the contract's promise, one outcome per write: where the answer was lost, or the CRM was out
 * of order, the write is `unknown`, and a failure half way leaves the rest for `later`. Only a failure of the very first write is the
 * failure of all, since none took effect.
 * @param {Write[]} writes
 * @param {(write: Write) => Outcome} writeOne
 * @returns {Outcome[]}
 */
export function oneByOne(writes, writeOne) {
  const outcomes = [];
  for (const write of writes) {
    try {
      outcomes.push(writeOne(write));
    } catch (error) {
      if (mayBeDone(error)) {
        outcomes.push(unknown(error.message));
        continue;
      }
      if (!(error instanceof Failure || error instanceof HttpError) || outcomes.length === 0) throw error;
      const failure = error instanceof HttpError ? error.toFailure() : error;
      const wait = failure.payload.tag === 'rate-limited' ? failure.payload.val : undefined;
      return outcomes.concat(writes.slice(outcomes.length).map(() => later(wait)));
    }
  }
  return outcomes;
}

/** Whether a write may have taken effect although it ended like this. */
function mayBeDone(error) {
  if (error instanceof HttpError) return error.kind === 'unanswered' || error.kind === 'too-large';
  return error instanceof Temporary;
}
