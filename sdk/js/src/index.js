// What a plugin's code imports. Plain JavaScript: the same code runs in the sandbox and in a test under Node.js.

export { connector, accountOf, fieldOf, objectOf, pageOf } from './connector.js';
export { mapper, Mistakes, mapped, refused, skipped } from './mapper.js';
export * from './failure.js';
export * from './outcome.js';
export * from './paging.js';
export * from './value.js';
export { HttpError, Response } from './http.js';
export { CONTRACT } from './contract.js';
