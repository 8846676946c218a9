import datetime as dt
import filecmp
import re
import tempfile
import unittest
from pathlib import Path

from ferry_sdk import (
    NULL,
    Connector,
    HttpError,
    RateLimited,
    Temporary,
    TokenExpired,
    boolean,
    chunks,
    collected,
    date,
    decimal,
    field,
    from_json,
    instant,
    integer,
    iso_text,
    later,
    nothing_taken,
    obj,
    one_by_one,
    page,
    pages,
    read_token,
    request,
    still_at_work,
    text,
    texts,
    to_json,
    unknown,
    write_token,
    written,
)
from ferry_sdk.build import SDK, VERSION, BuildError, bindings, build, contract
from ferry_sdk.connector import takes_sets
from ferry_sdk.contract import CONTRACT, Err, bulk, http, types
from ferry_sdk.stamp import stamped
from ferry_sdk.testing import FakeHttp, Hosted, answer, json_answer, lost


class Verbs(Connector):
    """A connector of which a test says what `check` does."""

    def __init__(self, check):
        self.check = check


class TheContract(unittest.TestCase):
    def test_this_sdk_speaks_the_contract_that_it_was_shipped_with(self):
        wit = (contract() / "types.wit").read_text(encoding="utf-8")
        self.assertEqual(CONTRACT, re.match(r"package ferry:crm@(.+);", wit)[1])
        project = (SDK.parent / "pyproject.toml").read_text(encoding="utf-8")
        self.assertIn(f'\nversion = "{VERSION}"\n', project)

    def test_the_types_of_a_test_are_those_of_a_component(self):
        with tempfile.TemporaryDirectory() as made:
            bindings(made)
            kept = SDK / "native"
            names = [path.relative_to(kept) for path in sorted(kept.rglob("*.py"))]
            self.assertGreater(len(names), 6)
            _, different, missing = filecmp.cmpfiles(kept, made, names, shallow=False)
            self.assertEqual((different, missing), ([], []), "the contract has changed: copy what `bindings` makes")


class Values(unittest.TestCase):
    def test_values_are_what_the_contract_takes(self):
        for make in (text, boolean, integer, decimal, instant, date, texts):
            self.assertEqual(make(None), NULL)
        self.assertEqual(integer("-9223372036854775808"), types.Value_Integer(-(2**63)))
        self.assertEqual(texts(["a"]), types.Value_Texts(["a"]))
        self.assertEqual(date("1970-01-02"), types.Value_Date(1))
        self.assertEqual(date(dt.date(1969, 12, 31)), types.Value_Date(-1))
        for given, digits in ((1e21, "1000000000000000000000"), (-1.25e-7, "-0.000000125"), ("12.50", "12.50"), (3, "3")):
            self.assertEqual(decimal(given), types.Value_Decimal(digits))
        wrong = [(integer, 1.5), (integer, 2**63), (integer, "x"), (decimal, "1e3"), (decimal, float("nan")), (decimal, "")]
        wrong += [(date, "2024-02-31"), (date, "20240201"), (date, 3), (instant, "yesterday"), (instant, "2024-05-01T10:00:00")]
        wrong += [(instant, dt.datetime(2024, 5, 1)), (instant, "2024-02-31T00:00:00Z")]
        for make, given in wrong:
            with self.subTest(make.__name__, given=given), self.assertRaises(ValueError):
                make(given)

    def test_an_instant_keeps_its_microseconds_both_ways(self):
        for written_so in ("2024-05-01T10:00:00.123456Z", "2024-05-01T10:00:00.120Z", "1969-12-31T23:59:59.999999Z"):
            self.assertEqual(iso_text(instant(written_so).value), written_so)
        ten = instant("2024-05-01T10:00:00Z")
        self.assertEqual(instant("2024-05-01 12:00+02:00"), ten)
        self.assertEqual(instant("2024-05-01T05:30:00.000000999-0430"), ten)
        self.assertEqual(instant(dt.datetime(2024, 5, 1, 10, tzinfo=dt.timezone.utc)), ten)

    def test_json_becomes_values_and_values_json(self):
        for given in ("a", True, 3, None, ["x", "y"]):
            self.assertEqual(to_json(from_json(given)), given)
        self.assertEqual(from_json(0.5), types.Value_Decimal("0.5"))
        self.assertEqual(from_json(2**64), types.Value_Decimal(str(2**64)))
        self.assertEqual(from_json({"a": 1}), text('{"a": 1}'))
        self.assertEqual(to_json(date("2024-05-01")), "2024-05-01")
        self.assertEqual(to_json(instant("2024-05-01T10:00:00Z")), "2024-05-01T10:00:00.000Z")


