// Checks of sign-in, of single contacts, of batches and of the search.

import assert from 'node:assert/strict'
import { client, connect, ids, made, named, refused } from './crm.mjs'

const { BASE_URL, ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_ID, CLIENT_SECRET } = process.env
const CONTACTS = Number(process.env.CONTACTS)
const REDIRECT_URI = 'http://localhost:4180/callback'
const SCOPES = 'oauth crm.objects.contacts.read'
const { contacts, properties } = client.crm

export const checks = {
  async 'an authorization code becomes tokens that work'() {
    const address = new URL(client.oauth.getAuthorizationUrl(CLIENT_ID, REDIRECT_URI, SCOPES, undefined, 'a state'))
    // The client has the address of the consent page built in.
    const consent = await fetch(BASE_URL + address.pathname + address.search, { redirect: 'manual' })
    const back = new URL(consent.headers.get('location'))
    assert.deepEqual(
      [consent.status, back.origin + back.pathname, back.searchParams.get('state')],
      [302, REDIRECT_URI, 'a state'],
    )
    const code = back.searchParams.get('code')
    const redeem = () =>
      client.oauth.tokensApi.create('authorization_code', code, REDIRECT_URI, CLIENT_ID, CLIENT_SECRET)
    const tokens = await redeem()
    assert.deepEqual([tokens.tokenType, tokens.expiresIn], ['bearer', 1800])
    const page = await connect({ accessToken: tokens.accessToken }).crm.contacts.basicApi.getPage(1)
    assert.equal(page.results.length, 1)
    const create = () => connect({ accessToken: tokens.accessToken }).crm.contacts.basicApi.create({ properties: {} })
    const error = await refused(create, 403, 'MISSING_SCOPES')
    assert.deepEqual(error.body.errors[0].context.requiredGranularScopes, ['crm.objects.contacts.write'])
    const again = await redeem().then(
      () => assert.fail('a code worked twice'),
      (refusal) => refusal,
    )
    assert.deepEqual([again.code, again.body.status], [400, 'BAD_AUTH_CODE'])
  },

  async 'a refresh token gives a new access token'() {
    const refresh = (token) =>
      client.oauth.tokensApi.create('refresh_token', undefined, undefined, CLIENT_ID, CLIENT_SECRET, token)
    const tokens = await refresh(REFRESH_TOKEN)
    assert.notEqual(tokens.accessToken, ACCESS_TOKEN)
    assert.deepEqual([tokens.refreshToken, tokens.expiresIn], [REFRESH_TOKEN, 1800])
    const info = await client.oauth.accessTokensApi.get(tokens.accessToken)
    assert.deepEqual(
      [info.token, info.tokenType, info.hubId > 0, info.scopes.includes('oauth')],
      [tokens.accessToken, 'access', true, true],
    )
    const origin = await client.oauth.refreshTokensApi.get(REFRESH_TOKEN)
    assert.deepEqual([origin.token, origin.clientId, origin.hubId], [REFRESH_TOKEN, CLIENT_ID, info.hubId])
    client.setAccessToken(tokens.accessToken)
    assert.equal((await client.crm.contacts.basicApi.getPage(1)).results.length, 1)
    const error = await refresh('na1-0000').then(
      () => assert.fail('an unknown token worked'),
      (refusal) => refusal,
    )
    assert.deepEqual(
      [error.code, error.body.status, error.body.message],
      [400, 'BAD_REFRESH_TOKEN', 'missing or invalid refresh token'],
    )
  },

  async 'paging over all contacts shows each once'() {
    const all = await contacts.getAll(100, undefined, ['email', 'phone'])
    assert.equal(all.length, CONTACTS)
    assert.equal(new Set(ids(all)).size, CONTACTS)
    assert.deepEqual(Object.keys(all[0].properties).sort(), [
      'createdate',
      'email',
      'hs_object_id',
      'lastmodifieddate',
      'phone',
    ])
    assert.ok(all.every((record) => record.properties.hs_object_id === record.id && record.archived === false))
    assert.ok(all.every((record) => record.updatedAt >= record.createdAt && record.createdAt instanceof Date))
    const small = await contacts.getAll(7)
    assert.deepEqual(ids(small), ids(all))
  },

  async 'a contact is created, read, changed and archived'() {
    const values = { email: 'ada@client.example', firstname: 'Ada', lastname: 'Łovelace', phone: '+49 30 901820' }
    const created = await contacts.basicApi.create({ properties: values, associations: [] })
    made.ada = created.id
    const names = Object.keys(values)
    const read = await contacts.basicApi.getById(created.id, names)
    assert.deepEqual(Object.fromEntries(names.map((name) => [name, read.properties[name]])), values)
    assert.deepEqual([read.id, read.createdAt], [created.id, created.createdAt])
    const changed = await contacts.basicApi.update(created.id, { properties: { phone: '', city: 'Ulm' } })
    assert.deepEqual([changed.id, changed.properties.city], [created.id, 'Ulm'])
    const history = await contacts.basicApi.getById(created.id, ['city', 'phone'], ['phone'])
    assert.deepEqual([history.properties.city, history.properties.phone || null], ['Ulm', null])
    assert.deepEqual(
      history.propertiesWithHistory.phone.map((version) => version.value),
      ['', values.phone],
    )
    const passing = await contacts.basicApi.create({ properties: { firstname: 'Passing' }, associations: [] })
    await contacts.basicApi.archive(passing.id)
    await refused(() => contacts.basicApi.getById(passing.id), 404, 'OBJECT_NOT_FOUND')
    const archived = await contacts.basicApi.getById(passing.id, undefined, undefined, undefined, true)
    assert.deepEqual([archived.archived, archived.archivedAt instanceof Date], [true, true])
    const bin = await contacts.getAll(100, undefined, undefined, undefined, undefined, true)
    assert.ok(ids(bin).includes(passing.id))
  },

  async 'a unique property stands in for the id'() {
    const email = ['ada@client.example', ['firstname'], undefined, undefined, false, 'email']
    assert.equal((await contacts.basicApi.getById(...email)).id, made.ada)
    const changed = await contacts.basicApi.update(
      'ada@client.example',
      { properties: { jobtitle: 'Analyst' } },
      'email',
    )
    assert.deepEqual([changed.id, changed.properties.jobtitle], [made.ada, 'Analyst'])
    const unknown = ['nobody@client.example', undefined, undefined, undefined, false, 'email']
    await refused(() => contacts.basicApi.getById(...unknown), 404, 'OBJECT_NOT_FOUND')
  },

  async 'refusals are exceptions with their status'() {
    const stranger = connect({ accessToken: 'CPz0000000000000000' })
    await refused(() => stranger.crm.contacts.basicApi.getPage(), 401, 'INVALID_AUTHENTICATION')
    await refused(() => contacts.basicApi.getById('999999999999'), 404, 'OBJECT_NOT_FOUND')
    const twice = { properties: { email: 'ADA@client.example' }, associations: [] }
    const conflict = await refused(() => contacts.basicApi.create(twice), 409, 'CONFLICT')
    assert.equal(conflict.body.message, `Contact already exists. Existing ID: ${made.ada}`)
    const invalid = await refused(
      () => contacts.basicApi.update(made.ada, { properties: { nope: 'x' } }),
      400,
      'VALIDATION_ERROR',
    )
    assert.match(invalid.body.message, /PROPERTY_DOESNT_EXIST/)
  },

  async 'a batch is created whole, read, changed and archived'() {
    const inputs = ['b1', 'b2', 'b3'].map((name) => ({
      properties: { email: `${name}@client.example`, firstname: name },
      associations: [],
    }))
    const created = await contacts.batchApi.create({ inputs })
    assert.deepEqual([created.status, named(created.results, 'firstname')], ['COMPLETE', ['b1', 'b2', 'b3']])
    assert.ok(created.completedAt >= created.startedAt)
    const all = created.results.map(({ id }) => ({ id }))
    const read = await contacts.batchApi.read({ inputs: all, properties: ['email'], propertiesWithHistory: [] })
    assert.deepEqual([ids(read.results), read.numErrors], [ids(created.results), undefined])
    const changes = all.map(({ id }) => ({ id, properties: { city: 'Bonn' } }))
    const changed = await contacts.batchApi.update({ inputs: changes })
    assert.deepEqual(named(changed.results, 'city'), ['Bonn', 'Bonn', 'Bonn'])
    const byEmail = {
      inputs: [{ id: 'b2@client.example' }],
      idProperty: 'email',
      properties: ['city'],
      propertiesWithHistory: [],
    }
    assert.deepEqual(named((await contacts.batchApi.read(byEmail)).results, 'city'), ['Bonn'])
    await contacts.batchApi.archive({ inputs: all })
    const gone = await contacts.batchApi.read({ inputs: all, properties: [], propertiesWithHistory: [] })
    assert.deepEqual([gone.results, gone.numErrors, gone.errors[0].category], [[], 1, 'OBJECT_NOT_FOUND'])
    assert.deepEqual(gone.errors[0].context.ids.sort(), ids(all))
    const bin = await contacts.batchApi.read({ inputs: all, properties: [], propertiesWithHistory: [] }, true)
    assert.deepEqual(ids(bin.results), ids(all))
  },

  async 'a batch with trace ids says in a 207 what failed'() {
    const input = (trace, email) => ({ objectWriteTraceId: trace, properties: { email }, associations: [] })
    const inputs = [
      input('good', 'trace@client.example'),
      input('bad', 'no address'),
      input('taken', 'ada@client.example'),
    ]
    const partial = await contacts.batchApi.create({ inputs })
    assert.deepEqual(
      [partial.status, partial.numErrors, named(partial.results, 'email')],
      ['COMPLETE', 2, ['trace@client.example']],
    )
    const reasons = partial.errors.map((error) => [...error.context.objectWriteTraceId, error.category])
    assert.deepEqual(reasons.sort(), [
      ['bad', 'VALIDATION_ERROR'],
      ['taken', 'CONFLICT'],
    ])
    const whole = ['whole@client.example', 'no address'].map((email) => ({ properties: { email }, associations: [] }))
    await refused(() => contacts.batchApi.create({ inputs: whole }), 400, 'VALIDATION_ERROR')
    const first = ['whole@client.example', undefined, undefined, undefined, false, 'email']
    await refused(() => contacts.basicApi.getById(...first), 404, 'OBJECT_NOT_FOUND')
    await refused(() => contacts.batchApi.create({ inputs: [] }), 400, 'VALIDATION_ERROR')
  },

  async 'an upsert creates once and then updates'() {
    const definition = {
      name: 'ext_js',
      label: 'External id',
      type: 'string',
      fieldType: 'text',
      groupName: 'contactinformation',
      hasUniqueValue: true,
    }
    await properties.coreApi.create('contacts', definition)
    const input = (id, city) => ({ id, idProperty: 'ext_js', objectWriteTraceId: id, properties: { city } })
    const first = await contacts.batchApi.upsert({ inputs: [input('x-1', 'Kiel')] })
    const second = await contacts.batchApi.upsert({ inputs: [input('x-1', 'Köln'), input('x-2', 'Mainz')] })
    assert.equal(first.results[0]._new, true)
    const outcome = second.results.map((result) => [result.properties.city, result._new]).sort()
    assert.deepEqual(outcome, [
      ['Köln', false],
      ['Mainz', true],
    ])
    assert.ok(ids(second.results).includes(first.results[0].id))
    const byKey = await contacts.basicApi.getById('x-1', ['city'], undefined, undefined, false, 'ext_js')
    assert.deepEqual([byKey.id, byKey.properties.city], [first.results[0].id, 'Köln'])
  },

  async 'a search filters, sorts and pages'() {
    const all = { filterGroups: [], properties: ['email'], limit: 200, after: '0', sorts: [] }
    const everything = await contacts.searchApi.doSearch(all)
    assert.deepEqual([everything.results.length, everything.paging.next.after], [200, '200'])
    const rest = await contacts.searchApi.doSearch({ ...all, after: everything.paging.next.after })
    assert.equal(everything.total, (await contacts.getAll(100)).length)
    assert.equal(new Set([...ids(everything.results), ...ids(rest.results)]).size, everything.total)
    assert.equal(rest.paging, undefined)
    const filters = [
      { propertyName: 'city', operator: 'IN', values: ['kiel', 'köln', 'mainz'] },
      { propertyName: 'ext_js', operator: 'HAS_PROPERTY' },
    ]
    const few = await contacts.searchApi.doSearch({
      ...all,
      filterGroups: [{ filters }],
      properties: ['ext_js'],
      sorts: ['-ext_js'],
    })
    assert.deepEqual([few.total, few.results.map((record) => record.properties.ext_js)], [2, ['x-2', 'x-1']])
    const too = { ...all, after: '9900' }
    await refused(() => contacts.searchApi.doSearch(too), 400, 'VALIDATION_ERROR')
  },
}
