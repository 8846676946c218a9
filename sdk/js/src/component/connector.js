// Entry of a connector's component: joins the author's module with what the host offers. Only the build reads this file.

import { send, sendAll } from 'ferry:crm/http@0.1.0';
import { write } from 'ferry:crm/log@0.1.0';
import { hmacSha256 } from 'ferry:crm/signature@0.1.0';

import { consoleTo } from './console.js';
import plugin from 'ferry-plugin';
import { exported } from 'ferry-sdk/connector';

consoleTo(write);

export const connector = exported(plugin, { send, sendAll, hmacSha256, log: write });
