// Pipedrive's own client for Node.js judges the simulator: unchanged but for its host. One line per check; the first that fails
// ends the run.
//
// Needs BASE_URL, CONTROL_URL, API_TOKEN, CLIENT_ID, CLIENT_SECRET, and CONTACTS: how many persons there are.

import assert from 'node:assert/strict'

import v1 from 'pipedrive/v1'
import v2 from 'pipedrive/v2'

const { BASE_URL, CONTROL_URL, API_TOKEN, CLIENT_ID, CLIENT_SECRET, CONTACTS } = process.env
const REDIRECT = 'http://127.0.0.1:1/signed-in'

const first = new v1.Configuration({ apiKey: API_TOKEN, basePath: `${BASE_URL}/api/v1` })
const second = new v2.Configuration({ apiKey: API_TOKEN, basePath: `${BASE_URL}/api/v2` })
const persons = new v2.PersonsApi(second)
const activities = new v2.ActivitiesApi(second)
const made = {}

const control = async (method, path, body) => {
  const reply = await fetch(`${CONTROL_URL}${path}`, { method, body: body && JSON.stringify(body) })
  assert.equal(reply.status, 200, await reply.text())
}

/** The refusal of a call, as the client throws it: the CRM's own body. */
const refused = async (call, code) => {
  const error = await call().then(
    () => assert.fail('the call was not refused'),
    (refusal) => refusal,
  )
  assert.equal(error.success, false, String(error.stack))
  assert.equal(error.code ?? error.errorCode, code, JSON.stringify(error))
}

const all = async (list) => {
  const found = []
  let cursor
  do {
    const page = await list(cursor)
    assert.equal(page.success, true)
    found.push(...page.data)
    cursor = page.additional_data?.next_cursor
  } while (cursor)
  return found
}

