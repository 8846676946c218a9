// Entry of a mapper's component. It has no way to the outside: its console is silent. Only the build reads this file.

import './pure.js';

import { consoleTo } from './console.js';
import plugin from 'ferry-plugin';
import { exportedMapper } from 'ferry-sdk/mapper';

consoleTo(() => {});

export const mapper = exportedMapper(plugin);
