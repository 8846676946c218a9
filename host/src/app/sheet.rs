//! The rows of a CSV file, as a connector: a run walks them like a CRM's records. Reads bytes that it is given; no files, and no
//! mapping. What is wrong with the file as a file is said before any row is used.

use std::collections::HashMap;
use std::hash::Hasher as _;

use async_trait::async_trait;
use csv::{ByteRecord, Position, Reader, ReaderBuilder};
use siphasher::sip::SipHasher13;

use crate::model::connector::{Connector, Hint, Page, PullRequest, Webhook, Window, Write, WriteOutcome, Written};
use crate::model::failure::{CallError, Failure};
use crate::model::schema::{Account, Field, FieldKind, Object, Segment};
use crate::model::value::{Problem, Row, Value};

/// Columns of one file: CRMs export hundreds at most.
const MOST_COLUMNS: usize = 1_000;

/// The longest value, in bytes: longer than any text field of a CRM that people fill.
const LONGEST_VALUE: usize = 128 * 1024;

/// The longest id, in bytes, as for a CRM's records.
const LONGEST_ID: usize = 255;

/// Mistakes that are told at once: whoever has more mends the cause.
const MOST_TOLD: usize = 20;

/// The column that names a record, unless told.
const USUAL_ID: &str = "id";

/// A file that was looked through: every row has its cells and an id of its own.
pub struct Sheet {
    bytes: Vec<u8>,
    /// The number of the line at which `bytes` begin.
    first_line: usize,
    delimiter: u8,
    header: Vec<String>,
    /// The column that names a record.
    id: usize,
    rows: u64,
    /// Tells this file from another one: a place in one is none in the other.
    print: u64,
}

/// What is wrong with a file, by its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetMistake {
    /// It is not text, or the header is none.
    Form(Vec<Problem>),
    /// No column names the records: there are these.
    NoId { wanted: Option<String>, columns: Vec<String> },
}

impl Sheet {
    /// `id` is the column whose values tell the records apart; a column called `id` unless told. The delimiter is found out.
    ///
    /// # Errors
    /// Where rows can't be read or told apart: then none is used.
    pub fn open(mut bytes: Vec<u8>, id: Option<&str>) -> Result<Self, SheetMistake> {
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        if let Err(error) = std::str::from_utf8(&bytes) {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            return Err(mistake(&format!("line {line} is not UTF-8: save the file as CSV in UTF-8")));
        }
        let told = told_delimiter(&bytes);
        if let Some((_, length)) = told {
            bytes.drain(..length);
        }
        let first_line = 1 + usize::from(told.is_some());
        let delimiter = told.map_or_else(|| delimiter(&bytes), |(delimiter, _)| delimiter);
        let header = header(&bytes, delimiter, first_line)?;
        let place = |name: &str| header.iter().position(|column| column == name);
        let no_id = || SheetMistake::NoId { wanted: id.map(str::to_owned), columns: header.clone() };
        let id = place(id.unwrap_or(USUAL_ID)).ok_or_else(no_id)?;
        let mut hasher = SipHasher13::new();
        hasher.write(&bytes);
        let sheet = Self { bytes, first_line, delimiter, header, id, rows: 0, print: hasher.finish() };
        let rows = sheet.look_through().map_err(SheetMistake::Form)?;
        Ok(Self { rows, ..sheet })
    }

    /// The columns, in the order of the file.
    pub fn fields(&self) -> Vec<Field> {
        let unique = |name: &String| self.header.get(self.id) == Some(name);
        self.header.iter().map(|name| field(name, unique(name))).collect()
    }

    fn reader(&self) -> Reader<&[u8]> {
        reader(&self.bytes, self.delimiter)
    }

    fn lines(&self) -> LineCount {
        LineCount { line: self.first_line, byte: 0 }
    }

