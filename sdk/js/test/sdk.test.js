import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  collected, connector, CONTRACT, date, decimal, fieldOf, HttpError, instant, integer, isoText, json, later, mapper, NULL, objectOf,
  nothingTaken, oneByOne, pageOf, Permanent, RateLimited, readToken, stillAtWork, Temporary, text, texts, toJson, TokenExpired, Unauthorized, unknown,
  Unsupported, writeToken, written,
} from 'ferry-sdk';
import { answer, FakeHttp, hosted, jsonAnswer, lost } from 'ferry-sdk/testing';

import { stamped } from '../src/stamp.js';

const verbs = (more = {}) =>
  connector({ check: () => ({}), objects: () => [], fields: () => [], pull: () => pageOf([]), ...more });

test('this SDK speaks the contract that it was shipped with', () => {
  const places = [new URL('../wit/types.wit', import.meta.url), new URL('../../../wit/types.wit', import.meta.url)];
  const wit = readFileSync(places.find(existsSync), 'utf8');
  assert.equal(CONTRACT, /^package ferry:crm@(.+);/.exec(wit)[1]);
  for (const [file, number] of [['connector', 3], ['bulk-connector', 3], ['mapper', 0]]) {
    const entry = readFileSync(new URL(`../src/component/${file}.js`, import.meta.url), 'utf8');
    assert.equal(entry.split(`@${CONTRACT}'`).length - 1, number);
  }
});

test('values are what the contract takes', () => {
  assert.deepEqual(text(undefined), NULL);
  assert.deepEqual(integer(9007199254740993n), { tag: 'integer', val: 9007199254740993n });
  assert.throws(() => integer(1.5), TypeError);
  assert.throws(() => integer(2n ** 63n), TypeError);
  assert.deepEqual(decimal('12.50'), { tag: 'decimal', val: '12.50' });
  for (const [number, digits] of [[1e21, '1000000000000000000000'], [-1.25e-7, '-0.000000125'], [1.5e22, '15000000000000000000000']]) {
    assert.equal(decimal(number).val, digits);
  }
  assert.throws(() => decimal('1e3'), TypeError);
  assert.throws(() => decimal(Number.NaN), TypeError);
  assert.deepEqual(date('1970-01-02'), { tag: 'date', val: 1 });
  assert.throws(() => date('2024-02-31'), TypeError);
  assert.deepEqual(texts(['a']), { tag: 'texts', val: ['a'] });
});

test('an instant keeps its microseconds both ways', () => {
  for (const written of ['2024-05-01T10:00:00.123456Z', '2024-05-01T10:00:00.120Z', '1969-12-31T23:59:59.999999Z']) {
    assert.equal(isoText(instant(written).val), written);
  }
  assert.equal(isoText(instant('2024-05-01T12:00:00+02:00').val), '2024-05-01T10:00:00.000Z');
  assert.throws(() => instant('yesterday'), TypeError);
});

test('JSON becomes values, and values JSON', () => {
  for (const given of ['a', true, 3, null, ['x', 'y']]) assert.deepEqual(toJson(json(given)), given);
  assert.deepEqual(json(0.5), { tag: 'decimal', val: '0.5' });
  assert.deepEqual(json({ a: 1 }), text('{"a":1}'));
  assert.equal(toJson(date('2024-05-01')), '2024-05-01');
});

test('a connector takes writes in sets, or leaves them to the host', () => {
  const least = (call, object) => (object === 'contacts' ? 2000 : undefined);
  const bulk = { least, open: (call, object, writes) => `set-${writes.length}`, submit() {}, collect: () => stillAtWork(50) };
  const host = hosted(verbs(bulk));
  assert.deepEqual([host.least('contacts'), host.least('x'), host.open('contacts', [1, 2])], [2000, undefined, 'set-2']);
  assert.deepEqual(host.collect('contacts', 'set-2', []), { tag: 'wait', val: 50 });
  assert.deepEqual([collected([written('1')]).tag, nothingTaken().tag], ['outcomes', 'void']);
  assert.throws(() => verbs({ least }), /need all of least, open, submit, collect/);
  assert.throws(() => hosted(verbs()).open('x', []), Unsupported);
});

