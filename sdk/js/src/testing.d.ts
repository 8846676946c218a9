// The types of the host that is not there.

import type {
  Account, Column, Connector, CrmObject, Direction, Field, Hint, HttpRequest, Instant, Mapped, Mapper, Outcome, Page,
  PullRequest, Segment, Value, Webhook, Window, Write, Written,
} from './index.js';

export interface Answer { tag: 'ok' | 'err'; val: unknown }
export function answer(status: number, body?: string | Uint8Array, headers?: [string, string][]): Answer;
export function jsonAnswer(status: number, body: unknown): Answer;
export function lost(
  kind: 'denied' | 'unauthorized' | 'exhausted' | 'unreachable' | 'unanswered' | 'too-large', detail?: unknown,
): Answer;
export class FakeHttp {
  constructor(script?: (request: HttpRequest) => Answer | undefined);
  readonly sent: HttpRequest[];
  readonly sentJson: any[];
  expect(method: string, target: string, given: Answer): this;
  done(): void;
}
export interface Hosted {
  check(): Account;
  objects(): CrmObject[];
  fields(object: string): Field[];
  segments(object: string): Segment[];
  pull(request: Partial<PullRequest> & { object: string }): Page;
  partition(request: Partial<PullRequest> & { object: string }, most: number): string[];
  gone(object: string, window: Window, token?: string): Page;
  push(object: string, writes: Write[]): Outcome[];
  resolve(object: string, writes: Write[]): (Written | undefined)[];
  receive(request: Webhook): Hint[];
}
export function hosted(
  plugin: Connector,
  host?: { http?: FakeHttp; settings?: unknown; now?: Instant; signed?: string; log?: (level: string, message: string) => void },
): Hosted;
export function opened(
  plugin: Mapper, configuration: string, direction: Direction, input: Column[],
): { output(): Column[]; rows(rows: Value[][]): Mapped[] };
