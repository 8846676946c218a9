import unittest

from ferry_sdk import NULL, Direction, mapped, problem, refused, skipped, text
from ferry_sdk.contract import Err
from ferry_sdk.testing import opened

from plugin import plugin

INPUT = [("name", "text"), ("mail", "email")]


class PeopleMapper(unittest.TestCase):
    def test_a_name_is_split_and_the_rest_is_copied(self):
        mapping = opened(plugin, '{"name": "name", "copy": {"email": "mail"}}', "inbound", INPUT)
        self.assertEqual([column.name for column in mapping.output()], ["first_name", "last_name", "email"])
        rows = [[text("Ada King Lovelace"), NULL], [text("Plato"), text("p@x")], [NULL, NULL], [NULL]]
        expected = [
            mapped([text("Ada King"), text("Lovelace"), NULL]),
            mapped([text("Plato"), NULL, text("p@x")]),
            skipped("it has no name"),
            refused([problem(None, "the row has 1 values for 2 columns")]),
        ]
        self.assertEqual(mapping.rows(rows), expected)

    def test_it_reads_the_columns_that_it_names(self):
        configuration = '{"name": "name", "copy": {"email": "mail", "name": "name"}}'
        self.assertEqual(plugin.reads(configuration, Direction.INBOUND), ["name", "mail"])

    def test_all_mistakes_of_a_configuration_are_told(self):
        with self.assertRaises(Err) as caught:
            opened(plugin, '{"copy": {"email": 3}}', "inbound", INPUT)
        self.assertEqual([mistake.path for mistake in caught.exception.value], ["name", "copy"])


if __name__ == "__main__":
    unittest.main()
