// The types of what a plugin's code imports. The contract's own comments stand in `wit/`.

/** Microseconds since 1970-01-01T00:00:00Z. */
export type Instant = bigint;

export type Value =
  | { tag: 'null' }
  | { tag: 'boolean'; val: boolean }
  | { tag: 'integer'; val: bigint }
  | { tag: 'decimal'; val: string }
  | { tag: 'text'; val: string }
  | { tag: 'instant'; val: Instant }
  | { tag: 'date'; val: number }
  | { tag: 'texts'; val: string[] };

export interface Row { id: string; modified?: Instant; version?: string; values: Value[] }
/** The record that another one lives on in: of another object after a conversion. */
export interface Successor { object: string; id: string }
export interface Tombstone { id: string; at?: Instant; into?: Successor }
export interface Problem { field?: string; message: string }

export interface Account { id: string; name: string; timeZone?: string; lacking: string[] }
export type Ability =
  | 'pull' | 'windows' | 'partitions' | 'gone' | 'create' | 'update' | 'upsert' | 'delete' | 'conditional' | 'links'
  | 'receive' | 'keyed';
export interface CrmObject { name: string; label: string; custom: boolean; abilities: Record<Ability, boolean>; lateness: number }
export type FieldKind =
  | 'boolean' | 'integer' | 'decimal' | 'text' | 'long-text' | 'email' | 'phone' | 'url' | 'instant' | 'date' | 'choice'
  | 'choices' | 'reference' | 'opaque';
export interface Choice { value: string; label: string; hidden: boolean }
export interface Field {
  name: string; label: string; kind: FieldKind; choices: Choice[]; refersTo: string[]; required: boolean; writable: boolean;
  unique: boolean; custom: boolean; derived: boolean; length?: number;
}
export interface Segment { id: string; name: string; size?: bigint; changesByItself: boolean }
export type Comparison =
  | 'equal' | 'not-equal' | 'less' | 'less-or-equal' | 'greater' | 'greater-or-equal' | 'one-of' | 'none-of' | 'contains'
  | 'present' | 'absent';
export interface Condition { field: string; comparison: Comparison; values: Value[] }
export interface Window { since: Instant; before: Instant }
export type Slice = { tag: 'all' } | { tag: 'window'; val: Window } | { tag: 'ids'; val: string[] };
export interface PullRequest {
  object: string; columns: string[]; filter: Condition[]; segment?: string; slice: Slice; token?: string; limit: number;
}
export interface Page { rows: Row[]; gone: Tombstone[]; next?: string; wait?: number; total?: bigint }
export type Operation =
  | { tag: 'create' } | { tag: 'update'; val: string } | { tag: 'upsert'; val: [string, Value] } | { tag: 'delete'; val: string };
export interface Link { label?: string; object: string; id: string }
export interface Write { key: string; operation: Operation; values: [string, Value][]; links: Link[]; version?: string }
export interface Written { id: string; created: boolean; modified?: Instant; version?: string }
export type Outcome =
  | { tag: 'written'; val: Written } | { tag: 'unchanged'; val: Written } | { tag: 'conflict' }
  | { tag: 'rejected'; val: Problem[] } | { tag: 'later'; val: number | undefined } | { tag: 'unknown'; val: string };
export type Collected = { tag: 'wait'; val: number } | { tag: 'outcomes'; val: Outcome[] } | { tag: 'void' };
export interface Webhook { method: string; target: string; headers: [string, string][]; body: Uint8Array }
export interface Hint { object: string; ids: string[]; gone: boolean }

export type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete';
export interface HttpRequest {
  method: Method; target: string; query: [string, string][]; headers: [string, string][]; body?: Uint8Array;
  repeatable: boolean; bucket?: string;
}
type Pairs = Record<string, unknown> | [string, unknown][];
export interface RequestOptions {
  /** As they are meant: the host encodes them. What is undefined or null is left out. */
  query?: Pairs;
  headers?: Pairs;
  json?: unknown;
  body?: string | Uint8Array;
  /** The host may send it again when a reply was lost. All methods but `post` and `patch` are so by themselves. */
  repeatable?: boolean;
  bucket?: string;
}
export class Response {
  constructor(answer: { status: number; headers: [string, string][]; body: Uint8Array });
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array;
  readonly ok: boolean;
  header(name: string): string | undefined;
  text(): string;
  json(): any;
}
export class HttpError extends Error {
  constructor(error: { tag: string; val?: unknown });
  readonly kind: 'denied' | 'unauthorized' | 'exhausted' | 'unreachable' | 'unanswered' | 'too-large';
  readonly detail: unknown;
  toFailure(): Failure;
}
export interface Http {
  send(request: HttpRequest): Response;
  sendAll(requests: HttpRequest[]): (Response | HttpError)[];
  get(target: string, options?: RequestOptions): Response;
  head(target: string, options?: RequestOptions): Response;
  post(target: string, options?: RequestOptions): Response;
  put(target: string, options?: RequestOptions): Response;
  patch(target: string, options?: RequestOptions): Response;
  delete(target: string, options?: RequestOptions): Response;
}

export interface Call {
  readonly settings: any;
  readonly now: Instant;
  readonly http: Http;
  readonly signature: { hmacSha256(message: Uint8Array, mac: Uint8Array): boolean };
  readonly log: Record<'debug' | 'info' | 'warn' | 'error', (message: string) => void>;
}

