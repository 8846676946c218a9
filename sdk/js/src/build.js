// Makes a component of a plugin's module: bundles it, puts it into a JavaScript engine, stamps it. `ferry plugin pack` does the rest.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { componentize } from '@bytecodealliance/componentize-js';
import { build as bundle } from 'esbuild';

import { KIND } from './connector.js';
import { CONTRACT } from './contract.js';
import { stamped } from './stamp.js';

const SDK = path.dirname(fileURLToPath(import.meta.url));

/** What the engine would import beyond the contract. A mapper gets nothing at all: no clock, no randomness. */
const WITHOUT = {
  connector: ['http', 'fetch-event', 'stdio'],
  'bulk-connector': ['http', 'fetch-event', 'stdio'],
  mapper: ['http', 'fetch-event', 'stdio', 'clocks', 'random'],
};

/** What the author has to mend, in one sentence. */
export class BuildError extends Error {}

/**
 * @param {{ entry: string, out: string }} options
 * @returns {Promise<{ kind: 'connector' | 'bulk-connector' | 'mapper', bytes: number }>}
 */
export async function build({ entry, out }) {
  if (!existsSync(entry)) throw new BuildError(`there is no \`${entry}\`: name the plugin's module with --entry`);
  const work = await mkdtemp(path.join(tmpdir(), 'ferry-build-'));
  try {
    const kind = await kindOf(entry, work);
    const source = path.join(work, 'component.js');
    await bundled(path.join(SDK, 'component', `${kind}.js`), source, entry);
    const made = await componentize({
      sourcePath: source,
      witPath: contract(),
      worldName: `${kind}-plugin`,
      disableFeatures: WITHOUT[kind],
    });
    const { version } = JSON.parse(await readFile(path.join(SDK, '../package.json'), 'utf8'));
    const component = stamped(made.component, { sdk: 'js', version, contract: CONTRACT });
    await mkdir(path.dirname(path.resolve(out)), { recursive: true });
    await writeFile(out, component);
    return { kind, bytes: component.length };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Loads the module as a test would: what does not load here would not start in the sandbox either. */
async function kindOf(entry, work) {
  const probe = path.join(work, 'plugin.mjs');
  await bundled(entry, probe, entry);
  const { default: plugin } = await import(pathToFileURL(probe).href);
  const kind = plugin?.[KIND];
  if (kind === undefined) throw new BuildError(`\`${entry}\` has no default export made by \`connector\` or \`mapper\``);
  return kind;
}

async function bundled(from, to, plugin) {
  await bundle({
    entryPoints: [from],
    outfile: to,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    // What belongs to Node.js has no place in the sandbox; naming it is an error here and not a riddle there.
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['ferry:*'],
    alias: {
      'ferry-plugin': path.resolve(plugin),
      'ferry-sdk/connector': path.join(SDK, 'connector.js'),
      'ferry-sdk/mapper': path.join(SDK, 'mapper.js'),
      'ferry-sdk': path.join(SDK, 'index.js'),
    },
    logLevel: 'error',
  });
}

/** The contract: beside the SDK where it was packed, else that of the repository. */
function contract() {
  const places = [path.join(SDK, '../wit'), path.join(SDK, '../../../wit')];
  const found = places.find((place) => existsSync(path.join(place, 'types.wit')));
  if (found === undefined) throw new BuildError(`the contract is neither at ${places.join(' nor at ')}: install the SDK anew`);
  return found;
}
