// Entry of the component of a connector that takes sets: the other entry, and one interface more. Only the build reads this file.

import { send, sendAll } from 'ferry:crm/http@0.1.0';
import { write } from 'ferry:crm/log@0.1.0';
import { hmacSha256 } from 'ferry:crm/signature@0.1.0';

import plugin from 'ferry-plugin';
import { exportedBulk } from 'ferry-sdk/connector';

export { connector } from './connector.js';
export const bulk = exportedBulk(plugin, { send, sendAll, hmacSha256, log: write });
