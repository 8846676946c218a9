// HubSpot's own client for Node.js judges the simulator: unchanged but for its base address. One line per check; the first
// that fails ends the run. Nothing here knows how the simulator is built; CONTROL_URL is used only to switch on faults.
//
// Needs BASE_URL, CONTROL_URL, ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_ID, CLIENT_SECRET, and CONTACTS: how many there are.

import assert from 'node:assert/strict'
import { Client } from '@hubspot/api-client'

const { BASE_URL, CONTROL_URL, ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_ID, CLIENT_SECRET } = process.env
const CONTACTS = Number(process.env.CONTACTS)
const REDIRECT_URI = 'http://localhost:4180/callback'
const SCOPES = 'oauth crm.objects.contacts.read'
const HUBSPOT_DEFINED = 'HUBSPOT_DEFINED'
const CONTACT_TO_COMPANY = { associationCategory: HUBSPOT_DEFINED, associationTypeId: 279 }
const CALL_TO_CONTACT = { associationCategory: HUBSPOT_DEFINED, associationTypeId: 194 }

const connect = (options = {}) => new Client({ basePath: BASE_URL, accessToken: ACCESS_TOKEN, ...options })
const client = connect()
const { contacts, companies, associations, lists, owners, properties } = client.crm
const calls = client.crm.objects
const ids = (records) => records.map((record) => record.id).sort()
const named = (records, name) => records.map((record) => record.properties[name]).sort()

/** The exception of a call that the CRM must refuse with this status and, where given, this category. */
async function refused(call, status, category) {
  const error = await call().then(() => assert.fail('the call was not refused'), (refusal) => refusal)
  assert.equal(error.code, status, String(error))
  assert.equal(error.body.status, 'error')
  assert.match(error.body.correlationId, /^[0-9a-f-]{36}$/)
  if (category) assert.equal(error.body.category, category)
  return error
}

async function fault(rule) {
  const reply = await fetch(`${CONTROL_URL}/faults`, { method: 'POST', body: JSON.stringify(rule) })
  assert.equal(reply.status, 200, await reply.text())
}

/** What earlier checks leave for later ones. */
const made = {}

