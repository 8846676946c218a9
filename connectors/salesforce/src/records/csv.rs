//! Reads a bulk job's results into rows: CSV with a header, every value in quotes.

use std::borrow::Cow;

use ferry_sdk::connector::Failure;
use ferry_sdk::http::Response;
use ferry_sdk::time;
use ferry_sdk::value::{Row, Value};

use super::{Columns, Place, STAMP};

impl Columns {
    /// # Errors
    /// `temporary` where the body is no file of these columns, whole lines of them.
    pub(crate) fn read_csv(&self, response: &Response) -> Result<Vec<Row>, Failure> {
        let text = std::str::from_utf8(&response.body).map_err(|_| Failure::malformed("it is not UTF-8"))?;
        let mut lines = Lines::of(text);
        let mut line = Vec::new();
        if !lines.next(&mut line)? {
            return Err(Failure::malformed("results of a job without a header"));
        }
        let header: Vec<Place> =
            line.iter().map(|name| self.places.get(&**name).copied().unwrap_or_default()).collect();
        let asked = self.names.len() + usize::from(!self.names.iter().any(|name| name == "Id"));
        let asked = asked + usize::from(!self.names.iter().any(|name| name == STAMP));
        if header.iter().filter(|place| place.column.is_some() || place.is_id || place.is_stamp).count() != asked {
            return Err(Failure::malformed("results of a job have not the columns that it was made for"));
        }
        let mut rows = Vec::with_capacity(500);
        while lines.next(&mut line)? {
            if line.len() != header.len() {
                return Err(lines.malformed("it has not as many values as the header"));
            }
            rows.push(self.row(&header, &line).ok_or_else(|| lines.malformed("it has no id or no stamp"))?);
        }
        // Cut at the end of a line, a file still looks whole; the number of its rows does not.
        match response.header("sforce-numberofrecords").map(str::parse::<usize>) {
            Some(Ok(count)) if rows.len() != count => Err(Failure::malformed("results of a job end too early")),
            _ => Ok(rows),
        }
    }

    fn row(&self, header: &[Place], line: &[Cow<'_, str>]) -> Option<Row> {
        let mut values = vec![Value::Null; self.names.len()];
        let (mut id, mut stamp) = (None, None);
        for (place, text) in header.iter().zip(line) {
            if let Some(column) = place.column
                && let (Some(reading), Some(held)) = (self.readings.get(column), values.get_mut(column))
            {
                *held = reading.plain(text);
            }
            if place.is_id {
                id = Some(text);
            }
            if place.is_stamp {
                stamp = Some(text);
            }
        }
        let (id, stamp) = (id.filter(|id| !id.is_empty())?.to_string(), stamp?.to_string());
        Some(Row { id, modified: time::instant(&stamp), version: Some(stamp), values })
    }
}

/// The lines of a file, one value after the other.
pub(crate) struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), number: 0 }
    }

    /// The values of the next line that is not empty; whether there was one.
    pub(crate) fn next(&mut self, values: &mut Vec<Cow<'a, str>>) -> Result<bool, Failure> {
        values.clear();
        self.rest = self.rest.trim_start_matches(['\r', '\n']);
        if self.rest.is_empty() {
            return Ok(false);
        }
        self.number += 1;
        loop {
            values.push(self.value()?);
            let mut letters = self.rest.chars();
            match letters.next() {
                Some(',') => self.rest = letters.as_str(),
                None | Some('\r' | '\n') => return Ok(true),
                Some(_) => return Err(self.malformed("text stands behind a closing quote")),
            }
        }
    }

    fn value(&mut self) -> Result<Cow<'a, str>, Failure> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self.rest.find([',', '\r', '\n']).unwrap_or(self.rest.len());
            let (value, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Ok(Cow::Borrowed(value));
        };
        let mut from = 0;
        loop {
            let Some(end) = quoted[from..].find('"').map(|at| from + at) else {
                return Err(self.malformed("a value has no closing quote"));
            };
            if quoted[end + 1..].starts_with('"') {
                from = end + 2;
                continue;
            }
            self.rest = &quoted[end + 1..];
            let value = &quoted[..end];
            return Ok(if from == 0 { Cow::Borrowed(value) } else { Cow::Owned(value.replace("\"\"", "\"")) });
        }
    }

    /// The number of the line, never what stands in it.
    pub(crate) fn malformed(&self, what: &str) -> Failure {
        Failure::malformed(format!("line {} of a job's results: {what}", self.number))
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::testing::answer;

    use super::*;
    use crate::values::Reading;

    fn columns() -> Columns {
        let names = ["LastName", "Amount", "Active__c", "Interests__c"].map(str::to_owned);
        let readings = vec![Reading::Text, Reading::Decimal, Reading::Boolean, Reading::Texts];
        Columns::new(&names, readings).unwrap()
    }

    #[test]
    fn lines_become_the_rows_that_a_query_gives() {
        let text = "\"Id\",\"SystemModstamp\",\"LastName\",\"Amount\",\"Active__c\",\"Interests__c\"\n\
                    \"003000000000001AAA\",\"1970-01-01T00:00:01.000Z\",\"O\"\"Hara, \nJr.\",\"12.5\",\"true\",\"a;b\"\r\n\
                    \"003000000000002AAA\",\"1970-01-01T00:00:02.000Z\",\"\",\"1.5E7\",\"false\",\"\"\n";
        let rows = columns().read_csv(&answer(200, &[("sforce-numberofrecords", "2")], text)).unwrap();
        let row = |id: &str, second: i64, values: [Value; 4]| Row {
            id: id.into(),
            modified: Some(second * 1_000_000),
            version: Some(format!("1970-01-01T00:00:0{second}.000Z")),
            values: values.into(),
        };
        let texts = Value::Texts(vec!["a".into(), "b".into()]);
        let first = ["O\"Hara, \nJr.".into(), Value::Decimal("12.5".into()), true.into(), texts];
        let second = [Value::Null, Value::Decimal("15000000".into()), false.into(), Value::Null];
        assert_eq!(rows, [row("003000000000001AAA", 1, first), row("003000000000002AAA", 2, second)]);
    }

    #[test]
    fn what_is_cut_or_of_other_columns_is_temporary_and_is_not_quoted() {
        let header = "\"Id\",\"SystemModstamp\",\"LastName\",\"Amount\",\"Active__c\",\"Interests__c\"\n";
        let line = "\"003000000000001AAA\",\"1970-01-01T00:00:01.000Z\",\"secret\",\"1\",\"true\",\"\"\n";
        let cut = format!("{header}{}", &line[..50]);
        let short = format!("{header}\"003000000000001AAA\",\"secret\"\n");
        let odd = format!("{header}\"003\"secret");
        let bodies = ["", "<html>", "\"Id\",\"SystemModstamp\"\n", &cut, &short, &odd, &format!("{header}{line}")];
        for body in bodies {
            let failure = columns().read_csv(&answer(200, &[("sforce-numberofrecords", "2")], body)).unwrap_err();
            assert!(matches!(&failure, Failure::Temporary(text) if !text.contains("secret")), "{body} {failure:?}");
        }
    }
}
