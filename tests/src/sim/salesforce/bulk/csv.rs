//! CSV as bulk jobs take and give it: the job says what separates columns and what ends a line.

use serde_json::{Map, Value};

use super::super::errors::ApiError;

const DELIMITERS: [(&str, char); 6] =
    [("BACKQUOTE", '`'), ("CARET", '^'), ("COMMA", ','), ("PIPE", '|'), ("SEMICOLON", ';'), ("TAB", '\t')];

/// What a job's data look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    delimiter: char,
    crlf: bool,
}

impl Format {
    /// As the body of a new job says.
    pub(super) fn of(body: &Map<String, Value>) -> Result<Self, ApiError> {
        let given = |name: &str, otherwise: &'static str| match body.get(name) {
            None | Some(Value::Null) => Ok(otherwise.to_owned()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(ApiError::json_parser(format!("{name} is no text"))),
        };
        if given("contentType", "CSV")? != "CSV" {
            return Err(ApiError::bad("INVALIDJOB", "contentType must be CSV"));
        }
        let name = given("columnDelimiter", "COMMA")?;
        let delimiter = DELIMITERS.iter().find(|(known, _)| *known == name).map(|(_, delimiter)| *delimiter);
        let delimiter = delimiter.ok_or_else(|| ApiError::bad("INVALIDJOB", "columnDelimiter is unknown"))?;
        match given("lineEnding", "LF")?.as_str() {
            "LF" => Ok(Self { delimiter, crlf: false }),
            "CRLF" => Ok(Self { delimiter, crlf: true }),
            _ => Err(ApiError::bad("INVALIDJOB", "lineEnding must be LF or CRLF")),
        }
    }

    pub(super) fn line_ending(self) -> &'static str {
        if self.crlf { "CRLF" } else { "LF" }
    }

    pub(super) fn delimiter_name(self) -> &'static str {
        DELIMITERS.iter().find(|(_, delimiter)| *delimiter == self.delimiter).map_or("COMMA", |(name, _)| name)
    }

    /// A line with every value in quotes, as Salesforce writes them.
    pub(super) fn line<'a>(self, values: impl IntoIterator<Item = &'a str>) -> String {
        let quoted: Vec<String> =
            values.into_iter().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect();
        quoted.join(&self.delimiter.to_string()) + if self.crlf { "\r\n" } else { "\n" }
    }

    /// The rows of a file; empty lines are none.
    ///
    /// # Errors
    /// As Salesforce tells of a file that does not keep to its job's format.
    pub(super) fn read(self, text: &str) -> Result<Vec<Vec<String>>, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (mut rows, mut row, mut value) = (Vec::new(), Vec::new(), String::new());
        let mut letters = text.chars().peekable();
        let (mut in_quotes, mut was_quoted) = (false, false);
        while let Some(letter) = letters.next() {
            match letter {
                '"' if in_quotes && letters.peek() == Some(&'"') => value.extend(letters.next()),
                '"' if in_quotes => in_quotes = false,
                '"' if value.is_empty() && !was_quoted => (in_quotes, was_quoted) = (true, true),
                '"' => return Err("InvalidBatch : a quote stands inside of a value".to_owned()),
                _ if in_quotes => value.push(letter),
                '\r' | '\n' => {
                    let rest = if self.crlf { letters.next() } else { None };
                    if (letter, rest) != if self.crlf { ('\r', Some('\n')) } else { ('\n', None) } {
                        return Err(self.wrong_ending());
                    }
                    end_row(&mut rows, &mut row, &mut value, was_quoted);
                    was_quoted = false;
                }
                _ if letter == self.delimiter => {
                    row.push(std::mem::take(&mut value));
                    was_quoted = false;
                }
                _ => value.push(letter),
            }
        }
        if in_quotes {
            return Err("InvalidBatch : a value has no closing quote".to_owned());
        }
        end_row(&mut rows, &mut row, &mut value, was_quoted);
        Ok(rows)
    }

    fn wrong_ending(self) -> String {
        let ending = self.line_ending();
        format!("InvalidBatch : LineEnding is invalid on user data. Current LineEnding setting is {ending}")
    }
}

fn end_row(rows: &mut Vec<Vec<String>>, row: &mut Vec<String>, value: &mut String, was_quoted: bool) {
    if row.is_empty() && value.is_empty() && !was_quoted {
        return;
    }
    row.push(std::mem::take(value));
    rows.push(std::mem::take(row));
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Format = Format { delimiter: ',', crlf: false };

    #[test]
    fn what_is_written_is_read_back() {
        let values = ["a,b", "say \"x\"", "two\nlines", "", "Zoë"];
        let text = COMMA.line(["A", "B", "C", "D", "E"]) + &COMMA.line(values);
        let rows = COMMA.read(&text).unwrap();
        assert_eq!(rows[1], values.map(str::to_owned));
        assert_eq!(COMMA.read("\u{feff}A,B\n1,\n\n,2").unwrap(), [["A", "B"], ["1", ""], ["", "2"]]);
    }

    #[test]
    fn a_file_that_does_not_keep_to_its_format_is_refused() {
        let crlf = Format { crlf: true, ..COMMA };
        assert_eq!(crlf.read("A\r\n1\r\n").unwrap(), [["A"], ["1"]]);
        for (format, text) in [(COMMA, "A\r\n1"), (crlf, "A\n1"), (COMMA, "A\n\"1"), (COMMA, "A\n1\"2\"")] {
            assert!(format.read(text).unwrap_err().starts_with("InvalidBatch : "), "{text:?}");
        }
    }
}
