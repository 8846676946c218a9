//! CSV that a spreadsheet can open without running it. Writes cells; decides nothing else.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula, and records
//! of a CRM are written by strangers. Such a cell gets a `'` in front. Left as they are: numbers (`-12.5`) and phone
//! numbers in E.164 (`+4930123456`), which no spreadsheet computes anything from, and which other programs read.

use std::borrow::Cow;
use std::io::Write;

use super::failure::CliError;

pub(super) struct SafeCsv<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> SafeCsv<W> {
    pub(super) fn new(to: W) -> Self {
        Self { writer: csv::Writer::from_writer(to) }
    }

    pub(super) fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> Result<(), CliError> {
        for cell in cells {
            self.writer.write_field(safe(cell).as_bytes()).map_err(failed)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(failed)
    }

    pub(super) fn finish(mut self) -> Result<(), CliError> {
        self.writer.flush().map_err(CliError::Output)
    }
}

fn failed(error: csv::Error) -> CliError {
    CliError::Output(match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    })
}

fn safe(cell: &str) -> Cow<'_, str> {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if risky && !is_number(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// A sign and digits, with at most one decimal point between them.
fn is_number(cell: &str) -> bool {
    let digits = cell.trim_start_matches(['+', '-']);
    cell.len() - digits.len() == 1
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.matches('.').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_text_and_numbers_stay() {
        for (cell, written) in [
            ("Ada", "Ada"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("-2+3", "'-2+3"),
            ("--1", "'--1"),
            ("\t=1", "'\t=1"),
            ("-", "'-"),
            ("-12.5", "-12.5"),
            ("+4930123456", "+4930123456"),
            ("1.2.3", "1.2.3"),
            ("-1.2.3", "'-1.2.3"),
        ] {
            assert_eq!(safe(cell), written, "{cell}");
        }
    }

    #[test]
    fn a_row_is_quoted_where_csv_needs_it() {
        let mut bytes = Vec::new();
        let mut csv = SafeCsv::new(&mut bytes);
        csv.row(["id", "name"]).unwrap();
        csv.row(["c1", "=A1,\"x\"\nZoë"]).unwrap();
        csv.finish().unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "id,name\nc1,\"'=A1,\"\"x\"\"\nZoë\"\n");
    }
}