/** A connector. Failures are thrown; verbs that a CRM has nothing for are left out. */
export interface Connector {
  check(call: Call): Account;
  objects(call: Call): CrmObject[];
  fields(call: Call, object: string): Field[];
  pull(call: Call, request: PullRequest): Page;
  segments?(call: Call, object: string): Segment[];
  partition?(call: Call, request: PullRequest, most: number): string[];
  gone?(call: Call, object: string, window: Window, token: string | undefined): Page;
  push?(call: Call, object: string, writes: Write[]): Outcome[];
  resolve?(call: Call, object: string, writes: Write[]): (Written | undefined)[];
  receive?(call: Call, request: Webhook): Hint[];
  least?(call: Call, object: string): number | undefined;
  open?(call: Call, object: string, writes: Write[]): string;
  submit?(call: Call, object: string, name: string, writes: Write[]): void;
  collect?(call: Call, object: string, name: string, writes: Write[]): Collected;
}
export function connector<C extends Connector>(verbs: C): C;
export function accountOf(id: string, name: string, more?: { timeZone?: string; lacking?: string[] }): Account;
export function objectOf(
  name: string, label: string, abilities: Ability[], more?: { custom?: boolean; lateness?: number },
): CrmObject;
export function fieldOf(name: string, label: string, kind: FieldKind, more?: Partial<Field>): Field;
export function pageOf(
  rows: Row[], next?: string | null, more?: { gone?: Tombstone[]; waitMs?: number; total?: number | bigint },
): Page;

export type Direction = 'inbound' | 'outbound';
export type ColumnKind =
  | 'boolean' | 'integer' | 'decimal' | 'text' | 'email' | 'phone' | 'url' | 'choice' | 'choices' | 'instant' | 'date' | 'opaque';
export interface Column { name: string; kind: ColumnKind }
export interface Mistake { line?: number; path: string; message: string; hint?: string }
export type Mapped = { tag: 'values'; val: Value[] } | { tag: 'skipped'; val: string } | { tag: 'refused'; val: Problem[] };
export interface Opened { output: Column[]; map(row: Value[]): Mapped }
/** A mapper. The same configuration and the same rows must always give the same answers. */
export interface Mapper {
  reads(configuration: string, direction: Direction): string[];
  open(configuration: string, direction: Direction, input: Column[]): Opened;
}
export function mapper<M extends Mapper>(functions: M): M;
export class Mistakes extends Error {
  constructor(mistakes: (Partial<Mistake> & { message: string })[]);
  readonly payload: Mistake[];
}
export function mapped(values: Value[]): Mapped;
export function skipped(reason: string): Mapped;
export function refused(problems: Problem[]): Mapped;

type Maybe<T> = T | null | undefined;
export const NULL: Value;
export function text(given: Maybe<string | number>): Value;
export function boolean(given: Maybe<boolean>): Value;
export function integer(given: Maybe<number | bigint | string>): Value;
export function decimal(given: Maybe<number | bigint | string>): Value;
export function instant(given: Maybe<Date | string | bigint>): Value;
export function date(given: Maybe<string>): Value;
export function texts(given: Maybe<string[]>): Value;
export function json(given: unknown): Value;
export function plain(value: Value): null | boolean | bigint | string | number | string[];
export function toJson(value: Value): null | boolean | number | string | string[];
export function microseconds(given: Date | string | bigint): Instant;
export function isoText(instant: Instant): string;
export function row(
  id: string, columns: string[], values: Record<string, Value>, more?: { modified?: Maybe<Date | string | bigint>; version?: string },
): Row;
export function problem(field: string | undefined, message: string): Problem;

export class Failure extends Error { constructor(tag: string, val?: unknown, message?: string); readonly payload: { tag: string; val?: unknown } }
export class Unauthorized extends Failure { constructor(message: string) }
export class Forbidden extends Failure { constructor(permissions: string[]) }
export class RateLimited extends Failure { constructor(waitMs?: number) }
export class QuotaExhausted extends Failure { constructor(until?: Date | string | bigint) }
export class WindowTooLarge extends Failure { constructor(records?: number | bigint) }
export class TokenExpired extends Failure { constructor() }
export class Missing extends Failure { constructor(name: string) }
export class Unsupported extends Failure { constructor(message: string) }
export class Invalid extends Failure { constructor(field: string | Problem[], message?: string) }
export class Temporary extends Failure { constructor(message: string) }
export class Permanent extends Failure { constructor(message: string) }
export function malformed(what: string): Temporary;

type Done = { created?: boolean; modified?: Date | string | bigint; version?: string };
export function written(id: string, more?: Done): Outcome;
export function unchanged(id: string, more?: Done): Outcome;
export function conflict(): Outcome;
export function rejected(problems: Problem[]): Outcome;
export function later(waitMs?: number): Outcome;
export function unknown(why: string): Outcome;
export function stillAtWork(waitMs: number): Collected;
export function collected(outcomes: Outcome[]): Collected;
export function nothingTaken(): Collected;
export function found(id: string, more?: Done): Written;
export function oneByOne(writes: Write[], writeOne: (write: Write) => Outcome): Outcome[];

export function writeToken(state: object): string;
export function readToken<S extends object>(token: string | undefined, start: S): S;
export function chunks<T>(list: T[], size: number): Generator<T[]>;

export const CONTRACT: string;
