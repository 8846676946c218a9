// HubSpot's own client for Node.js judges the simulator: unchanged but for its base address. One line per check; the first
// that fails ends the run.
//
// Needs BASE_URL, CONTROL_URL, ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_ID, CLIENT_SECRET, and CONTACTS: how many there are.

import { checks as account } from './account.mjs'
import { checks as records } from './records.mjs'

for (const [name, check] of Object.entries({ ...records, ...account })) {
  try {
    await check()
  } catch (error) {
    console.error(`FAILED ${name}\n${error.stack}`)
    process.exit(1)
  }
  console.log(`ok ${name}`)
}