    /// How many rows there are.
    fn look_through(&self) -> Result<u64, Vec<Problem>> {
        let (mut seen, mut problems, mut rows) = (HashMap::new(), Vec::new(), 0);
        let (mut reader, mut record, mut lines) = (self.reader(), ByteRecord::new(), self.lines());
        let mut last = 0;
        // The header was read before.
        reader.read_byte_record(&mut record).map_err(|error| vec![problem(&error.to_string())])?;
        while problems.len() < MOST_TOLD {
            let read = reader.read_byte_record(&mut record);
            let line = lines.at(&self.bytes, record.position().map_or(0, Position::byte));
            let mut wrong = |what: String| problems.push(problem(&format!("line {line}: {what}")));
            match read {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    // The reader knows no way on from there.
                    wrong(error.to_string());
                    break;
                }
            }
            rows += 1;
            last = record.position().map_or(0, Position::byte);
            if record.len() != self.header.len() {
                wrong(format!("it has {} values, and the header {}", record.len(), self.header.len()));
                continue;
            }
            if let Some(long) = record.iter().position(|cell| cell.len() > LONGEST_VALUE) {
                let name = self.header.get(long).map_or("", String::as_str);
                wrong(format!("`{name}` is longer than {LONGEST_VALUE} bytes"));
            }
            let id = self.id(&record);
            if id.is_empty() || id.len() > LONGEST_ID {
                let name = self.header.get(self.id).map_or("", String::as_str);
                wrong(format!("`{name}` names the record, and is empty or longer than {LONGEST_ID} bytes"));
            } else if let Some(first) = seen.insert(id, line) {
                wrong(format!("it has the id of line {first}"));
            }
        }
        if problems.len() < MOST_TOLD && self.is_open(last) {
            let line = self.lines().at(&self.bytes, last);
            problems.push(problem(&format!("line {line}: a quotation mark opens a value and none closes it")));
        }
        if problems.is_empty() { Ok(rows) } else { Err(problems) }
    }

    /// Whether the last record, which begins at a byte, ends inside of quotes: then it has swallowed those behind it, and so it
    /// swallows one more.
    fn is_open(&self, last: u64) -> bool {
        let last = usize::try_from(last).ok().and_then(|last| self.bytes.get(last..)).unwrap_or_default();
        let with_one_more = [last, b"\nmore"].concat();
        reader(&with_one_more, self.delimiter).into_byte_records().count() == 1
    }

    fn id(&self, record: &ByteRecord) -> String {
        let cell = record.get(self.id).unwrap_or_default();
        String::from_utf8_lossy(cell).trim().to_owned()
    }

    /// At most `limit` rows from the place of a token on.
    fn page(&self, columns: &[String], token: Option<&str>, limit: usize) -> Result<Page, Failure> {
        let places: Vec<usize> = columns
            .iter()
            .map(|name| self.header.iter().position(|column| column == name))
            .collect::<Option<_>>()
            .ok_or_else(|| Failure::Missing("a column that the mapping reads".to_owned()))?;
        let from = token.map_or(Some(0), |token| self.place(token)).ok_or(Failure::TokenExpired)?;
        let bytes = self.bytes.get(from..).ok_or(Failure::TokenExpired)?;
        let mut reader = reader(bytes, self.delimiter);
        let mut record = ByteRecord::new();
        let broken = |_: csv::Error| Failure::TokenExpired;
        if from == 0 {
            reader.read_byte_record(&mut record).map_err(broken)?;
        }
        let mut rows = Vec::new();
        while rows.len() < limit && reader.read_byte_record(&mut record).map_err(broken)? {
            let values = places.iter().map(|place| value(record.get(*place).unwrap_or_default())).collect();
            rows.push(Row { id: self.id(&record), modified: None, version: None, values });
        }
        let read = from as u64 + reader.position().byte();
        let next = (read < self.bytes.len() as u64).then(|| format!("{:x}-{read}", self.print));
        Ok(Page { rows, next, total: Some(self.rows), ..Page::default() })
    }
}

impl Sheet {
    /// The byte at which a page begins; none where the token is of another file.
    fn place(&self, token: &str) -> Option<usize> {
        let (print, place) = token.split_once('-')?;
        (print == format!("{:x}", self.print)).then(|| place.parse().ok()).flatten()
    }
}

/// The numbers of lines, of places that come one behind the other.
struct LineCount {
    line: usize,
    byte: usize,
}

impl LineCount {
    /// The line of the record that begins at a byte, or at the first one behind it that ends no line.
    fn at(&mut self, bytes: &[u8], byte: u64) -> usize {
        let given = usize::try_from(byte).unwrap_or(usize::MAX).clamp(self.byte, bytes.len());
        let ends = bytes[given..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let begin = given + ends;
        self.line += bytes[self.byte..begin].iter().filter(|byte| **byte == b'\n').count();
        self.byte = begin;
        self.line
    }
}

fn reader(bytes: &[u8], delimiter: u8) -> Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes)
}

