// jsforce judges the simulator: unchanged but for its address. One line per check; the first that fails ends the run.
//
// Needs BASE_URL, CONTROL_URL, ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_ID, CLIENT_SECRET, USERNAME, PASSWORD, SECURITY_TOKEN,
// JWT_KEY_FILE, and CONTACTS: how many there are.

import { checks as bulk } from './bulk.mjs'
import { checks as records } from './records.mjs'
import { checks as signIn } from './sign-in.mjs'

for (const [name, check] of Object.entries({ ...signIn, ...records, ...bulk })) {
  try {
    await check()
  } catch (error) {
    console.error(`FAILED ${name}\n${error.stack}\n${JSON.stringify(error.data ?? error)}`)
    process.exit(1)
  }
  console.log(`ok ${name}`)
}
