// The simulator as jsforce sees it: connections, what a refusal looks like, the levers of the control interface.

import assert from 'node:assert/strict'
import jsforce from 'jsforce'

const { BASE_URL, CONTROL_URL, ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET } = process.env

export const APP = { loginUrl: BASE_URL, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }
export const CONTACTS = Number(process.env.CONTACTS)
const VERSION = '60.0'

/** A connection with the session that the simulator printed; the address is all that differs. */
export const connect = (options = {}) =>
  new jsforce.Connection({ instanceUrl: BASE_URL, accessToken: ACCESS_TOKEN, version: VERSION, ...options })

/** A connection that has yet to sign in. */
export const stranger = (options = {}) => new jsforce.Connection({ loginUrl: BASE_URL, version: VERSION, ...options })

export const crm = connect()

/** The exception of a call that the CRM must refuse with this code. */
export async function refused(call, code) {
  const error = await call().then(
    (answer) => assert.fail(`the call was not refused: ${JSON.stringify(answer)}`),
    (refusal) => refusal,
  )
  assert.equal(error.errorCode ?? error.name, code, String(error.stack))
  return error
}

/** Pulls a lever of the simulator. */
export async function control(method, path, body = {}) {
  const options = method === 'GET' ? {} : { body: JSON.stringify(body) }
  const reply = await fetch(CONTROL_URL + path, { method, ...options })
  const answer = await reply.json()
  assert.equal(reply.status, 200, JSON.stringify(answer))
  return answer
}