/// What a first line like `sep=;` says, which spreadsheets write and read, and how long that line is.
fn told_delimiter(bytes: &[u8]) -> Option<(u8, usize)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..end];
    match line.strip_suffix(b"\r").unwrap_or(line) {
        [b's', b'e', b'p', b'=', delimiter] if delimiter.is_ascii() && *delimiter != b'"' => {
            Some((*delimiter, end + 1))
        }
        _ => None,
    }
}

/// What stands between the values: most spreadsheets write a comma, some a semicolon or a tab. What stands in quotes counts for none.
fn delimiter(bytes: &[u8]) -> u8 {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let unquoted = first.split(|byte| *byte == b'"').step_by(2);
    let count = |wanted: u8| unquoted.clone().flatten().filter(|byte| **byte == wanted).count();
    // Of equals the last one wins, which is the comma.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

fn header(bytes: &[u8], delimiter: u8, line: usize) -> Result<Vec<String>, SheetMistake> {
    let mut record = ByteRecord::new();
    let read = reader(bytes, delimiter).read_byte_record(&mut record);
    if !read.is_ok_and(|there| there) {
        return Err(mistake("it is empty: the first line has to name the columns"));
    }
    if record.len() > MOST_COLUMNS {
        return Err(mistake(&format!("it has {} columns, and {MOST_COLUMNS} are the most", record.len())));
    }
    let header: Vec<String> = record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    let mut problems = Vec::new();
    for (at, name) in header.iter().enumerate() {
        let number = at + 1;
        if name.is_empty() {
            problems.push(problem(&format!("line {line}: column {number} has no name")));
        } else if header.iter().position(|other| other == name) != Some(at) {
            problems.push(problem(&format!("line {line}: column {number} is another `{name}`")));
        }
    }
    problems.truncate(MOST_TOLD);
    if problems.is_empty() { Ok(header) } else { Err(SheetMistake::Form(problems)) }
}

/// A text, or nothing. What `contacts export` put in front of a formula is taken away again.
fn value(cell: &[u8]) -> Value {
    let text = String::from_utf8_lossy(cell);
    let text =
        text.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@', '\t', '\r'])).unwrap_or(&text);
    if text.is_empty() { Value::Null } else { Value::Text(text.to_owned()) }
}

fn problem(message: &str) -> Problem {
    Problem { field: None, message: message.to_owned() }
}

fn mistake(message: &str) -> SheetMistake {
    SheetMistake::Form(vec![problem(message)])
}

fn field(name: &str, unique: bool) -> Field {
    Field {
        name: name.to_owned(),
        label: name.to_owned(),
        kind: FieldKind::Text,
        choices: Vec::new(),
        refers_to: Vec::new(),
        required: unique,
        writable: false,
        unique,
        custom: false,
        derived: false,
        length: None,
    }
}

fn unsupported<T>() -> Result<T, CallError> {
    Err(Failure::Unsupported("a file can only be read".to_owned()).into())
}

#[async_trait]
impl Connector for Sheet {
    async fn check(&self) -> Result<Account, CallError> {
        unsupported()
    }

    async fn objects(&self) -> Result<Vec<Object>, CallError> {
        Ok(Vec::new())
    }

    async fn fields(&self, _: &str) -> Result<Vec<Field>, CallError> {
        Ok(Self::fields(self))
    }

    async fn segments(&self, _: &str) -> Result<Vec<Segment>, CallError> {
        Ok(Vec::new())
    }

    async fn pull(&self, request: PullRequest) -> Result<Page, CallError> {
        Ok(self.page(&request.columns, request.token.as_deref(), request.limit as usize)?)
    }

    async fn partition(&self, _: PullRequest, _: u32) -> Result<Vec<String>, CallError> {
        unsupported()
    }

    async fn gone(&self, _: &str, _: Window, _: Option<String>) -> Result<Page, CallError> {
        unsupported()
    }

    async fn push(&self, _: &str, _: &[Write]) -> Result<Vec<WriteOutcome>, CallError> {
        unsupported()
    }

    async fn resolve(&self, _: &str, _: &[Write]) -> Result<Vec<Option<Written>>, CallError> {
        unsupported()
    }

    async fn receive(&self, _: Webhook) -> Result<Vec<Hint>, CallError> {
        unsupported()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, id: Option<&str>) -> Vec<String> {
        match Sheet::open(text.into(), id).err().unwrap() {
            SheetMistake::Form(problems) => problems.into_iter().map(|problem| problem.message).collect(),
            SheetMistake::NoId { wanted, columns } => vec![format!("{wanted:?} of {columns:?}")],
        }
    }

    fn rows(sheet: &Sheet, columns: &[&str], limit: usize) -> Vec<(String, Vec<String>)> {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let (mut rows, mut next): (Vec<Row>, Option<String>) = (Vec::new(), None);
        loop {
            let page = sheet.page(&columns, next.as_deref(), limit).unwrap();
            assert_eq!(page.total, Some(sheet.rows));
            rows.extend(page.rows);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        rows.into_iter().map(|row| (row.id, row.values.iter().map(Value::to_cell).collect())).collect()
    }

    #[test]
    fn pages_of_any_size_give_every_row_once() {
        let text = "\u{feff}id;name;note\r\n1;\"Hill; Ada\";\"two\r\nlines\"\r\n2;Bo;\r\n\r\n 3 ;Cy;'=1+1\r\n";
        let sheet = Sheet::open(text.into(), None).unwrap();
        let expected = [("1", ["two\r\nlines", "Hill; Ada"]), ("2", ["", "Bo"]), ("3", ["=1+1", "Cy"])];
        let expected = expected.map(|(id, values)| (id.to_owned(), values.map(str::to_owned).to_vec()));
        for limit in 1..5 {
            assert_eq!(rows(&sheet, &["note", "name"], limit), expected, "{limit}");
        }
    }

    #[test]
    fn what_stands_in_quotes_does_not_tell_what_stands_between_values() {
        let sheet = Sheet::open("\"name, first, last\";id\n\"Hill, Ada\";1\n".into(), None).unwrap();
        assert_eq!(rows(&sheet, &["name, first, last"], 10), [("1".to_owned(), vec!["Hill, Ada".to_owned()])]);
    }

    #[test]
    fn a_first_line_may_say_what_stands_between_values() {
        let sheet = Sheet::open("sep=|\r\nid|a,b,c;d\r\n1|x,y\r\n".into(), None).unwrap();
        assert_eq!(rows(&sheet, &["a,b,c;d"], 10), [("1".to_owned(), vec!["x,y".to_owned()])]);
        assert_eq!(told("sep=;\nid;a;a\n", None), ["line 2: column 3 is another `a`"]);
        assert_eq!(told("sep=;\nid;a\n1\n", None), ["line 3: it has 1 values, and the header 2"]);
        assert_eq!(told("sep=;\n", None), ["it is empty: the first line has to name the columns"]);
    }

    #[test]
    fn a_place_in_one_file_is_none_in_another() {
        let names = ["id".to_owned()];
        let page = Sheet::open("id\n1\n2\n".into(), None).unwrap().page(&names, None, 1).unwrap();
        let other = Sheet::open("id\n10\n20\n".into(), None).unwrap();
        assert_eq!(other.page(&names, page.next.as_deref(), 1), Err(Failure::TokenExpired));
    }

    #[test]
    fn any_column_may_name_the_records() {
        let sheet = Sheet::open("mail,name\na@x,A\nb@x,B\n".into(), Some("mail")).unwrap();
        assert_eq!(rows(&sheet, &["name"], 10)[1], ("b@x".to_owned(), vec!["B".to_owned()]));
        assert_eq!(told("mail,name\na@x,A\n", None), ["None of [\"mail\", \"name\"]"]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_by_its_lines() {
        assert_eq!(told("", None), ["it is empty: the first line has to name the columns"]);
        assert_eq!(told("id,,a,a\n", None), ["line 1: column 2 has no name", "line 1: column 4 is another `a`"]);
        let text = "id,name\n1,A\n,B\n1,C\n4\n5,\"a\nb\"\n5,D,E\n";
        let expected = [
            "line 3: `id` names the record, and is empty or longer than 255 bytes",
            "line 4: it has the id of line 2",
            "line 5: it has 1 values, and the header 2",
            "line 8: it has 3 values, and the header 2",
        ];
        assert_eq!(told(text, None), expected);
        let open = "id,name\n1,A\n2,\"B\n3,C\n4,D\n";
        assert_eq!(told(open, None), ["line 3: a quotation mark opens a value and none closes it"]);
        let whole = "id,name\n1,5\" pipe\n2,\"a \"\"b\"\"\"\n3,\"\nmore\"";
        assert_eq!(Sheet::open(whole.into(), None).map(|sheet| sheet.rows).ok(), Some(3));
        let latin = [&b"id,name\n1,Z"[..], b"\xf6", b"e\n"].concat();
        let mistake = Sheet::open(latin, None).err().unwrap();
        assert_eq!(mistake, super::mistake("line 2 is not UTF-8: save the file as CSV in UTF-8"));
    }
}
