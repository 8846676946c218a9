// What a script finds around it: the language without time, chance and memory. Called once, before any script, with the function
// that notes what a row asked for in vain.
(function (denied) {
  'use strict';

  // Time. A date that is said is the same for ever; the one of today is not.
  const now = () => denied('the time of day');
  const Dated = new Proxy(Date, {
    apply: now,
    construct(target, words, wanted) {
      return words.length === 0 ? now() : Reflect.construct(target, words, wanted === Dated ? target : wanted);
    },
  });
  Date.now = now;
  Date.prototype.constructor = Dated;
  globalThis.Date = Dated;

  // Chance, and what tells when memory was cleared or how fast the machine is.
  Math.random = () => denied('a random number');
  for (const name of ['WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics']) delete globalThis[name];

  // A field that a row does not have is a slip of the script, and not an empty value.
  const quiet = new Set(['toJSON', 'then', 'constructor']);
  const absent = new Proxy(Object.create(null), {
    has: () => false,
    get(_, name) {
      if (typeof name === 'symbol' || quiet.has(name)) return undefined;
      throw new TypeError(`the row has no field \`${name}\`; name it in \`reads\``);
    },
  });

  // Memory. What a script can reach from here can't be changed, so nothing that a row leaves is there for the next one.
  const seen = new Set();
  const freeze = (thing) => {
    if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null || seen.has(thing)) return;
    seen.add(thing);
    Object.freeze(thing);
    freeze(Object.getPrototypeOf(thing));
    for (const key of Reflect.ownKeys(thing)) {
      const { value, get, set } = Object.getOwnPropertyDescriptor(thing, key);
      [value, get, set].forEach(freeze);
    }
  };
  const hidden = [
    function* () {}, async () => {}, async function* () {}, (function* () {})(), (async function* () {})(),
    [].values(), ''[Symbol.iterator](), new Map().entries(), new Set().values(), ''.matchAll(/a/g),
    [].values().map((value) => value), Iterator.from({ next() {} }), Object.getPrototypeOf(Int8Array),
  ];
  [globalThis, Date, absent, ...hidden].forEach(freeze);
  return absent;
});
