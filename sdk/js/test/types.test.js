// The SDK's types are those of the contract: compared, type by type, with what the contract itself gives.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { CONTRACT } from 'ferry-sdk';

// Not among what the package exports, and pinned with it: the exported function can't read a folder under every Node.js.
import {
  $init, generateTypes,
} from '../node_modules/@bytecodealliance/jco-transpile/vendor/js-component-bindgen-component.js';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const TSC = path.join(HERE, '../node_modules/typescript/bin/tsc');
const WIT = [path.join(HERE, '../wit'), path.join(HERE, '../../../wit')].find((place) => existsSync(path.join(place, 'types.wit')));

/** Types of the SDK by their names in the contract, where they are called otherwise. */
const OF_CONNECTORS = {
  Row: 'Row', Tombstone: 'Tombstone', Problem: 'Problem', Value: 'Value', Instant: 'Instant', Account: 'Account', Choice: 'Choice',
  Field: 'Field', Kind: 'FieldKind', Segment: 'Segment', Comparison: 'Comparison', Condition: 'Condition', Window: 'Window', Slice: 'Slice',
  PullRequest: 'PullRequest', Page: 'Page', Operation: 'Operation', Link: 'Link', Write: 'Write', Written: 'Written', Outcome: 'Outcome',
  Webhook: 'Webhook', Hint: 'Hint',
};
const OF_MAPPERS = { Direction: 'Direction', Kind: 'ColumnKind', Column: 'Column', Mistake: 'Mistake', Mapped: 'Mapped' };
const BULK = ['least', 'open', 'submit', 'collect'];
const VERBS = ['check', 'objects', 'fields', 'segments', 'pull', 'partition', 'gone', 'push', 'resolve', 'receive'];

function generated(world) {
  const texts = readdirSync(WIT).filter((name) => name.endsWith('.wit')).map((name) => readFileSync(path.join(WIT, name), 'utf8'));
  const source = [`package ferry:crm@${CONTRACT};`, ...texts.map((text) => text.replace(/^package .*$/m, ''))].join('\n');
  const options = {
    wit: { tag: 'source', val: source }, world, guest: true, features: { tag: 'list', val: [] }, tlaCompat: false,
    flagsAsBigint: false, variantsInlineCases: false, useNamespaceObjects: false, enumValuesScreamingSnakeCase: false,
  };
  return generateTypes(world, options);
}

function check(sdk) {
  const lines = [
    `import type * as sdk from ${JSON.stringify(sdk)};`,
    `import type * as connector from 'ferry:crm/connector@${CONTRACT}';`,
    `import type * as bulk from 'ferry:crm/bulk@${CONTRACT}';`,
    `import type * as mapper from 'ferry:crm/mapper@${CONTRACT}';`,
    `import type * as http from 'ferry:crm/http@${CONTRACT}';`,
    'type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;',
    'type Flat<T> = T extends bigint | string | number | boolean | undefined | Uint8Array ? T : { [K in keyof T]: Flat<T[K]> };',
    'type Alike<A, B> = Same<Flat<A>, Flat<B>>;',
    'type Rest<F> = F extends (first: any, ...rest: infer R) => unknown ? Required<R> : never;',
    'type Gives<F> = F extends (...all: any[]) => infer R ? R : never;',
    'declare function alike<T extends true>(): void;',
  ];
  const alike = (one, other) => lines.push(`alike<Alike<${one}, ${other}>>();`);
  for (const [name, ours] of Object.entries(OF_CONNECTORS)) alike(`sdk.${ours}`, `connector.${name}`);
  for (const [name, ours] of Object.entries(OF_MAPPERS)) alike(`sdk.${ours}`, `mapper.${name}`);
  alike('sdk.CrmObject["abilities"]', 'Required<connector.Abilities>');
  alike('Omit<sdk.CrmObject, "abilities">', 'Omit<connector.Object, "abilities">');
  alike('sdk.HttpRequest', 'http.Request');
  alike('sdk.Method', 'http.Method');
  for (const verb of VERBS) {
    const ours = `NonNullable<sdk.Connector["${verb}"]>`;
    alike(`Rest<${ours}>`, `Rest<typeof connector.${verb}>`);
    if (verb !== 'objects') alike(`Gives<${ours}>`, `Gives<typeof connector.${verb}>`);
  }
  alike('sdk.Collected', 'bulk.Collected');
  for (const verb of BULK) {
    const ours = `NonNullable<sdk.Connector["${verb}"]>`;
    alike(`Rest<${ours}>`, `Rest<typeof bulk.${verb}>`);
    alike(`Gives<${ours}>`, `Gives<typeof bulk.${verb}>`);
  }
  return lines.join('\n');
}

/** What the compiler says of the check; nothing where all is well. */
async function compiled(text, folder) {
  await writeFile(path.join(folder, 'check.ts'), text);
  const options = { strict: true, noEmit: true, skipLibCheck: false, module: 'nodenext', target: 'es2022', types: [] };
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['**/*.ts'] }));
  return new Promise((done) => execFile(process.execPath, [TSC, '-p', folder], (error, stdout) => done(error ? stdout : '')));
}

test('the types are those of the contract', async () => {
  const folder = await mkdtemp(path.join(HERE, '.types-'));
  try {
    await $init;
    // What both worlds have is the same file.
    for (const [name, bytes] of [...generated('bulk-connector-plugin'), ...generated('mapper-plugin')]) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), bytes);
    }
    const text = check('../../src/index.js');
    assert.equal(await compiled(text, folder), '');
    // And a type that is another one is seen.
    assert.match(await compiled(`${text}\nalike<Alike<sdk.Tombstone, connector.Row>>();`, folder), /check\.ts/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
