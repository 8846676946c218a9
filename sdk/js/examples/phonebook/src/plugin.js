// A whole connector for a CRM that gives its people at `/people`, page by page, and takes notes at `/people/ID/notes`.

import {
  accountOf, connector, fieldOf, Forbidden, Missing, objectOf, oneByOne, pageOf, Permanent, plain, problem, RateLimited, rejected,
  row, Temporary, text, Unauthorized, Unsupported, written,
} from 'ferry-sdk';

/** Rows a page: what the CRM gives at most. */
const PAGE = 100;

export default connector({
  check(call) {
    const me = accepted(call.http.get('/me')).json();
    return accountOf(me.id, me.company);
  },

  objects() {
    return [objectOf('people', 'People', ['pull']), objectOf('notes', 'Notes', ['create', 'links'])];
  },

  fields(call, object) {
    known(object);
    if (object === 'notes') return [fieldOf('text', 'Text', 'long-text', { required: true, writable: true })];
    return [fieldOf('name', 'Name', 'text'), fieldOf('email', 'E-mail', 'email'), fieldOf('phone', 'Phone', 'phone')];
  },

  pull(call, request) {
    known(request.object);
    if (request.object !== 'people') throw new Unsupported('notes can only be written');
    if (request.slice.tag !== 'all' || request.filter.length > 0) throw new Unsupported('people can only be read whole');
    const query = { limit: Math.min(request.limit, PAGE), after: request.token };
    const answer = accepted(call.http.get('/people', { query })).json();
    const rows = answer.people.map((person) =>
      row(person.id, request.columns, { name: text(person.name), email: text(person.email), phone: text(person.phone) }),
    );
    return pageOf(rows, answer.next);
  },

  push(call, object, writes) {
    known(object);
    if (object !== 'notes') throw new Unsupported('people can only be read');
    return oneByOne(writes, (write) => note(call, write));
  },
});

/** One note on one person. The CRM keeps no key of ours, so a lost answer stays unknown and a person has to look. */
function note(call, write) {
  if (write.operation.tag !== 'create') return rejected([problem(undefined, 'notes can only be created')]);
  const person = write.links.find((link) => link.object === 'people');
  if (!person) return rejected([problem(undefined, 'a note needs a person')]);
  const values = Object.fromEntries(write.values.map(([name, value]) => [name, plain(value)]));
  const response = call.http.post(`/people/${encodeURIComponent(person.id)}/notes`, { json: { text: values.text } });
  if (response.status === 422) return rejected([problem('text', 'the CRM takes no empty note')]);
  if (response.status === 404) return rejected([problem(undefined, 'the person is no longer there')]);
  return written(accepted(response).json().id, { created: true });
}

/** What the CRM refuses becomes advice, by its status. */
function accepted(response) {
  if (response.ok) return response;
  switch (response.status) {
    case 401:
      throw new Unauthorized('the key is not accepted');
    case 403:
      throw new Forbidden(['people']);
    case 404:
      throw new Missing('people');
    case 429:
      throw new RateLimited();
    default: {
      const told = `the CRM answered with status ${response.status}`;
      throw response.status >= 500 ? new Temporary(told) : new Permanent(told);
    }
  }
}

function known(object) {
  if (object !== 'people' && object !== 'notes') throw new Missing(object);
}
