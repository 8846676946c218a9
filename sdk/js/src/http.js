// The way out: requests that the host signs in, paces and repeats, and their answers.

/** @import { HttpRequest, RequestOptions } from './index.js' */

import { Failure, malformed, Permanent, RateLimited, Temporary, Unauthorized } from './failure.js';

const METHODS = new Set(['get', 'head', 'post', 'put', 'patch', 'delete']);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Why there was no answer. Uncaught, it becomes the advice for a call that only reads: see `toFailure`. */
export class HttpError extends Error {
  /** @param {{ tag: string, val?: unknown }} error the contract's variant */
  constructor({ tag, val }) {
    super(typeof val === 'string' ? val : tag);
    this.name = 'HttpError';
    /** `denied`, `unauthorized`, `exhausted`, `unreachable` (not sent), `unanswered` (sent, answer lost) or `too-large`. */
    this.kind = tag;
    /** Milliseconds for `exhausted`, bytes for `too-large`. */
    this.detail = val;
  }

  /** For calls that only read: what was lost can be asked again. A write decides for itself what `unanswered` means. */
  toFailure() {
    switch (this.kind) {
      case 'denied':
        return new Permanent(this.message);
      case 'unauthorized':
        return new Unauthorized(this.message);
      case 'exhausted':
        return new RateLimited(this.detail ?? undefined);
      case 'too-large':
        return new Permanent(`the CRM's answer is larger than ${this.detail} bytes`);
      default:
        return new Temporary(this.message);
    }
  }
}

/** An answer, whatever its status. */
export class Response {
  /** @param {{ status: number, headers: [string, string][], body: Uint8Array }} answer */
  constructor({ status, headers, body }) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  /** The first header of this name. @param {string} name */
  header(name) {
    const lower = name.toLowerCase();
    return this.headers.find(([key]) => key === lower)?.[1];
  }

  text() {
    return decoder.decode(this.body);
  }

  /** The body as JSON; `Temporary` where it is none. */
  json() {
    try {
      return JSON.parse(this.text());
    } catch {
      // The engine's message may quote the body, which is a customer's.
      throw malformed(this.body.length === 0 ? 'it is empty' : 'it is not JSON');
    }
  }
}

/** @param {string} method @param {string} target @param {RequestOptions} [options] @returns {HttpRequest} */
export function request(method, target, { query, headers, json, body, repeatable, bucket } = {}) {
  if (!METHODS.has(method)) throw new TypeError(`\`${method}\` is not a method: ${[...METHODS].join(', ')}`);
  const lines = pairs(headers);
  if (json !== undefined) lines.push(['content-type', 'application/json']);
  const bytes = json === undefined ? body : JSON.stringify(json);
  return {
    method,
    target,
    query: pairs(query),
    headers: lines,
    body: typeof bytes === 'string' ? encoder.encode(bytes) : bytes,
    repeatable: repeatable ?? !(method === 'post' || method === 'patch'),
    bucket,
  };
}

/** An object or a list of pairs; what is undefined or null is left out. */
function pairs(given = []) {
  const list = Array.isArray(given) ? given : Object.entries(given);
  return list.filter(([, value]) => value !== undefined && value !== null).map(([name, value]) => [name, String(value)]);
}

/** What a call sends through. */
export class Http {
  #transport;

  /** @param {{ send: Function, sendAll: Function }} transport */
  constructor(transport) {
    this.#transport = transport;
  }

  /** Sends one request; throws an `HttpError` where there is no answer. @param {HttpRequest} request */
  send(request) {
    try {
      return new Response(this.#transport.send(request));
    } catch (error) {
      throw error?.payload?.tag && !(error instanceof Failure) ? new HttpError(error.payload) : error;
    }
  }

  /** Side by side as far as the limits allow: a `Response` or an `HttpError` for each, in order. @param {HttpRequest[]} requests */
  sendAll(requests) {
    const answers = this.#transport.sendAll(requests);
    return answers.map((answer) => (answer.tag === 'ok' ? new Response(answer.val) : new HttpError(answer.val)));
  }

  get(target, options) {
    return this.send(request('get', target, options));
  }

  head(target, options) {
    return this.send(request('head', target, options));
  }

  post(target, options) {
    return this.send(request('post', target, options));
  }

  put(target, options) {
    return this.send(request('put', target, options));
  }

  patch(target, options) {
    return this.send(request('patch', target, options));
  }

  delete(target, options) {
    return this.send(request('delete', target, options));
  }
}
