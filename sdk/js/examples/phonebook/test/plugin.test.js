import assert from 'node:assert/strict';
import { test } from 'node:test';

import { NULL, pageOf, RateLimited, row, text, unknown, written } from 'ferry-sdk';
import { answer, FakeHttp, hosted, jsonAnswer, lost } from 'ferry-sdk/testing';

import plugin from '../src/plugin.js';

const note = (words) => ({
  key: 'note-1',
  operation: { tag: 'create' },
  values: [['text', text(words)]],
  links: [{ label: undefined, object: 'people', id: '7' }],
  version: undefined,
});

test('a page has its values in the order of the columns', () => {
  const people = { people: [{ id: '1', name: 'Ada', email: null }], next: '2' };
  const http = new FakeHttp().expect('get', '/people', jsonAnswer(200, people));
  const page = hosted(plugin, { http }).pull({ object: 'people', columns: ['email', 'name'] });
  assert.deepEqual(page, pageOf([row('1', ['email', 'name'], { email: NULL, name: text('Ada') })], '2'));
  http.done();
});

test('the next page begins where the one before ended', () => {
  const http = new FakeHttp().expect('get', '/people', jsonAnswer(200, { people: [], next: null }));
  hosted(plugin, { http }).pull({ object: 'people', columns: [], token: '2', limit: 500 });
  assert.deepEqual(http.sent[0].query, [['limit', '100'], ['after', '2']]);
});

test('a CRM that asks for patience gets it', () => {
  const http = new FakeHttp().expect('get', '/me', answer(429));
  assert.throws(() => hosted(plugin, { http }).check(), RateLimited);
});

test('each write has its outcome, and a lost answer is unknown', () => {
  const http = new FakeHttp()
    .expect('post', '/people/7/notes', jsonAnswer(201, { id: 'n1' }))
    .expect('post', '/people/7/notes', lost('unanswered', 'cut'));
  const outcomes = hosted(plugin, { http }).push('notes', [note('one'), note('two')]);
  assert.deepEqual(outcomes, [written('n1', { created: true }), unknown('cut')]);
  assert.deepEqual(http.sentJson[0], { text: 'one' });
  http.done();
});
