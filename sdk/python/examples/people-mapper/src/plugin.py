"""A whole mapper: it splits one column into first and last name, and copies the columns that its configuration names.
The configuration is JSON, as in `{"name": "full_name", "copy": {"email": "mail"}}`."""

import json

from ferry_sdk import NULL, Direction, Mapper, MapperKind, Mapping, Mistakes, column, mapped, mistake, plain, skipped, text


class People(Mapper):
    def reads(self, configuration, direction):
        name, copy = read(configuration)
        return list(dict.fromkeys([name, *copy.values()]))

    def open(self, configuration, direction, input):
        if direction != Direction.INBOUND:
            raise Mistakes([mistake("this mapper maps inbound only")])
        name, copy = read(configuration)
        places = {column.name: at for at, column in enumerate(input)}
        wanted = {"name": name} | {f"copy.{to}": source for to, source in copy.items()}
        missing = [mistake(f"the CRM has no column `{it}`", path=path) for path, it in wanted.items() if it not in places]
        if missing:
            raise Mistakes(missing)
        copied = {to: input[places[source]] for to, source in copy.items()}
        return Names(places[name], [(to, places[it.name], it.kind) for to, it in copied.items()])


class Names(Mapping):
    def __init__(self, name, copied):
        self.name, self.copied = name, [at for _, at, _ in copied]
        shown = [column(to, MapperKind.TEXT if kind == MapperKind.OPAQUE else kind) for to, _, kind in copied]
        self.output = [column("first_name", "text"), column("last_name", "text"), *shown]

    def map(self, row):
        full = plain(row[self.name])
        if not isinstance(full, str) or not full.strip():
            return skipped("it has no name")
        return mapped([*split(full), *(row[at] for at in self.copied)])


def split(full):
    """The last word is the last name; a single word is the first name."""
    *first, last = full.split()
    return (text(" ".join(first)), text(last)) if first else (text(last), NULL)


def read(configuration):
    try:
        given = json.loads(configuration)
    except ValueError:
        hint = '{"name": "full_name", "copy": {}}'
        raise Mistakes([mistake("the configuration is not JSON", hint=hint)]) from None
    given = given if isinstance(given, dict) else {}
    name, copy, mistakes = given.get("name"), given.get("copy", {}), []
    if not isinstance(name, str):
        mistakes.append(mistake("the column of the name is missing", path="name"))
    if not isinstance(copy, dict) or not all(isinstance(source, str) for source in copy.values()):
        mistakes.append(mistake("is not an object of column names", path="copy"))
    if mistakes:
        raise Mistakes(mistakes)
    return name, copy


plugin = People()
