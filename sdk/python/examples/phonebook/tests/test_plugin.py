import unittest

from ferry_sdk import NULL, page, row, text, unknown, written
from ferry_sdk.contract import Err, types
from ferry_sdk.testing import FakeHttp, Hosted, answer, create, json_answer, lost

from plugin import plugin


def note(words):
    return create("note-1", {"text": text(words)}, [("people", "7")])


class Phonebook(unittest.TestCase):
    def test_a_page_has_its_values_in_the_order_of_the_columns(self):
        people = {"people": [{"id": "1", "name": "Ada", "email": None}], "next": "2"}
        http = FakeHttp().expect("get", "/people", json_answer(200, people))
        given = Hosted(plugin, http).pull("people", ["email", "name"])
        self.assertEqual(given, page([row("1", ["email", "name"], {"email": NULL, "name": text("Ada")})], "2"))
        http.done()

    def test_the_next_page_begins_where_the_one_before_ended(self):
        http = FakeHttp().expect("get", "/people", json_answer(200, {"people": [], "next": None}))
        Hosted(plugin, http).pull("people", token="2", limit=500)
        self.assertEqual(http.sent[0].query, [("limit", "100"), ("after", "2")])

    def test_a_crm_that_asks_for_patience_gets_it(self):
        http = FakeHttp().expect("get", "/me", answer(429))
        with self.assertRaises(Err) as caught:
            Hosted(plugin, http).check()
        self.assertEqual(caught.exception.value, types.Failure_RateLimited(None))

    def test_each_write_has_its_outcome_and_a_lost_answer_is_unknown(self):
        http = FakeHttp()
        http.expect("post", "/people/7/notes", json_answer(201, {"id": "n1"}))
        http.expect("post", "/people/7/notes", lost("unanswered", "cut"))
        outcomes = Hosted(plugin, http).push("notes", [note("one"), note("two")])
        self.assertEqual(outcomes, [written("n1", created=True), unknown("cut")])
        self.assertEqual(http.sent_json[0], {"text": "one"})
        http.done()


if __name__ == "__main__":
    unittest.main()