class TheWayOut(unittest.TestCase):
    def test_an_error_that_nobody_caught_is_advice(self):
        cases = [
            ("denied", "no", types.Failure_Permanent("no")),
            ("unauthorized", "no", types.Failure_Unauthorized("no")),
            ("exhausted", 50, types.Failure_RateLimited(50)),
            ("unreachable", "no", types.Failure_Temporary("no")),
            ("unanswered", "cut", types.Failure_Temporary("cut")),
            ("too-large", 9, types.Failure_Permanent("the CRM's answer is larger than 9 bytes")),
        ]
        for kind, detail, expected in cases:
            fake = FakeHttp().expect("get", "/me", lost(kind, detail))
            with self.assertRaises(Err) as caught:
                Hosted(Verbs(lambda call: call.http.get("/me")), fake).check()
            self.assertEqual(caught.exception.value, expected)

    def test_a_mistake_in_a_plugin_is_no_advice(self):
        with self.assertRaises(AttributeError):
            Hosted(Verbs(lambda call: None.name)).check()

    def test_an_answer_that_is_no_json_is_temporary_and_is_not_quoted(self):
        fake = FakeHttp().expect("get", "/me", answer(200, "secret <html>"))
        with self.assertRaises(Err) as caught:
            Hosted(Verbs(lambda call: call.http.get("/me").json()), fake).check()
        self.assertEqual(caught.exception.value, types.Failure_Temporary("the CRM's answer can't be read: it is not JSON"))

    def test_requests_side_by_side_are_answered_in_order(self):
        fake = FakeHttp().expect("get", "/a", json_answer(200, 1)).expect("get", "/b", lost("unanswered", "cut"))
        one, two = Hosted(Verbs(lambda call: call.http.send_all([request("get", "/a"), request("get", "/b")])), fake).check()
        self.assertEqual(one.json(), 1)
        self.assertTrue(isinstance(two, HttpError) and two.kind == "unanswered")

    def test_a_request_is_what_the_contract_takes(self):
        given = request("post", "/a", query={"x": 1, "y": None}, headers=[("a", "b")], json={"ü": 1}, repeatable=True)
        headers = [("a", "b"), ("content-type", "application/json")]
        body = '{"ü":1}'.encode()
        self.assertEqual(given, http.Request(http.Method.POST, "/a", [("x", "1")], headers, body, True, None))
        repeated = {method: request(method, "/").repeatable for method in ("get", "head", "put", "delete", "post", "patch")}
        self.assertEqual([method for method, may in repeated.items() if not may], ["post", "patch"])

    def test_a_fake_host_is_strict(self):
        check = Verbs(lambda call: call.http.get("/b"))
        with self.assertRaisesRegex(AssertionError, "sent get /b, expected get /a"):
            Hosted(check, FakeHttp().expect("get", "/a", answer(200))).check()
        with self.assertRaisesRegex(AssertionError, "nobody expects get /b"):
            Hosted(check).check()
        with self.assertRaisesRegex(AssertionError, "never sent: get /a"):
            FakeHttp().expect("get", "/a", answer(200)).done()


