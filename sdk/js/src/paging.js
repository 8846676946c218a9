// Page tokens, and lists in pieces.

import { TokenExpired } from './failure.js';

/** A token that holds what the next call needs: nothing else survives between two calls. @param {object} state */
export function writeToken(state) {
  return JSON.stringify(state);
}

/**
 * What `writeToken` wrote; the start where there is no token yet, and `TokenExpired` where it is not one of ours.
 * @template {object} S @param {string | undefined} token @param {S} start @returns {S}
 */
export function readToken(token, start) {
  if (token === undefined || token === null) return start;
  try {
    const state = JSON.parse(token);
    if (typeof state === 'object' && state !== null) return state;
  } catch {
    // Falls through: whatever it is, an older version of the plugin may have written it.
  }
  throw new TokenExpired();
}

/** A list in pieces of at most `size`: for CRMs that take so many ids or records at once. @template T @param {T[]} list */
export function* chunks(list, size) {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}
