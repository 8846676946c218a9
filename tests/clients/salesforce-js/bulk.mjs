// Checks of Bulk API 2.0: queries and ingest.

import assert from 'node:assert/strict'
import { control, crm, refused } from './crm.mjs'

crm.bulk2.pollInterval = 5
crm.bulk2.pollTimeout = 20_000

const load = (operation, input, more = {}) => crm.bulk2.loadAndWaitForResults({ object: 'Contact', operation, input, ...more })
const sorted = (rows, name) => rows.map((row) => row[name]).sort()

export const checks = {
  // In one page: jsforce ends its stream with the first one.
  async 'a bulk query gives what a query gives'() {
    const soql = 'SELECT Id, Name, VIP__c, Score__c, Account.Name, SystemModstamp FROM Contact WHERE LastName != null'
    const rows = await (await crm.bulk2.query(soql)).toArray()
    const { records: plain } = await crm.query(soql).execute({ autoFetch: true, maxFetch: 10_000 })
    assert.deepEqual(sorted(rows, 'Id'), sorted(plain, 'Id'))
    const named = new Map(plain.map((record) => [record.Id, record]))
    for (const row of rows) {
      const record = named.get(row.Id)
      assert.deepEqual([row.Name, row.VIP__c, row['Account.Name']], [record.Name, String(record.VIP__c), record.Account?.Name ?? ''])
    }
    const all = await (await crm.bulk2.query("SELECT Id FROM Contact WHERE IsDeleted = true", { scanAll: true })).toArray()
    assert.ok(all.length > 0)
  },

  async 'a bulk query that can not be run is refused, and one that fails says so'() {
    await refused(() => crm.bulk2.query('SELECT Nope__c FROM Contact'), 'API_ERROR')
    await refused(() => crm.bulk2.query('SELECT MailingAddress FROM Contact'), 'API_ERROR')
    await refused(() => crm.bulk2.query('SELECT COUNT() FROM Contact'), 'API_ERROR')
    await control('POST', '/faults', { fault: 'bulk-failed', count: 1 })
    const failed = await crm.bulk2.query('SELECT Id FROM Contact').catch((error) => error)
    assert.equal(failed.message, 'Query job failed to complete')
  },

  async 'ingest says of each row what became of it'() {
    const rows = [{ LastName: 'Bulk 1', VIP__c: true }, { LastName: 'Bulk, "2"' }, { LastName: '', FirstName: 'No last name' }]
    const { successfulResults: done, failedResults: failed, unprocessedRecords: left } = await load('insert', rows)
    assert.deepEqual([sorted(done, 'LastName'), sorted(done, 'sf__Created'), left], [['Bulk 1', 'Bulk, "2"'], ['true', 'true'], []])
    assert.match(failed[0].sf__Error, /^REQUIRED_FIELD_MISSING:.*:LastName --$/)
    const records = await crm.sobject('Contact').find({ LastName: { $like: 'Bulk%' } }, 'Id, LastName, VIP__c')
    assert.deepEqual(sorted(records, 'Id'), sorted(done, 'sf__Id'))
    const changed = await load('update', records.map(({ Id }) => ({ Id, Title: 'Bulk' })))
    assert.deepEqual([changed.successfulResults.length, changed.failedResults], [2, []])
    const emptied = await load('update', records.map(({ Id }) => ({ Id, Title: null })))
    assert.equal(emptied.successfulResults.length, 2)
    assert.equal((await crm.query("SELECT COUNT() FROM Contact WHERE Title = 'Bulk'")).totalSize, 0)
    const gone = await load('delete', records.map(({ Id }) => ({ Id })))
    assert.equal(gone.successfulResults.length, 2)
  },

  async 'ingest upserts by external id, on Contact, Lead and Task'() {
    for (const [object, own] of [['Contact', { LastName: 'B' }], ['Lead', { LastName: 'B', Company: 'B' }], ['Task', { Subject: 'B' }]]) {
      const rows = ['js-1', 'js-bulk'].map((Ferry_Id__c) => ({ Ferry_Id__c, ...own }))
      const { successfulResults: done } = await load('upsert', rows, { object, externalIdFieldName: 'Ferry_Id__c' })
      const created = done.map((row) => [row.Ferry_Id__c, row.sf__Created]).sort()
      assert.deepEqual(created, [['js-1', 'false'], ['js-bulk', 'true']], object)
    }
  },

  async 'a job is opened, filled, aborted and deleted step by step'() {
    const job = crm.bulk2.createJob({ object: 'Contact', operation: 'insert' })
    await job.open()
    assert.equal(job.jobInfo.state, 'Open')
    await refused(() => job.close(), 'INVALIDJOBSTATE')
    await job.uploadData('LastName\nStep\n')
    await refused(() => crm.bulk2.job('ingest', { id: job.id }).delete(), 'INVALIDJOBSTATE')
    await job.abort()
    assert.equal(job.jobInfo.state, 'Aborted')
    await job.delete()
    await refused(() => job.check(), 'NOT_FOUND')
    const broken = await load('insert', 'LastName\r\nWrong ending\r\n', { lineEnding: 'LF' }).catch((error) => error)
    assert.match(broken.message, /LineEnding is invalid on user data/)
    const unknown = await load('insert', 'LastName,Nope__c\nx,y\n').catch((error) => error)
    assert.match(unknown.message, /Field name not found : Nope__c/)
  },
}