class Connectors(unittest.TestCase):
    def test_a_verb_that_is_not_there_says_so_and_segments_are_none(self):
        host = Hosted(Verbs(None))
        with self.assertRaises(Err) as caught:
            host.push("x", [])
        self.assertEqual(caught.exception.value, types.Failure_Unsupported("this connector has no `push`"))
        self.assertEqual(host.segments("x"), [])
        self.assertRaises(KeyError, obj, "a", "A", ["fly"])
        self.assertTrue(field("a", "A", "long-text", required=True).required)

    def test_a_connector_takes_writes_in_sets_or_leaves_them_to_the_host(self):
        class Sets(Verbs):
            def least(self, call, object):
                return 2_000 if object == "contacts" else None

            def open(self, call, object, writes):
                return f"set-{len(writes)}"

            def collect(self, call, object, name, writes):
                return still_at_work(50) if name == "set-2" else nothing_taken()

        host = Hosted(Sets(None))
        self.assertEqual((host.least("contacts"), host.least("x"), host.open("contacts", [1, 2])), (2_000, None, "set-2"))
        self.assertEqual(host.collect("contacts", "set-2", []), bulk.Collected_Wait(50))
        self.assertEqual(host.collect("contacts", "set-3", []), bulk.Collected_Void())
        self.assertEqual(collected([written("1")]), bulk.Collected_Outcomes([written("1")]))
        self.assertEqual((takes_sets(Sets(None)), takes_sets(Verbs(None))), (True, False))
        with self.assertRaises(Err) as raised:
            Hosted(Verbs(None)).open("x", [])
        self.assertIn("`open`", raised.exception.value.value)

    def test_settings_signatures_and_log_are_those_of_the_host(self):
        def check(call):
            call.log("hello", "warn")
            return call.settings["a"], call.now, call.is_signed(b"m", b"good"), call.is_signed(b"m", b"bad")

        host = Hosted(Verbs(check), settings={"a": 1}, now=7, signed=b"m")
        self.assertEqual((host.check(), host.lines), ((1, 7, True, False), [("warn", "hello")]))

    def test_writes_one_by_one_what_is_lost_is_unknown_and_what_comes_after_a_failure_waits(self):
        answers = [written("1"), HttpError(lost("unanswered", "cut").value), RateLimited(500), written("4")]

        def write_one(_):
            given = answers.pop(0)
            if isinstance(given, Exception):
                raise given
            return given

        self.assertEqual(one_by_one([1, 2, 3, 4], write_one), [written("1"), unknown("cut"), later(500), later(500)])
        answers = [RateLimited()]
        self.assertRaises(RateLimited, one_by_one, [1], write_one)
        answers = [Temporary("500")]
        self.assertEqual(one_by_one([1], write_one), [unknown("500")])


class Paging(unittest.TestCase):
    def test_a_token_comes_back_as_it_was_written_and_a_strange_one_has_expired(self):
        self.assertEqual(read_token(write_token({"page": 2}), {"page": 1}), {"page": 2})
        self.assertEqual(read_token(None, {"page": 1}), {"page": 1})
        for strange in ("", "x", "3", "null"):
            self.assertRaises(TokenExpired, read_token, strange, {})

    def test_a_list_is_read_to_its_end_and_no_further(self):
        lists = {None: ([1, 2], "a"), "a": ([3], None)}
        self.assertEqual(list(pages(lists.get)), [1, 2, 3])
        with self.assertRaises(Temporary):
            list(pages(lambda token: ([1], "same")))
        self.assertEqual(list(chunks([1, 2, 3], 2)), [[1, 2], [3]])


class TheBuild(unittest.TestCase):
    def test_the_stamp_is_a_custom_section_behind_the_component(self):
        bytes_ = stamped(b"\1\2", {"sdk": "python"})
        self.assertEqual(bytes_, b'\1\2\0\x1a\x09ferry:sdk{"sdk":"python"}')

    def test_what_is_no_plugin_is_said_to_be_none(self):
        with tempfile.TemporaryDirectory() as folder:
            entry = Path(folder) / "nothing.py"
            with self.assertRaisesRegex(BuildError, "name the plugin's module"):
                build(entry, "out.wasm")
            entry.write_text("plugin = 3\n", encoding="utf-8")
            with self.assertRaisesRegex(BuildError, "has no `plugin`"):
                build(entry, "out.wasm")


if __name__ == "__main__":
    unittest.main()
