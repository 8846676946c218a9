// Checks of every way to sign in, of what ends a session, and of who the user is.

import assert from 'node:assert/strict'
import { createSign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import jsforce from 'jsforce'
import { APP, connect, control, crm, refused, stranger } from './crm.mjs'

const { BASE_URL, REFRESH_TOKEN, USERNAME, PASSWORD, SECURITY_TOKEN, JWT_KEY_FILE } = process.env
const REDIRECT_URI = 'http://localhost:4180/callback'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

const works = async (connection) => assert.equal((await connection.query('SELECT Id FROM Contact LIMIT 1')).records.length, 1)

/** An assertion of the connected app for a user, ten seconds before it ends unless told. */
function assertion(claims = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 120
  const body = { iss: APP.clientId, sub: USERNAME, aud: 'https://login.salesforce.com', exp, ...claims }
  const signed = `${part({ alg: 'RS256' })}.${part(body)}`
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(readFileSync(JWT_KEY_FILE, 'utf8'), 'base64url')}`
}

/** What the consent page leads back with. */
async function consent(oauth2) {
  const reply = await fetch(oauth2.getAuthorizationUrl({ scope: 'api refresh_token', state: 'a state' }), { redirect: 'manual' })
  const back = new URL(reply.headers.get('location'))
  assert.deepEqual(
    [reply.status, back.origin + back.pathname, back.searchParams.get('state')],
    [302, REDIRECT_URI, 'a state'],
  )
  return back.searchParams.get('code')
}

export const checks = {
  async 'a code with PKCE becomes a session, and only for who asked for it'() {
    const oauth2 = new jsforce.OAuth2({ ...APP, redirectUri: REDIRECT_URI, useVerifier: true })
    const code = await consent(oauth2)
    const connection = new jsforce.Connection({ oauth2, version: '60.0' })
    const user = await connection.authorize(code)
    assert.match(user.organizationId, /^00D/)
    assert.ok(connection.refreshToken && connection.instanceUrl === BASE_URL)
    await works(connection)
    await refused(() => connection.authorize(code), 'invalid_grant')
    const stolen = await consent(oauth2)
    const thief = new jsforce.OAuth2({ ...APP, redirectUri: REDIRECT_URI, useVerifier: true })
    await refused(() => thief.requestToken(stolen), 'invalid_grant')
    const bare = new jsforce.OAuth2({ ...APP, redirectUri: REDIRECT_URI })
    const unproved = await consent(oauth2)
    await refused(() => bare.requestToken(unproved), 'invalid_grant')
  },

  async 'an application signs in by itself'() {
    const connection = stranger({ oauth2: APP })
    await connection.authorize({ grant_type: 'client_credentials' })
    assert.equal(connection.refreshToken ?? null, null)
    await works(connection)
    const wrong = stranger({ oauth2: { ...APP, clientSecret: 'no' } })
    await refused(() => wrong.authorize({ grant_type: 'client_credentials' }), 'invalid_client')
  },

  async 'an application signs in for a user by a JWT'() {
    const connection = stranger({ oauth2: APP })
    await connection.authorize({ grant_type: JWT_BEARER, assertion: assertion() })
    await works(connection)
    for (const claims of [{ sub: 'nobody@ferry.example' }, { exp: 1 }, { aud: 'https://example.com' }]) {
      await refused(() => stranger({ oauth2: APP }).authorize({ grant_type: JWT_BEARER, assertion: assertion(claims) }), 'invalid_grant')
    }
  },

  async 'a user signs in with a password, by OAuth and by SOAP'() {
    const byOauth = stranger({ oauth2: APP })
    await byOauth.login(USERNAME, PASSWORD)
    await works(byOauth)
    const bySoap = stranger()
    const user = await bySoap.login(USERNAME, PASSWORD + SECURITY_TOKEN)
    assert.match(user.id, /^005/)
    await works(bySoap)
    const wrong = await stranger().login(USERNAME, 'no').catch((error) => error)
    assert.match(wrong.message, /^INVALID_LOGIN/)
  },

  async 'a session that ended is renewed by the refresh token, unseen'() {
    const connection = connect({ oauth2: APP, refreshToken: REFRESH_TOKEN })
    let renewals = 0
    connection.on('refresh', () => (renewals += 1))
    await control('POST', '/tokens/expire')
    await works(connection)
    assert.equal(renewals, 1)
    await refused(() => connect({ accessToken: 'nobody' }).query('SELECT Id FROM Contact'), 'INVALID_SESSION_ID')
    crm.accessToken = connection.accessToken
  },

  async 'a rotated refresh token is good once'() {
    await control('PATCH', '/switches', { rotate_refresh_tokens: true })
    const oauth2 = new jsforce.OAuth2(APP)
    const first = await oauth2.refreshToken(REFRESH_TOKEN)
    assert.ok(first.refresh_token && first.refresh_token !== REFRESH_TOKEN && first.expires_in === undefined)
    await refused(() => oauth2.refreshToken(REFRESH_TOKEN), 'invalid_grant')
    await control('PATCH', '/switches', { rotate_refresh_tokens: false })
    await oauth2.revokeToken(first.refresh_token)
    await refused(() => oauth2.refreshToken(first.refresh_token), 'invalid_grant')
  },

  async 'the user says who they are'() {
    const identity = await crm.identity()
    assert.deepEqual([identity.username, identity.organization_id.slice(0, 3)], [USERNAME, '00D'])
    const versions = await crm.request('/services/data')
    assert.ok(versions.some((one) => one.version === '60.0'))
  },
}
