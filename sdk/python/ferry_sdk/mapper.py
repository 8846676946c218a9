"""World `mapper-plugin`: rows in, rows out, nothing else. The same rows must give the same rows, so there is no clock to ask."""

from itertools import islice

from .contract import Err, mapper, types
from .value import problem


class Mistakes(Exception):
    """The mistakes of a configuration: raise it from `reads` and `open`, with all of them."""

    def __init__(self, mistakes):
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = list(mistakes)


class Mapping:
    """An open mapping: `output` is a list of columns, and `map(row)` gives what one row becomes."""

    output = ()

    def map(self, row):
        raise NotImplementedError


class Mapper:
    """How a mapper reads its configuration and opens a mapping."""

    def reads(self, configuration, direction):
        """The input columns that a configuration reads, each once."""
        raise NotImplementedError

    def open(self, configuration, direction, input):
        """A `Mapping` of rows whose values are in the order of the columns `input`."""
        raise NotImplementedError


def mistake(message, *, path="", line=None, hint=None):
    return mapper.Mistake(line, path, message, hint)


def column(name, kind):
    """A column; `kind` is a name as in `"email"`, or that of another column."""
    return mapper.Column(name, mapper.Kind[kind.upper()] if isinstance(kind, str) else kind)


def mapped(values):
    """Values in the order of the output columns."""
    return mapper.Mapped_Values(list(values))


def skipped(reason):
    """Left out on purpose."""
    return mapper.Mapped_Skipped(reason)


def refused(problems):
    """Can't be mapped."""
    return mapper.Mapped_Refused(list(problems))


# Kinds of columns that hold something else than a text, by their names: a connector has no kinds.
_HOLDS = {
    "BOOLEAN": types.Value_Boolean,
    "INTEGER": types.Value_Integer,
    "DECIMAL": types.Value_Decimal,
    "CHOICES": types.Value_Texts,
    "INSTANT": types.Value_Instant,
    "DATE": types.Value_Date,
}


def exported(plugin):
    """The classes of the contract's interface: its functions, and the resource."""

    class Mapper:
        def reads(self, configuration, direction):
            try:
                return list(plugin.reads(configuration, direction))
            except Mistakes as mistakes:
                raise Err(mistakes.mistakes) from mistakes

    class Mapping:
        def __init__(self, opened, width):
            self._opened = opened
            self._width = width

        @classmethod
        def open(cls, configuration, direction, input):
            try:
                return cls(plugin.open(configuration, direction, input), len(input))
            except Mistakes as mistakes:
                raise Err(mistakes.mistakes) from mistakes

        def output(self):
            return list(self._opened.output)

        def rows(self, rows):
            one, width, output = self._opened.map, self._width, self._opened.output
            return [_typed(one(row), output) if len(row) == width else _misshapen(row, width) for row in _taken(rows)]

    return Mapper, Mapping


def _taken(table):
    """The rows of a table, which the host hands over in one piece."""
    texts, at = table.texts.encode(), 0

    def next(length):
        nonlocal at
        at += length
        return texts[at - length : at].decode()

    def value(cell):
        match cell:
            case mapper.Cell_Text(length):
                return types.Value_Text(next(length))
            case mapper.Cell_Null():
                return types.Value_Null()
            case mapper.Cell_Integer(number):
                return types.Value_Integer(number)
            case mapper.Cell_Decimal(length):
                return types.Value_Decimal(next(length))
            case mapper.Cell_Boolean(flag):
                return types.Value_Boolean(flag)
            case mapper.Cell_Instant(instant):
                return types.Value_Instant(instant)
            case mapper.Cell_Date(days):
                return types.Value_Date(days)
            case mapper.Cell_Texts(lengths):
                return types.Value_Texts([next(length) for length in lengths])

    cells = iter(table.cells)
    return [[value(cell) for cell in islice(cells, width)] for width in table.widths]


def _typed(given, output):
    """What is copied may be of another type than its column says: that is the row's fault, and not the mapper's end."""
    if isinstance(given, mapper.Mapped_Values):
        for value, to in zip(given.value, output):
            if not isinstance(value, types.Value_Null) and to.kind is not mapper.Kind.OPAQUE:
                if not isinstance(value, _HOLDS.get(to.kind.name, types.Value_Text)):
                    return refused([problem(to.name, "is not of the type of its column")])
    return given


def _misshapen(row, width):
    return refused([problem(None, f"the row has {len(row)} values for {width} columns")])
