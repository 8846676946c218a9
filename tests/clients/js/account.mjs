// Checks of what an account has beside its contacts: properties, owners, lists, associations, calls; and of merges and limits.

import assert from 'node:assert/strict'
import { client, connect, fault, HUBSPOT_DEFINED, ids, made, refused } from './crm.mjs'

const CONTACT_TO_COMPANY = { associationCategory: HUBSPOT_DEFINED, associationTypeId: 279 }
const CALL_TO_CONTACT = { associationCategory: HUBSPOT_DEFINED, associationTypeId: 194 }
const { contacts, companies, associations, lists, owners, properties, objects: calls } = client.crm

export const checks = {
  async 'properties are listed and made'() {
    const before = await properties.coreApi.getAll('contacts')
    const options = ['gold', 'silver'].map((value, displayOrder) => ({
      label: value.toUpperCase(),
      value,
      displayOrder,
      hidden: false,
    }))
    const tier = {
      name: 'tier_js',
      label: 'Tier',
      type: 'enumeration',
      fieldType: 'select',
      groupName: 'contactinformation',
      options,
    }
    const created = await properties.coreApi.create('contacts', tier)
    assert.deepEqual(
      [created.name, created.type, created.fieldType, created.hubspotDefined ?? false],
      ['tier_js', 'enumeration', 'select', false],
    )
    assert.deepEqual(
      created.options.map(({ label, value, displayOrder }) => [label, value, displayOrder]),
      [
        ['GOLD', 'gold', 0],
        ['SILVER', 'silver', 1],
      ],
    )
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
    assert.deepEqual(
      left.results.map((member) => member.recordId),
      [two[1]],
    )
    assert.equal((await lists.listsApi.getById(listId)).list.size, 1)
    const of = await lists.membershipsApi.getLists('0-1', two[1])
    assert.ok(of.results.some((membership) => membership.listId === listId))
    await lists.listsApi.remove(listId)
    await refused(() => lists.listsApi.getById(listId), 404)
  },

  async 'lists are searched'() {
    const found = await lists.listsApi.doSearch({
      query: 'newsletter',
      count: 20,
      offset: 0,
      processingTypes: ['MANUAL'],
    })
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
    const linked = await v4.batchApi.create('contacts', 'companies', {
      inputs: [{ ...pair, types: [CONTACT_TO_COMPANY] }],
    })
    assert.deepEqual([linked.status, linked.results.length], ['COMPLETE', 1])
    assert.deepEqual(
      [String(linked.results[0].fromObjectId), String(linked.results[0].toObjectId)],
      [made.ada, company.id],
    )
    const read = () => v4.batchApi.getPage('contacts', 'companies', { inputs: [{ id: made.ada }] })
    const links = (await read()).results
    assert.deepEqual(
      [links.length, links[0]._from.id, links[0].to.map((link) => String(link.toObjectId))],
      [1, made.ada, [company.id]],
    )
    assert.ok(links[0].to[0].associationTypes.some((type) => type.typeId === 279 && type.category === HUBSPOT_DEFINED))
    const back = await v4.basicApi.getPage('companies', company.id, 'contacts')
    assert.deepEqual(
      back.results.map((link) => String(link.toObjectId)),
      [made.ada],
    )
    const inline = await contacts.basicApi.getById(made.ada, undefined, undefined, ['companies'])
    assert.ok(inline.associations.companies.results.some((link) => link.id === company.id))
    await v4.batchApi.archive('contacts', 'companies', {
      inputs: [{ _from: { id: made.ada }, to: [{ id: company.id }] }],
    })
    assert.deepEqual((await read()).results, [])
    const again = await v4.batchApi.createDefault('contacts', 'companies', { inputs: [pair] })
    assert.deepEqual([again.status, again.results[0].associationSpec.associationTypeId], ['COMPLETE', 279])
    const labels = await v4.schema.definitionsApi.getAll('contacts', 'companies')
    assert.ok(labels.results.some((label) => label.typeId === 279))
  },

  async 'a call is logged on a contact'() {
    const logged = {
      hs_timestamp: '2026-03-01T10:00:00Z',
      hs_call_title: 'First call',
      hs_call_duration: '61000',
      hs_call_direction: 'OUTBOUND',
      hs_call_status: 'COMPLETED',
    }
    const association = { to: { id: made.ada }, types: [CALL_TO_CONTACT] }
    const before = await contacts.basicApi.getById(made.ada)
    const call = await calls.basicApi.create('calls', { properties: logged, associations: [association] })
    const read = await calls.basicApi.getById('calls', call.id, Object.keys(logged), undefined, ['contacts'])
    assert.deepEqual([read.properties.hs_call_title, read.properties.hs_call_duration], ['First call', '61000'])
    assert.deepEqual(
      read.associations.contacts.results.map((link) => link.id),
      [made.ada],
    )
    const after = await contacts.basicApi.getById(made.ada)
    assert.ok(after.updatedAt > before.updatedAt)
    const found = await calls.searchApi.doSearch('calls', {
      filterGroups: [{ filters: [{ propertyName: 'associations.contact', operator: 'EQ', value: made.ada }] }],
      properties: [],
      limit: 10,
      after: '0',
      sorts: [],
    })
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
    assert.ok(
      (
        await patient.crm.contacts.searchApi.doSearch({
          filterGroups: [],
          limit: 1,
          properties: [],
          sorts: [],
          after: '0',
        })
      ).total > 0,
    )
    await fault({ fault: 'bad-gateway', count: 1 })
    assert.equal((await patient.crm.contacts.basicApi.getPage(1)).results.length, 1)
    // The client would wait ten seconds before it repeats this one, so only what it decides by is compared.
    await fault({ fault: 'rate-limit-ten-secondly', count: 1 })
    const error = await contacts.basicApi.getPage(1).then(
      () => assert.fail('not limited'),
      (refusal) => refusal,
    )
    assert.deepEqual([error.code, error.body.policyName], [429, 'TEN_SECONDLY_ROLLING'])
  },
}