const checks = {
  'the account is known by its user': async () => {
    const me = await new v1.UsersApi(first).getCurrentUser()
    assert.equal(typeof me.data.company_id, 'number')
    assert.ok(me.data.timezone_name)
  },
  'persons go by pages behind a cursor': async () => {
    const found = await all((cursor) => persons.getPersons({ limit: 100, cursor, sort_by: 'id', sort_direction: 'asc' }))
    const ids = found.map((person) => person.id)
    assert.equal(ids.length, Number(CONTACTS))
    assert.deepEqual(ids, [...new Set(ids)].sort((one, other) => one - other))
    made.ids = ids
  },
  'persons of ids come as they were asked for, without those that are not there': async () => {
    const page = await persons.getPersons({ ids: `${made.ids[0]},${made.ids[1]},999999999` })
    assert.deepEqual(page.data.map((person) => person.id).sort((one, other) => one - other), made.ids.slice(0, 2))
  },
  'fields are described, the account\'s own too': async () => {
    const fields = await all((cursor) => new v2.PersonFieldsApi(second).getPersonFields({ limit: 100, cursor }))
    const own = fields.filter((field) => field.is_custom_field)
    assert.ok(own.length > 0 && own.every((field) => /^[0-9a-f]{40}$/.test(field.field_code)), JSON.stringify(own))
    assert.ok(own.some((field) => field.options?.some((option) => option.label === 'Trade show')))
  },
  'activity types are listed': async () => {
    const types = await new v1.ActivityTypesApi(first).getActivityTypes()
    assert.ok(types.data.some((type) => type.key_string === 'call'))
  },
  'filters are listed': async () => {
    const filters = await new v1.FiltersApi(first).getFilters({ type: 'people' })
    assert.equal(filters.success, true)
  },
  'a person is created with addresses and numbers': async () => {
    const created = await persons.addPerson({
      AddPersonRequest: {
        name: 'Ada Lovelace',
        emails: [{ value: 'ada@example.com', primary: true, label: 'work' }],
        phones: [{ value: '+4930123456', primary: true, label: 'work' }],
      },
    })
    made.person = created.data.id
    const { data } = await persons.getPerson({ id: made.person })
    assert.equal(data.name, 'Ada Lovelace')
    assert.deepEqual(data.emails.map((email) => email.value), ['ada@example.com'])
  },
  'a person is changed, and only what was named': async () => {
    await persons.updatePerson({ id: made.person, UpdatePersonRequest: { job_title: 'Countess' } })
    const { data } = await persons.getPerson({ id: made.person })
    assert.deepEqual([data.job_title, data.name], ['Countess', 'Ada Lovelace'])
  },
  'what changed since is listed': async () => {
    const since = new Date(Date.now() - 60_000).toISOString().replace(/\.\d+Z/, 'Z')
    const found = await all((cursor) => persons.getPersons({ updated_since: since, limit: 500, cursor }))
    assert.ok(found.some((person) => person.id === made.person))
    assert.ok(found.length < Number(CONTACTS))
  },
  'a value of the wrong kind is refused': async () => {
    await refused(() => persons.addPerson({ AddPersonRequest: { name: 'No', emails: 'ada@example.com' } }), 'ERR_SCHEMA_VALIDATION_FAILED')
  },
  'an activity is created for a person': async () => {
    const request = { subject: 'A call', type: 'call', done: true, participants: [{ person_id: made.person, primary: true }] }
    const created = await activities.addActivity({ AddActivityRequest: request })
    const { data } = await activities.getActivity({ id: created.data.id })
    assert.deepEqual([data.subject, data.type, data.done, data.person_id], ['A call', 'call', true, made.person])
    made.activity = created.data.id
  },
  'an activity is deleted': async () => {
    await activities.deleteActivity({ id: made.activity })
    await refused(() => activities.getActivity({ id: made.activity }), 'ERR_NOT_FOUND')
  },
  'one person is merged into another': async () => {
    const merged = await new v1.PersonsApi(first).mergePersons({
      id: made.ids[0], MergePersonsRequest: { merge_with_id: made.ids[1] },
    })
    assert.equal(merged.data.id, made.ids[1])
    await refused(() => persons.getPerson({ id: made.ids[0] }), 'ERR_NOT_FOUND')
  },
  'recent changes tell what is gone': async () => {
    const since = new Date(Date.now() - 60_000).toISOString().replace('T', ' ').slice(0, 19)
    const recents = await new v1.RecentsApi(first).getRecents({ since_timestamp: since, items: 'person' })
    assert.ok(recents.data.some((change) => change.id === made.ids[0]), JSON.stringify(recents.data.slice(0, 3)))
  },
  'a key that is wrong is refused': async () => {
    const wrong = new v2.Configuration({ apiKey: 'wrong', basePath: `${BASE_URL}/api/v2` })
    await refused(() => new v2.PersonsApi(wrong).getPersons({ limit: 1 }), 'ERR_UNAUTHORIZED')
  },
  'a sign-in by code gives tokens that read, and that are renewed': async () => {
    const oauth = new v2.OAuth2Configuration({ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, redirectUri: REDIRECT, host: BASE_URL })
    const answer = await fetch(`${oauth.authorizationUrl}&state=s`, { redirect: 'manual' })
    const location = new URL(answer.headers.get('location'))
    assert.equal(location.searchParams.get('state'), 's')
    await oauth.authorize(location.searchParams.get('code'))
    assert.equal(oauth.basePath, `${BASE_URL}/api/v2`)
    const signedIn = () => new v2.PersonsApi(new v2.Configuration({ accessToken: oauth.getAccessToken, basePath: oauth.basePath }))
    assert.equal((await signedIn().getPersons({ limit: 1 })).data.length, 1)
    await control('POST', '/tokens/expire')
    await refused(() => signedIn().getPersons({ limit: 1 }), 'ERR_UNAUTHORIZED')
    oauth.updateToken(await oauth.tokenRefresh())
    assert.equal((await signedIn().getPersons({ limit: 1 })).data.length, 1)
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
