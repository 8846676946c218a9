// A mapper has no clock and no chance: the same rows give the same rows for ever. The engine would answer from the moment of the
// build, which no author means, so whoever asks is told: a row is refused with this reason.

import { Impure } from 'ferry-sdk/mapper';

const refuse = (what) => () => {
  throw new Impure(`a mapper has no ${what}: the same rows must always give the same rows`);
};
const noClock = refuse('clock');
const noChance = refuse('randomness');

Math.random = noChance;
for (const name of ['getRandomValues', 'randomUUID']) if (globalThis.crypto?.[name]) globalThis.crypto[name] = noChance;
if (globalThis.performance) globalThis.performance.now = noClock;

const Real = Date;
globalThis.Date = new Proxy(Real, {
  construct: (target, given, made) => (given.length === 0 ? noClock() : Reflect.construct(target, given, made)),
  apply: noClock,
  get: (target, name) => (name === 'now' ? noClock : Reflect.get(target, name)),
});
Real.prototype.constructor = globalThis.Date;
