// Checks of describe, queries, single records, collections, composite requests, list views, replication and refusals.

import assert from 'node:assert/strict'
import { CONTACTS, connect, control, crm, refused } from './crm.mjs'

const contacts = crm.sobject('Contact')
const ids = (records) => records.map((record) => record.Id ?? record.id).sort()

/** What earlier checks leave for later ones. */
const made = {}

export const checks = {
  async 'objects and fields are described'() {
    const { sobjects } = await crm.describeGlobal()
    const lead = sobjects.find((object) => object.name === 'Lead')
    assert.deepEqual([lead.keyPrefix, lead.createable, lead.custom], ['00Q', true, false])
    const { fields } = await crm.describe('Contact')
    const field = (name) => fields.find((one) => one.name === name)
    assert.deepEqual([field('LastName').nillable, field('Email').type, field('Id').createable], [false, 'email', false])
    assert.deepEqual([field('Ferry_Id__c').externalId, field('Ferry_Id__c').unique], [true, true])
    assert.ok(field('LeadSource').picklistValues.some((choice) => choice.value === 'Web' && choice.active))
    await control('PATCH', '/switches', { hidden_fields: ['Contact.Phone'] })
    const hidden = await connect({ accessToken: crm.accessToken }).describe('Contact')
    assert.equal(hidden.fields.some((one) => one.name === 'Phone'), false)
    await refused(() => crm.query('SELECT Phone FROM Contact'), 'INVALID_FIELD')
    await control('PATCH', '/switches', { hidden_fields: [] })
  },

  async 'a query goes on page by page, and finds deleted records where asked'() {
    const query = crm.query('SELECT Id, Name, Account.Name FROM Contact ORDER BY Id', { headers: { 'Sforce-Query-Options': 'batchSize=200' } })
    const first = await query
    assert.deepEqual([first.totalSize, first.done, first.records.length], [CONTACTS, false, 200])
    const second = await crm.queryMore(first.nextRecordsUrl)
    assert.equal(new Set(ids([...first.records, ...second.records])).size, first.records.length + second.records.length)
    assert.ok(first.records.some((record) => record.Account?.Name))
    const all = await crm.query('SELECT Id FROM Contact').execute({ autoFetch: true, maxFetch: CONTACTS })
    assert.equal(all.records.length, CONTACTS)
    const gone = await contacts.create({ LastName: 'Gone' })
    await contacts.destroy(gone.id)
    const soql = `SELECT Id, IsDeleted FROM Contact WHERE Id = '${gone.id}'`
    assert.equal((await crm.query(soql)).totalSize, 0)
    const { records } = await crm.query(soql, { scanAll: true })
    assert.deepEqual(records.map((record) => record.IsDeleted), [true])
    const counted = await crm.query('SELECT COUNT() FROM Contact')
    assert.deepEqual([counted.totalSize, counted.records], [CONTACTS, []])
  },

  async 'a record is created, read, changed and deleted'() {
    const { id, success } = await contacts.create({ LastName: 'Hœpper', FirstName: 'Grace', Email: 'grace@client.example', Score__c: 1.5, VIP__c: true })
    assert.deepEqual([success, id.length], [true, 18])
    made.grace = id
    const read = await contacts.retrieve(id)
    assert.deepEqual([read.Name, read.Score__c, read.VIP__c, read.attributes.type], ['Grace Hœpper', 1.5, true, 'Contact'])
    await contacts.update({ Id: id, FirstName: 'Rear', Title: null })
    assert.equal((await contacts.retrieve(id)).FirstName, 'Rear')
    const [found] = await contacts.find({ Email: 'grace@client.example' }, 'Id, Name').limit(2)
    assert.equal(found.Id, id)
    const passing = await contacts.create({ LastName: 'Passing' })
    await contacts.destroy(passing.id)
    await refused(() => contacts.retrieve(passing.id), 'ENTITY_IS_DELETED')
    await refused(() => contacts.retrieve('0035g00000zzzzzAAA'), 'NOT_FOUND')
  },

  async 'an external id creates once and then updates, on Contact, Lead and Task'() {
    for (const [object, own] of [['Contact', { LastName: 'Ext' }], ['Lead', { LastName: 'Ext', Company: 'Ext' }], ['Task', { Subject: 'Ext' }]]) {
      const upsert = (more) => crm.sobject(object).upsert({ Ferry_Id__c: 'js-1', ...own, ...more }, 'Ferry_Id__c')
      const [first, second] = [await upsert({}), await upsert({ Description: 'again' })]
      assert.deepEqual([first.created, second.created, second.id], [true, false, first.id], object)
      const read = await crm.sobject(object).retrieve(first.id)
      assert.deepEqual([read.Ferry_Id__c, read.Description], ['js-1', 'again'])
      const many = await crm.sobject(object).upsert([{ Ferry_Id__c: 'js-1', ...own }, { Ferry_Id__c: 'js-2', ...own }], 'Ferry_Id__c', { allowRecursive: true })
      assert.deepEqual(many.map((one) => [one.success, one.created]), [[true, false], [true, true]])
    }
  },

  async 'refusals have the codes of Salesforce'() {
    const missing = await refused(() => contacts.create({ FirstName: 'No last name' }), 'REQUIRED_FIELD_MISSING')
    assert.deepEqual(missing.data?.fields ?? missing.fields, ['LastName'])
    await refused(() => contacts.create({ LastName: 'x'.repeat(81) }), 'STRING_TOO_LONG')
    await refused(() => contacts.create({ LastName: 'x', Email: 'no address' }), 'INVALID_EMAIL_ADDRESS')
    await refused(() => contacts.create({ LastName: 'x', Language__c: 'fr' }), 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST')
    await refused(() => contacts.create({ LastName: 'x', Nope__c: 1 }), 'INVALID_FIELD')
    await refused(() => contacts.create({ LastName: 'x', IsDeleted: true }), 'INVALID_FIELD_FOR_INSERT_UPDATE')
    await refused(() => contacts.create({ LastName: 'x', Ferry_Id__c: 'js-1' }), 'DUPLICATE_VALUE')
    await refused(() => contacts.create({ LastName: 'x', Customer_Number__c: '7' }), 'FIELD_CUSTOM_VALIDATION_EXCEPTION')
    await refused(() => crm.query('SELECT Id FROM Nobody'), 'INVALID_TYPE')
    await refused(() => crm.query('SELECT Id FROM Contact WHERE'), 'MALFORMED_QUERY')
    await control('PATCH', '/switches', { duplicate_rule: 'alert' })
    await refused(() => contacts.create({ LastName: 'x', Email: 'grace@client.example' }), 'DUPLICATES_DETECTED')
    await control('PATCH', '/switches', { duplicate_rule: 'off' })
    await control('POST', '/faults', { fault: 'locked-row', count: 1 })
    await refused(() => contacts.update({ Id: made.grace, Title: 'x' }), 'UNABLE_TO_LOCK_ROW')
  },

  async 'a collection says of each record what became of it'() {
    const names = Array.from({ length: 250 }, (_, at) => ({ LastName: `Many ${at}` }))
    const created = await contacts.create([...names, { FirstName: 'No last name' }], { allowRecursive: true })
    assert.deepEqual([created.length, created.filter((one) => one.success).length], [251, 250])
    const [error] = created[250].errors
    assert.deepEqual([error.statusCode ?? error.errorCode, error.fields], ['REQUIRED_FIELD_MISSING', ['LastName']])
    const many = created.slice(0, 200).map((one) => one.id)
    const changed = await contacts.update(many.map((Id) => ({ Id, City: undefined, Title: 'Changed' })))
    assert.ok(changed.every((one) => one.success))
    const read = await contacts.retrieve(many.slice(0, 3))
    assert.deepEqual(read.map((record) => record.Title), ['Changed', 'Changed', 'Changed'])
    const all = created.slice(0, 250).map((one) => one.id)
    const gone = await contacts.destroy(all, { allowRecursive: true })
    assert.ok(gone.every((one) => one.success))
    const none = await contacts.create([{ LastName: 'Whole' }, {}], { allOrNone: true })
    assert.deepEqual(none.map((one) => one.success), [false, false])
    assert.equal((await crm.query("SELECT COUNT() FROM Contact WHERE LastName = 'Whole'")).totalSize, 0)
  },

  async 'requests of a composite refer to one another, and stand or fall together where asked'() {
    const base = '/services/data/v60.0'
    const composite = (allOrNone, ...compositeRequest) => crm.requestPost(`${base}/composite`, { allOrNone, compositeRequest })
    const account = { method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'acme', body: { Name: 'Composite' } }
    const contact = (more) => ({ method: 'POST', url: `${base}/sobjects/Contact`, referenceId: 'ada', body: { LastName: 'Composite', AccountId: '@{acme.id}', ...more } })
    const read = { method: 'GET', url: `${base}/query?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+Id+=+'@{ada.id}'`, referenceId: 'found' }
    const { compositeResponse: done } = await composite(false, account, contact({}), read)
    assert.deepEqual(done.map((part) => [part.referenceId, part.httpStatusCode]), [['acme', 201], ['ada', 201], ['found', 200]])
    assert.equal(done[2].body.records[0].Account.Name, 'Composite')
    const { compositeResponse: halted } = await composite(true, account, contact({ Nope__c: 1 }), read)
    assert.deepEqual(halted.map((part) => part.body[0].errorCode), ['PROCESSING_HALTED', 'INVALID_FIELD', 'PROCESSING_HALTED'])
    assert.equal((await crm.query("SELECT COUNT() FROM Account WHERE Name = 'Composite'")).totalSize, 1)
    const graph = (graphId, ...compositeRequest) => ({ graphId, compositeRequest })
    const { graphs } = await crm.requestPost(`${base}/composite/graph`, { graphs: [graph('one', account, contact({})), graph('two', account, contact({ Nope__c: 1 }))] })
    assert.deepEqual(graphs.map((one) => [one.graphId, one.isSuccessful]), [['one', true], ['two', false]])
    const many = Array.from({ length: 26 }, (_, at) => ({ ...account, referenceId: `a${at}` }))
    await refused(() => composite(false, ...many), 'LIMIT_EXCEEDED')
  },

  async 'a write is made only where nothing has changed'() {
    const url = `/services/data/v60.0/sobjects/Contact/${made.grace}`
    const patch = (when) => crm.request({ method: 'PATCH', url, body: '{"Title":"Admiral"}', headers: { 'Content-Type': 'application/json', 'If-Unmodified-Since': when.toUTCString() } })
    await refused(() => patch(new Date(0)), 'PRECONDITION_FAILED')
    await patch(new Date(Date.now() + 60_000))
    assert.equal((await contacts.retrieve(made.grace)).Title, 'Admiral')
  },

  async 'list views say what is in them'() {
    const { listviews } = await contacts.listviews()
    const view = listviews.find((one) => one.developerName === 'Vips')
    const described = await contacts.listview(view.id).describe()
    assert.match(described.query, /^SELECT Name, Email, Id, .* FROM Contact WHERE VIP__c = true ORDER BY Name ASC NULLS FIRST, Id/)
    const results = await contacts.listview(view.id).results()
    const found = await crm.query(described.query)
    assert.equal(results.size, Math.min(found.totalSize, 25))
    assert.deepEqual(results.records[0].columns[0], { fieldNameOrPath: 'Name', value: found.records[0].Name })
    const mine = await crm.query('SELECT COUNT() FROM Contact USING SCOPE mine')
    assert.ok(mine.totalSize > 0 && mine.totalSize < CONTACTS)
  },

  async 'what changed and what is gone is told by window'() {
    const doomed = await contacts.create({ LastName: 'Doomed' })
    await contacts.destroy(doomed.id)
    const [start, end] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 120_000)]
    const gone = await contacts.deleted(start, end)
    assert.ok(gone.deletedRecords.some((record) => record.id === doomed.id && record.deletedDate))
    assert.ok(gone.earliestDateAvailable && gone.latestDateCovered)
    const changed = await contacts.updated(start, end)
    assert.ok(changed.ids.includes(made.grace) && !changed.ids.includes(doomed.id))
    await refused(() => contacts.deleted(new Date(Date.now() - 20 * 86_400_000), end), 'INVALID_REPLICATION_DATE')
  },

  async 'limits are told, and kept'() {
    const limits = await crm.limits()
    assert.ok(limits.DailyApiRequests.Remaining < limits.DailyApiRequests.Max)
    assert.equal(limits.DailyBulkV2QueryJobs.Max, 10_000)
    const { used, limit } = crm.limitInfo.apiUsage
    assert.deepEqual([limit, used > 10], [limits.DailyApiRequests.Max, true])
    await control('PATCH', '/switches', { limits: true, daily_requests_max: 1 })
    await refused(() => crm.query('SELECT Id FROM Contact'), 'REQUEST_LIMIT_EXCEEDED')
    await control('PATCH', '/switches', { limits: false, daily_requests_max: 100_000 })
  },
}