test('an error of the way out that nobody caught is advice', () => {
  const cases = [['denied', 'no', Permanent], ['unauthorized', 'no', Unauthorized], ['exhausted', 50, RateLimited],
    ['unreachable', 'no', Temporary], ['unanswered', 'cut', Temporary], ['too-large', 9n, Permanent]];
  for (const [kind, detail, expected] of cases) {
    const http = new FakeHttp().expect('get', '/me', lost(kind, detail));
    assert.throws(() => hosted(verbs({ check: (call) => call.http.get('/me') }), { http }).check(), expected, kind);
  }
});

test('a mistake in a plugin is no advice', () => {
  assert.throws(() => hosted(verbs({ check: () => undefined.name })).check(), TypeError);
});

test('an answer that is no JSON is the temporary kind, and is not quoted', () => {
  const http = new FakeHttp().expect('get', '/me', answer(200, 'secret <html>'));
  const check = (call) => call.http.get('/me').json();
  assert.throws(() => hosted(verbs({ check }), { http }).check(), (error) =>
    error instanceof Temporary && !error.message.includes('secret'));
});

test('requests side by side are answered in order', () => {
  const http = new FakeHttp().expect('get', '/a', jsonAnswer(200, 1)).expect('get', '/b', lost('unanswered', 'cut'));
  const check = (call) => {
    const base = { query: [], headers: [], repeatable: true };
    return call.http.sendAll([{ method: 'get', target: '/a', ...base }, { method: 'get', target: '/b', ...base }]);
  };
  const [one, two] = hosted(verbs({ check }), { http }).check();
  assert.equal(one.json(), 1);
  assert.ok(two instanceof HttpError && two.kind === 'unanswered');
});

test('only a search may be repeated, and only where it says so', () => {
  const http = new FakeHttp((request) => answer(request.repeatable ? 200 : 201));
  const check = (call) => ['get', 'put', 'delete', 'post', 'patch'].map((method) => call.http[method]('/').status);
  assert.deepEqual(hosted(verbs({ check }), { http }).check(), [200, 200, 200, 201, 201]);
});

test('a verb that is not there says so, and segments are none', () => {
  const host = hosted(verbs());
  assert.throws(() => host.push('x', []), Unsupported);
  assert.deepEqual(host.segments('x'), []);
  assert.throws(() => connector({ check() {} }), /needs a function `objects`/);
  assert.throws(() => verbs({ pul() {} }), /`pul` is no verb/);
  assert.throws(() => mapper({ reads() {} }), /needs a function `open`/);
  assert.throws(() => objectOf('a', 'A', ['fly']), /`fly` is no ability/);
  assert.equal(fieldOf('a', 'A', 'text', { required: true }).required, true);
});

test('writes one by one: what is lost is unknown, and what comes after a failure waits', () => {
  const answers = [written('1'), new HttpError({ tag: 'unanswered', val: 'cut' }), new RateLimited(500), written('4')];
  const next = () => {
    const given = answers.shift();
    if (given instanceof Error) throw given;
    return given;
  };
  assert.deepEqual(oneByOne([1, 2, 3, 4], next), [written('1'), unknown('cut'), later(500), later(500)]);
  assert.throws(() => oneByOne([1], () => { throw new RateLimited(); }), RateLimited);
  assert.deepEqual(oneByOne([1], () => { throw new Temporary('500'); }), [unknown('500')]);
});

test('a token comes back as it was written, and a strange one has expired', () => {
  assert.deepEqual(readToken(writeToken({ page: 2 }), { page: 1 }), { page: 2 });
  assert.deepEqual(readToken(undefined, { page: 1 }), { page: 1 });
  for (const strange of ['', 'x', '3', 'null']) assert.throws(() => readToken(strange, {}), TokenExpired);
});

test('a fake host is strict', () => {
  const http = new FakeHttp().expect('get', '/a', answer(200));
  const check = (call) => call.http.get('/b');
  assert.throws(() => hosted(verbs({ check }), { http }).check(), /sent get \/b, expected get \/a/);
  assert.throws(() => hosted(verbs({ check })).check(), /nobody expects get \/b/);
  assert.throws(() => new FakeHttp().expect('get', '/a', answer(200)).done(), /never sent: get \/a/);
});

test('the stamp is a custom section behind the component', () => {
  const bytes = stamped(Buffer.from([1, 2]), { sdk: 'js' });
  assert.deepEqual([...bytes.subarray(0, 5)], [1, 2, 0, 22, 9]);
  assert.equal(bytes.subarray(5).toString(), 'ferry:sdk{"sdk":"js"}');
});