const checks = {
  async 'an authorization code becomes tokens that work'() {
    const address = new URL(client.oauth.getAuthorizationUrl(CLIENT_ID, REDIRECT_URI, SCOPES, undefined, 'a state'))
    // The client has the address of the consent page built in.
    const consent = await fetch(BASE_URL + address.pathname + address.search, { redirect: 'manual' })
    const back = new URL(consent.headers.get('location'))
    assert.deepEqual([consent.status, back.origin + back.pathname, back.searchParams.get('state')], [302, REDIRECT_URI, 'a state'])
    const code = back.searchParams.get('code')
    const redeem = () => client.oauth.tokensApi.create('authorization_code', code, REDIRECT_URI, CLIENT_ID, CLIENT_SECRET)
    const tokens = await redeem()
    assert.deepEqual([tokens.tokenType, tokens.expiresIn], ['bearer', 1800])
    const page = await connect({ accessToken: tokens.accessToken }).crm.contacts.basicApi.getPage(1)
    assert.equal(page.results.length, 1)
    const create = () => connect({ accessToken: tokens.accessToken }).crm.contacts.basicApi.create({ properties: {} })
    const error = await refused(create, 403, 'MISSING_SCOPES')
    assert.deepEqual(error.body.errors[0].context.requiredGranularScopes, ['crm.objects.contacts.write'])
    const again = await redeem().then(() => assert.fail('a code worked twice'), (refusal) => refusal)
    assert.deepEqual([again.code, again.body.status], [400, 'BAD_AUTH_CODE'])
  },

  async 'a refresh token gives a new access token'() {
    const refresh = (token) => client.oauth.tokensApi.create('refresh_token', undefined, undefined, CLIENT_ID, CLIENT_SECRET, token)
    const tokens = await refresh(REFRESH_TOKEN)
    assert.notEqual(tokens.accessToken, ACCESS_TOKEN)
    assert.deepEqual([tokens.refreshToken, tokens.expiresIn], [REFRESH_TOKEN, 1800])
    const info = await client.oauth.accessTokensApi.get(tokens.accessToken)
    assert.deepEqual([info.token, info.tokenType, info.hubId > 0, info.scopes.includes('oauth')], [tokens.accessToken, 'access', true, true])
    const origin = await client.oauth.refreshTokensApi.get(REFRESH_TOKEN)
    assert.deepEqual([origin.token, origin.clientId, origin.hubId], [REFRESH_TOKEN, CLIENT_ID, info.hubId])
    client.setAccessToken(tokens.accessToken)
    assert.equal((await client.crm.contacts.basicApi.getPage(1)).results.length, 1)
    const error = await refresh('na1-0000').then(() => assert.fail('an unknown token worked'), (refusal) => refusal)
    assert.deepEqual([error.code, error.body.status, error.body.message], [400, 'BAD_REFRESH_TOKEN', 'missing or invalid refresh token'])
  },

  async 'paging over all contacts shows each once'() {
    const all = await contacts.getAll(100, undefined, ['email', 'phone'])
    assert.equal(all.length, CONTACTS)
    assert.equal(new Set(ids(all)).size, CONTACTS)
    assert.deepEqual(Object.keys(all[0].properties).sort(), ['createdate', 'email', 'hs_object_id', 'lastmodifieddate', 'phone'])
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
    assert.deepEqual(history.propertiesWithHistory.phone.map((version) => version.value), ['', values.phone])
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
    const changed = await contacts.basicApi.update('ada@client.example', { properties: { jobtitle: 'Analyst' } }, 'email')
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
    const invalid = await refused(() => contacts.basicApi.update(made.ada, { properties: { nope: 'x' } }), 400, 'VALIDATION_ERROR')
    assert.match(invalid.body.message, /PROPERTY_DOESNT_EXIST/)
  },

  async 'a batch is created whole, read, changed and archived'() {
    const inputs = ['b1', 'b2', 'b3'].map((name) => ({ properties: { email: `${name}@client.example`, firstname: name }, associations: [] }))
    const created = await contacts.batchApi.create({ inputs })
    assert.deepEqual([created.status, named(created.results, 'firstname')], ['COMPLETE', ['b1', 'b2', 'b3']])
    assert.ok(created.completedAt >= created.startedAt)
    const all = created.results.map(({ id }) => ({ id }))
    const read = await contacts.batchApi.read({ inputs: all, properties: ['email'], propertiesWithHistory: [] })
    assert.deepEqual([ids(read.results), read.numErrors], [ids(created.results), undefined])
    const changes = all.map(({ id }) => ({ id, properties: { city: 'Bonn' } }))
    const changed = await contacts.batchApi.update({ inputs: changes })
    assert.deepEqual(named(changed.results, 'city'), ['Bonn', 'Bonn', 'Bonn'])
    const byEmail = { inputs: [{ id: 'b2@client.example' }], idProperty: 'email', properties: ['city'], propertiesWithHistory: [] }
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
    const inputs = [input('good', 'trace@client.example'), input('bad', 'no address'), input('taken', 'ada@client.example')]
    const partial = await contacts.batchApi.create({ inputs })
    assert.deepEqual([partial.status, partial.numErrors, named(partial.results, 'email')], ['COMPLETE', 2, ['trace@client.example']])
    const reasons = partial.errors.map((error) => [...error.context.objectWriteTraceId, error.category])
    assert.deepEqual(reasons.sort(), [['bad', 'VALIDATION_ERROR'], ['taken', 'CONFLICT']])
    const whole = ['whole@client.example', 'no address'].map((email) => ({ properties: { email }, associations: [] }))
    await refused(() => contacts.batchApi.create({ inputs: whole }), 400, 'VALIDATION_ERROR')
    const first = ['whole@client.example', undefined, undefined, undefined, false, 'email']
    await refused(() => contacts.basicApi.getById(...first), 404, 'OBJECT_NOT_FOUND')
    await refused(() => contacts.batchApi.create({ inputs: [] }), 400, 'VALIDATION_ERROR')
  },

  async 'an upsert creates once and then updates'() {
    const definition = { name: 'ext_js', label: 'External id', type: 'string', fieldType: 'text', groupName: 'contactinformation', hasUniqueValue: true }
    await properties.coreApi.create('contacts', definition)
    const input = (id, city) => ({ id, idProperty: 'ext_js', objectWriteTraceId: id, properties: { city } })
    const first = await contacts.batchApi.upsert({ inputs: [input('x-1', 'Kiel')] })
    const second = await contacts.batchApi.upsert({ inputs: [input('x-1', 'Köln'), input('x-2', 'Mainz')] })
    assert.equal(first.results[0]._new, true)
    const outcome = second.results.map((result) => [result.properties.city, result._new]).sort()
    assert.deepEqual(outcome, [['Köln', false], ['Mainz', true]])
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
    const filters = [{ propertyName: 'city', operator: 'IN', values: ['kiel', 'köln', 'mainz'] }, { propertyName: 'ext_js', operator: 'HAS_PROPERTY' }]
    const few = await contacts.searchApi.doSearch({ ...all, filterGroups: [{ filters }], properties: ['ext_js'], sorts: ['-ext_js'] })
    assert.deepEqual([few.total, few.results.map((record) => record.properties.ext_js)], [2, ['x-2', 'x-1']])
    const too = { ...all, after: '9900' }
    await refused(() => contacts.searchApi.doSearch(too), 400, 'VALIDATION_ERROR')
  },

  async 'properties are listed and made'() {
    const before = await properties.coreApi.getAll('contacts')
    const options = ['gold', 'silver'].map((value, displayOrder) => ({ label: value.toUpperCase(), value, displayOrder, hidden: false }))
    const tier = { name: 'tier_js', label: 'Tier', type: 'enumeration', fieldType: 'select', groupName: 'contactinformation', options }
    const created = await properties.coreApi.create('contacts', tier)
    assert.deepEqual([created.name, created.type, created.fieldType, created.hubspotDefined ?? false], ['tier_js', 'enumeration', 'select', false])
    assert.deepEqual(created.options.map(({ label, value, displayOrder }) => [label, value, displayOrder]), [['GOLD', 'gold', 0], ['SILVER', 'silver', 1]])
    const after = await properties.coreApi.getAll('contacts')
    assert.equal(after.results.length, before.results.length + 1)
    const email = await properties.coreApi.getByName('contacts', 'email')
    assert.deepEqual([email.name, email.type, email.hubspotDefined], ['email', 'string', true])
    const stamp = await properties.coreApi.getByName('contacts', 'lastmodifieddate')
    assert.equal(stamp.modificationMetadata.readOnlyValue, true)
    await refused(() => properties.coreApi.create('contacts', tier), 409)
    await refused(() => properties.coreApi.getByName('contacts', 'nope'), 404)
    await properties.coreApi.archive('contacts', 'tier_js')
    await refused(() => properties.coreApi.getByName('contacts', 'tier_js'), 404)
  },

  async 'owners are listed and found'() {
    const page = await owners.ownersApi.getPage(undefined, undefined, 3)
    const rest = await owners.ownersApi.getPage(undefined, page.paging.next.after, 100)
    assert.deepEqual([page.results.length, rest.paging], [3, undefined])
    const [first] = page.results
    assert.ok(!ids(rest.results).includes(first.id))
    const byEmail = await owners.ownersApi.getPage(first.email)
    assert.deepEqual(ids(byEmail.results), [first.id])
    const one = await owners.ownersApi.getById(Number(first.id))
    assert.deepEqual([one.id, one.firstName, one.archived], [first.id, first.firstName, false])
    const left = await owners.ownersApi.getPage(undefined, undefined, 100, true)
    assert.ok(left.results.length > 0 && left.results.every((owner) => owner.archived))
    await refused(() => owners.ownersApi.getById(1), 404)
  },

  async 'a list takes members and gives them up'() {
    const created = await lists.listsApi.create({ name: 'Client check', objectTypeId: '0-1', processingType: 'MANUAL' })
    const { listId } = created.list
    const two = ids((await contacts.basicApi.getPage(2)).results)
    const added = await lists.membershipsApi.add(listId, [...two, '999999999999'])
    assert.deepEqual([added.recordIdsMissing, added.recordsIdsAdded.sort()], [['999999999999'], two])
    const page = await lists.membershipsApi.getPage(listId, undefined, undefined, 1)
    const rest = await lists.membershipsApi.getPage(listId, page.paging.next.after, undefined, 1)
    assert.deepEqual([page.results[0].recordId, rest.results[0].recordId, rest.paging?.next], [...two, undefined])
    assert.ok(page.results[0].membershipTimestamp instanceof Date)
    const removed = await lists.membershipsApi.remove(listId, [two[0]])
    assert.deepEqual(removed.recordIdsRemoved, [two[0]])
    const left = await lists.membershipsApi.getPage(listId)
    assert.deepEqual(left.results.map((member) => member.recordId), [two[1]])
    assert.equal((await lists.listsApi.getById(listId)).list.size, 1)
    const of = await lists.membershipsApi.getLists('0-1', two[1])
    assert.ok(of.results.some((membership) => membership.listId === listId))
    await lists.listsApi.remove(listId)
    await refused(() => lists.listsApi.getById(listId), 404)
  },

  async 'lists are searched'() {
    const found = await lists.listsApi.doSearch({ query: 'newsletter', count: 20, offset: 0, processingTypes: ['MANUAL'] })
    assert.deepEqual([found.total, found.hasMore, found.lists.map((list) => list.name)], [1, false, ['Newsletter']])
    assert.deepEqual([found.lists[0].objectTypeId, found.lists[0].processingType], ['0-1', 'MANUAL'])
    const byName = await lists.listsApi.getByName('Newsletter', '0-1')
    assert.equal(byName.list.listId, found.lists[0].listId)
    const dynamic = await lists.listsApi.doSearch({ query: '', count: 20, offset: 0, processingTypes: ['DYNAMIC'] })
    const change = () => lists.membershipsApi.add(dynamic.lists[0].listId, [made.ada])
    await refused(change, 400, 'VALIDATION_ERROR')
  },

  async 'associations are made, read and undone in batches'() {
    const company = await companies.basicApi.create({ properties: { name: 'Client & Söhne' }, associations: [] })
    made.company = company.id
    const pair = { _from: { id: made.ada }, to: { id: company.id } }
    const v4 = associations.v4
    const linked = await v4.batchApi.create('contacts', 'companies', { inputs: [{ ...pair, types: [CONTACT_TO_COMPANY] }] })
    assert.deepEqual([linked.status, linked.results.length], ['COMPLETE', 1])
    assert.deepEqual([String(linked.results[0].fromObjectId), String(linked.results[0].toObjectId)], [made.ada, company.id])
    const read = () => v4.batchApi.getPage('contacts', 'companies', { inputs: [{ id: made.ada }] })
    const links = (await read()).results
    assert.deepEqual([links.length, links[0]._from.id, links[0].to.map((link) => String(link.toObjectId))], [1, made.ada, [company.id]])
    assert.ok(links[0].to[0].associationTypes.some((type) => type.typeId === 279 && type.category === HUBSPOT_DEFINED))
    const back = await v4.basicApi.getPage('companies', company.id, 'contacts')
    assert.deepEqual(back.results.map((link) => String(link.toObjectId)), [made.ada])
    const inline = await contacts.basicApi.getById(made.ada, undefined, undefined, ['companies'])
    assert.ok(inline.associations.companies.results.some((link) => link.id === company.id))
    await v4.batchApi.archive('contacts', 'companies', { inputs: [{ _from: { id: made.ada }, to: [{ id: company.id }] }] })
    assert.deepEqual((await read()).results, [])
    const again = await v4.batchApi.createDefault('contacts', 'companies', { inputs: [pair] })
    assert.deepEqual([again.status, again.results[0].associationSpec.associationTypeId], ['COMPLETE', 279])
    const labels = await v4.schema.definitionsApi.getAll('contacts', 'companies')
    assert.ok(labels.results.some((label) => label.typeId === 279))
  },

  async 'a call is logged on a contact'() {
    const logged = { hs_timestamp: '2026-03-01T10:00:00Z', hs_call_title: 'First call', hs_call_duration: '61000', hs_call_direction: 'OUTBOUND', hs_call_status: 'COMPLETED' }
    const association = { to: { id: made.ada }, types: [CALL_TO_CONTACT] }
    const before = await contacts.basicApi.getById(made.ada)
    const call = await calls.basicApi.create('calls', { properties: logged, associations: [association] })
    const read = await calls.basicApi.getById('calls', call.id, Object.keys(logged), undefined, ['contacts'])
    assert.deepEqual([read.properties.hs_call_title, read.properties.hs_call_duration], ['First call', '61000'])
    assert.deepEqual(read.associations.contacts.results.map((link) => link.id), [made.ada])
    const after = await contacts.basicApi.getById(made.ada)
    assert.ok(after.updatedAt > before.updatedAt)
    const found = await calls.searchApi.doSearch('calls', { filterGroups: [{ filters: [{ propertyName: 'associations.contact', operator: 'EQ', value: made.ada }] }], properties: [], limit: 10, after: '0', sorts: [] })
    assert.deepEqual(ids(found.results), [call.id])
    const untimed = { properties: { hs_call_title: 'When?' }, associations: [] }
    await refused(() => calls.basicApi.create('calls', untimed), 400, 'VALIDATION_ERROR')
  },

  async 'merged contacts have a new id that the old ones lead to'() {
    const other = await contacts.basicApi.create({ properties: { firstname: 'Ada again' }, associations: [] })
    const merged = await contacts.basicApi.merge({ primaryObjectId: made.ada, objectIdToMerge: other.id })
    assert.ok(![made.ada, other.id].includes(merged.id))
    for (const old of [made.ada, other.id]) assert.equal((await contacts.basicApi.getById(old)).id, merged.id)
    await contacts.basicApi.purge({ objectId: merged.id })
    await refused(() => contacts.basicApi.getById(merged.id), 404)
  },

  async 'the client knows the rate limits and outages that it repeats a call for'() {
    const patient = connect({ numberOfApiCallRetries: 2 })
    await fault({ fault: 'rate-limit-secondly', count: 1 })
    assert.ok((await patient.crm.contacts.searchApi.doSearch({ filterGroups: [], limit: 1, properties: [], sorts: [], after: '0' })).total > 0)
    await fault({ fault: 'bad-gateway', count: 1 })
    assert.equal((await patient.crm.contacts.basicApi.getPage(1)).results.length, 1)
    // The client would wait ten seconds before it repeats this one, so only what it decides by is compared.
    await fault({ fault: 'rate-limit-ten-secondly', count: 1 })
    const error = await contacts.basicApi.getPage(1).then(() => assert.fail('not limited'), (refusal) => refusal)
    assert.deepEqual([error.code, error.body.policyName], [429, 'TEN_SECONDLY_ROLLING'])
  },
}

for (const [name, check] of Object.entries(checks)) {
  try {
    await check()
  } catch (error) {
    console.error(`FAILED ${name}\n${error.stack}`)
    process.exit(1)
  }
  console.log(`ok ${name}`)
}
