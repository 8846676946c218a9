//! A mapper that splits one column into first and last name, and copies the columns that its configuration names.
//! The configuration is JSON, as in `{"name": "full_name", "copy": {"email": "mail"}}`: put your own in its place.

use std::collections::BTreeMap;

use ferry_sdk::mapper::*;
use serde_json::Value as Json;

/// A mapping that was opened.
pub struct Plugin {
    name: usize,
    copied: Vec<(String, usize, Kind)>,
    columns: usize,
}

struct Configuration {
    name: String,
    /// Output column to input column.
    copy: BTreeMap<String, String>,
}

impl Mapper for Plugin {
    fn reads(configuration: &str, _: Direction) -> Result<Vec<String>, Vec<Mistake>> {
        let Configuration { name, copy } = read(configuration)?;
        let mut columns = vec![name];
        columns.extend(copy.into_values());
        columns.sort();
        columns.dedup();
        Ok(columns)
    }

    fn open(configuration: &str, direction: Direction, input: &[Column]) -> Result<Self, Vec<Mistake>> {
        if direction != Direction::Inbound {
            return Err(vec![mistake("", "this mapper maps inbound only")]);
        }
        let Configuration { name, copy } = read(configuration)?;
        let place = |column: &str, path: &str| {
            let at = input.iter().position(|it| it.name == column);
            at.ok_or_else(|| vec![mistake(path, &format!("the CRM has no column `{column}`"))])
        };
        let copied = copy.into_iter().map(|(to, from)| {
            let at = place(&from, &format!("copy.{to}"))?;
            match input[at].kind {
                kind @ (Kind::Text | Kind::Email | Kind::Phone | Kind::Url | Kind::Choice) => Ok((to, at, kind)),
                _ => Err(vec![mistake(&format!("copy.{to}"), "only columns of texts can be copied")]),
            }
        });
        Ok(Self { name: place(&name, "name")?, copied: copied.collect::<Result<_, _>>()?, columns: input.len() })
    }

    fn output(&self) -> Vec<Column> {
        let names = ["first_name", "last_name"].map(|name| Column { name: name.into(), kind: Kind::Text });
        let copied = self.copied.iter().map(|(name, _, kind)| Column { name: name.clone(), kind: *kind });
        names.into_iter().chain(copied).collect()
    }

    fn rows(&self, rows: Vec<Vec<Value>>) -> Vec<Mapped> {
        rows.iter().map(|row| self.row(row)).collect()
    }
}

impl Plugin {
    fn row(&self, row: &[Value]) -> Mapped {
        if row.len() != self.columns {
            let message = format!("the row has {} values for {} columns", row.len(), self.columns);
            return Mapped::Refused(vec![Problem { field: None, message }]);
        }
        let full = match &row[self.name] {
            Value::Text(text) => text.trim(),
            _ => "",
        };
        // The last word is the last name; a single word is the first name.
        let (first, last) = match full.rsplit_once(char::is_whitespace) {
            _ if full.is_empty() => return Mapped::Skipped("it has no name".into()),
            Some((first, last)) => (first.trim_end().into(), Value::Text(last.into())),
            None => (full.into(), Value::Null),
        };
        if let Some((name, ..)) = self.copied.iter().find(|(_, at, _)| !matches!(row[*at], Value::Null | Value::Text(_))) {
            let message = "only texts can be copied".into();
            return Mapped::Refused(vec![Problem { field: Some(name.clone()), message }]);
        }
        let copied = self.copied.iter().map(|(_, at, _)| row[*at].clone());
        Mapped::Values([Value::Text(first), last].into_iter().chain(copied).collect())
    }
}

fn read(text: &str) -> Result<Configuration, Vec<Mistake>> {
    let given: Json = serde_json::from_str(text).map_err(|_| vec![mistake("", "the configuration is not JSON")])?;
    let mut mistakes = Vec::new();
    let name = given["name"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        mistakes.push(mistake("name", "the column of the name is missing"));
    }
    let mut copy = BTreeMap::new();
    for (to, from) in given["copy"].as_object().into_iter().flatten() {
        match from.as_str() {
            Some(from) => drop(copy.insert(to.clone(), from.to_owned())),
            None => mistakes.push(mistake(&format!("copy.{to}"), "is not the name of a column")),
        }
    }
    if mistakes.is_empty() { Ok(Configuration { name, copy }) } else { Err(mistakes) }
}

fn mistake(path: &str, message: &str) -> Mistake {
    Mistake { line: None, path: path.into(), message: message.into(), hint: None }
}

ferry_sdk::mapper!(Plugin);

#[cfg(test)]
mod tests {
    use super::*;

    fn open(configuration: &str) -> Result<Plugin, Vec<Mistake>> {
        let column = |name: &str, kind| Column { name: name.into(), kind };
        Plugin::open(configuration, Direction::Inbound, &[column("name", Kind::Text), column("mail", Kind::Email)])
    }

    #[test]
    fn a_name_is_split_and_the_rest_is_copied() {
        let mapping = open(r#"{"name": "name", "copy": {"email": "mail"}}"#).ok().unwrap();
        let text = |text: &str| Value::Text(text.into());
        let rows = vec![vec![text("Ada King Lovelace"), Value::Null], vec![text(" "), Value::Null], vec![]];
        let mapped = mapping.rows(rows);
        assert!(matches!(&mapped[0], Mapped::Values(values)
            if values[..] == [text("Ada King"), text("Lovelace"), Value::Null]));
        assert!(matches!(&mapped[1], Mapped::Skipped(_)) && matches!(&mapped[2], Mapped::Refused(_)));
    }

    #[test]
    fn a_column_that_is_not_there_is_told_with_its_place() {
        let mistakes = open(r#"{"name": "name", "copy": {"email": "post"}}"#).err().unwrap();
        assert_eq!(mistakes[0].path, "copy.email");
    }
}
