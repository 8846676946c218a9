#!/usr/bin/env node
// `ferry-build`: makes a component of the plugin in this folder.

import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { build, BuildError } from '../src/build.js';

const USAGE = `usage: ferry-build [--entry src/plugin.js] [--out dist/plugin.wasm]

Makes a WebAssembly component of a plugin's module; \`ferry plugin pack dist/plugin.wasm\` then makes the file to ship.`;

try {
  const { values } = parseArgs({
    options: { entry: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    console.log(USAGE);
  } else {
    const entry = values.entry ?? (existsSync('src/plugin.ts') ? 'src/plugin.ts' : 'src/plugin.js');
    const out = values.out ?? 'dist/plugin.wasm';
    const { kind, bytes } = await build({ entry, out });
    console.error(`built a ${kind} into ${out} (${(bytes / 1e6).toFixed(1)} MB); next: ferry plugin pack ${out}`);
  }
} catch (error) {
  if (error.code?.startsWith('ERR_PARSE_ARGS')) console.error(`${error.message}\n\n${USAGE}`);
  // The bundler has told what is wrong, and where.
  else if (error.errors) console.error('error: the plugin is no module that can be built');
  else console.error(error instanceof BuildError ? `error: ${error.message}` : error);
  process.exitCode = 1;
}
