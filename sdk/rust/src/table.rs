//! The rows of a mapper as they cross the boundary, taken apart.

use crate::bindings::mapper::exports::ferry::crm::mapper::{Cell, Table};
use crate::value::Value;

/// The rows of a table; none where it does not hold together, which no host sends.
pub(crate) fn rows(table: Table) -> Option<Vec<Vec<Value>>> {
    let mut texts = Texts(&table.texts);
    let mut cells = table.cells.into_iter();
    let mut rows = Vec::with_capacity(table.widths.len());
    for width in table.widths {
        let width = usize::try_from(width).ok().filter(|width| *width <= cells.len())?;
        let mut row = Vec::with_capacity(width);
        for cell in cells.by_ref().take(width) {
            row.push(texts.value(cell)?);
        }
        rows.push(row);
    }
    (cells.len() == 0 && texts.0.is_empty()).then_some(rows)
}

/// What is left of a table's texts.
struct Texts<'a>(&'a str);

impl Texts<'_> {
    fn next(&mut self, bytes: u32) -> Option<String> {
        let (text, rest) = self.0.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.0 = rest;
        Some(text.to_owned())
    }

    fn value(&mut self, cell: Cell) -> Option<Value> {
        Some(match cell {
            Cell::Null => Value::Null,
            Cell::Boolean(flag) => Value::Boolean(flag),
            Cell::Integer(number) => Value::Integer(number),
            Cell::Decimal(bytes) => Value::Decimal(self.next(bytes)?),
            Cell::Text(bytes) => Value::Text(self.next(bytes)?),
            Cell::Instant(at) => Value::Instant(at),
            Cell::Date(days) => Value::Date(days),
            Cell::Texts(lengths) => {
                Value::Texts(lengths.into_iter().map(|bytes| self.next(bytes)).collect::<Option<_>>()?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(widths: &[u32], cells: &[Cell], texts: &str) -> Table {
        Table { widths: widths.to_vec(), cells: cells.to_vec(), texts: texts.into() }
    }

    #[test]
    fn rows_of_any_width_come_out_with_their_texts() {
        let cells = [Cell::Text(3), Cell::Null, Cell::Texts(vec![1, 0, 2]), Cell::Decimal(2), Cell::Date(-1)];
        let expected = vec![
            vec![Value::Text("Zoe".into()), Value::Null],
            vec![],
            vec![
                Value::Texts(vec!["a".into(), String::new(), "é".into()]),
                Value::Decimal("-1".into()),
                Value::Date(-1),
            ],
        ];
        assert_eq!(rows(table(&[2, 0, 3], &cells, "Zoeaé-1")), Some(expected));
    }

    #[test]
    fn what_does_not_hold_together_is_no_table() {
        let text = [Cell::Text(1)];
        for broken in [
            table(&[2], &text, "a"),
            table(&[], &text, "a"),
            table(&[1], &text, ""),
            table(&[1], &text, "ab"),
            // Within a letter.
            table(&[1], &text, "é"),
            table(&[u32::MAX], &text, "a"),
        ] {
            assert_eq!(rows(broken), None);
        }
    }
}
