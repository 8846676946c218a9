import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mapped, Mistakes, NULL, refused, problem, skipped, text } from 'ferry-sdk';
import { opened } from 'ferry-sdk/testing';

import plugin from '../src/plugin.js';

const INPUT = [{ name: 'name', kind: 'text' }, { name: 'mail', kind: 'email' }];

test('a name is split and the rest is copied', () => {
  const mapping = opened(plugin, '{"name": "name", "copy": {"email": "mail"}}', 'inbound', INPUT);
  assert.deepEqual(mapping.output().map(({ name }) => name), ['first_name', 'last_name', 'email']);
  assert.deepEqual(mapping.rows([[text('Ada King Lovelace'), NULL], [text('Plato'), text('p@x')], [NULL, NULL], [NULL]]), [
    mapped([text('Ada King'), text('Lovelace'), NULL]),
    mapped([text('Plato'), NULL, text('p@x')]),
    skipped('it has no name'),
    refused([problem(undefined, 'the row has 1 values for 2 columns')]),
  ]);
});

test('it reads the columns that it names', () => {
  assert.deepEqual(plugin.reads('{"name": "name", "copy": {"email": "mail"}}', 'inbound'), ['name', 'mail']);
});

test('all mistakes of a configuration are told', () => {
  assert.throws(
    () => plugin.reads('{"copy": {"email": 3}}', 'inbound'),
    (error) => error instanceof Mistakes && error.payload.map(({ path }) => path).join() === 'name,copy',
  );
});
