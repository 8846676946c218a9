// The simulator as the client for Node.js sees it: connections, what a refusal looks like, faults.

import assert from 'node:assert/strict'
import { Client } from '@hubspot/api-client'

const { BASE_URL, CONTROL_URL, ACCESS_TOKEN } = process.env

/** HubSpot's client; the base address is all that differs. */
export const connect = (options = {}) => new Client({ basePath: BASE_URL, accessToken: ACCESS_TOKEN, ...options })
export const client = connect()

export const HUBSPOT_DEFINED = 'HUBSPOT_DEFINED'
export const ids = (records) => records.map((record) => record.id).sort()
export const named = (records, name) => records.map((record) => record.properties[name]).sort()

/** What earlier checks leave for later ones. */
export const made = {}

/** The exception of a call that the CRM must refuse with this status and, where given, this category. */
export async function refused(call, status, category) {
  const error = await call().then(
    () => assert.fail('the call was not refused'),
    (refusal) => refusal,
  )
  assert.equal(error.code, status, String(error))
  assert.equal(error.body.status, 'error')
  assert.match(error.body.correlationId, /^[0-9a-f-]{36}$/)
  if (category) assert.equal(error.body.category, category)
  return error
}

/** Switches on a fault of the simulator. */
export async function fault(rule) {
  const reply = await fetch(`${CONTROL_URL}/faults`, { method: 'POST', body: JSON.stringify(rule) })
  assert.equal(reply.status, 200, await reply.text())
}
