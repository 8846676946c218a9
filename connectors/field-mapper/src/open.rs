//! Opens a configuration against the columns that will come in: names become indices, types are settled, what doesn't fit is noted.

use std::collections::HashMap;

use ferry_sdk::mapper::{Column, Direction, Mistake, Value};
use ferry_sdk::suggest::nearest;

use crate::config::field::Field;
use crate::config::skip::Skip;
use crate::config::source::{Name, Part, Source};
use crate::config::{self, Config};
use crate::kinds::{check_formats, settle};
use crate::mistake::Mistakes;
use crate::plan::{FieldPlan, Origin, Plan, Section, Slot};
use crate::skip::{SkipRule, Test};

impl Plan {
    /// Reads a configuration against the input columns.
    ///
    /// # Errors
    /// All mistakes at once, in the order of the text.
    pub fn open(configuration: &str, direction: Direction, input: &[Column]) -> Result<Self, Vec<Mistake>> {
        let mistakes = Mistakes::of(configuration);
        let plan = config::parse(configuration, &mistakes).map(|document| {
            let config = Config::read(&document, direction, &mistakes);
            Opening::of(input, direction, &mistakes).plan(&config)
        });
        match plan {
            Some(plan) if mistakes.is_empty() => Ok(plan),
            _ => Err(mistakes.into_list()),
        }
    }
}

/// The input columns that a configuration reads, each once: what to ask the CRM for.
///
/// # Errors
/// All mistakes that show without the input columns, in the order of the text.
pub fn reads(configuration: &str, direction: Direction) -> Result<Vec<String>, Vec<Mistake>> {
    let mistakes = Mistakes::of(configuration);
    let columns =
        config::parse(configuration, &mistakes).map(|document| Config::read(&document, direction, &mistakes).columns());
    match columns {
        Some(columns) if mistakes.is_empty() => Ok(columns),
        _ => Err(mistakes.into_list()),
    }
}

struct Opening<'i> {
    input: &'i [Column],
    indices: HashMap<&'i str, usize>,
    direction: Direction,
    mistakes: &'i Mistakes,
}

impl<'i> Opening<'i> {
    fn of(input: &'i [Column], direction: Direction, mistakes: &'i Mistakes) -> Self {
        let indices = input.iter().enumerate().map(|(index, column)| (column.name.as_str(), index)).collect();
        Self { input, indices, direction, mistakes }
    }

    fn plan(&self, config: &Config<'_>) -> Plan {
        let mut fields: Vec<_> = config.fields.iter().filter_map(|field| self.field(field)).collect();
        mark_last(&mut fields);
        let column = |field: &FieldPlan| Column { name: field.name.clone(), kind: field.rule.kind };
        Plan {
            input: self.input.iter().map(|column| column.name.clone()).collect(),
            output: fields.iter().map(column).collect(),
            skips: config.skips.iter().map(|skip| self.skip(skip)).collect(),
            fields,
        }
    }

    fn index(&self, name: &Name<'_>) -> Option<usize> {
        let index = self.indices.get(name.column).copied();
        if index.is_none() {
            let thing = match self.direction {
                Direction::Inbound => "there is no field",
                Direction::Outbound => "there is no attribute",
            };
            let hint = match nearest(name.column, self.indices.keys().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "list the fields to see their names; it may have been renamed or removed".to_owned(),
            };
            self.mistakes.note(name.span.clone(), &name.path, format!("{thing} `{}`", name.column), hint);
        }
        index
    }

    fn indices<'n>(&self, names: impl IntoIterator<Item = &'n Name<'n>>) -> Option<Vec<usize>> {
        // All of them are looked up before the first missing one ends it, so that each gets its mistake.
        let found: Vec<_> = names.into_iter().map(|name| self.index(name)).collect();
        found.into_iter().collect()
    }

    fn field(&self, field: &Field<'_>) -> Option<FieldPlan> {
        let region = field.region_from.as_ref().map(|name| (name.column.into(), self.index(name)));
        let origin = self.origin(field)?;
        let kind = settle(field, &origin, self.input)?;
        field.check_keys(kind);
        check_formats(field, kind);
        let mut rule = field.rule.clone();
        rule.kind = kind;
        rule.composed = matches!(origin, Origin::Template(_) | Origin::Concat { .. });
        let literals = rule.for_literals();
        let literal = |key: &str, value: Value| {
            let converted = literals.convert(value, None);
            if let Err(refusal) = &converted {
                field.table.wrong(key, format!("`{key}` {refusal}"), None);
            }
            converted.ok().map(|value| value.unwrap_or(Value::Null))
        };
        let origin = match origin {
            Origin::Constant(value) => Origin::Constant(literal("constant", value)?),
            other => other,
        };
        let default = field.default.clone().and_then(|value| literal("default", value));
        let region = match region {
            Some((column, index)) => Some((column, index?)),
            None => None,
        };
        let (required, invalid) = (field.required, field.invalid);
        Some(FieldPlan { name: field.name.to_owned(), origin, rule, region, default, required, invalid })
    }

    fn origin(&self, field: &Field<'_>) -> Option<Origin> {
        match field.source.as_ref()? {
            Source::Columns(names) => {
                let slots = self.indices(names)?.into_iter().map(|index| Slot { index, last: false });
                Some(Origin::Columns(slots.collect()))
            }
            Source::Template(sections) => {
                let found = sections.iter().map(|parts| self.section(parts)).collect::<Vec<_>>();
                found.into_iter().collect::<Option<_>>().map(Origin::Template)
            }
            Source::Concat { names, separator } => {
                Some(Origin::Concat { columns: self.indices(names)?.into(), separator: (*separator).into() })
            }
            Source::Constant(value) => Some(Origin::Constant(value.clone())),
        }
    }

    fn section(&self, parts: &[Part<Name<'_>>]) -> Option<Section> {
        let found = parts.iter().map(|part| match part {
            Part::Text(text) => Some(Part::Text(text.clone())),
            Part::Column(name) => self.index(name).map(Part::Column),
        });
        found.collect::<Vec<_>>().into_iter().collect()
    }

    fn skip(&self, skip: &Skip<'_>) -> SkipRule {
        let tests = skip.conditions.iter().filter_map(|condition| {
            Some(Test {
                index: self.index(&condition.name)?,
                is: condition.is,
                values: condition.values.clone(),
                bound: condition.bound.clone(),
                ignore_case: condition.ignore_case,
            })
        });
        let names = || skip.columns().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
        let reason = skip.reason.map_or_else(|| format!("left out by a rule on {}", names()), str::to_owned);
        SkipRule { reason, tests: tests.collect(), time: skip.time.clone() }
    }
}

/// The last field that looks at a column may take the value away, unless a later field or another key of the same field reads it.
fn mark_last(fields: &mut [FieldPlan]) {
    let mut later = std::collections::HashSet::new();
    for field in fields.iter_mut().rev() {
        later.extend(field.region.iter().map(|(_, index)| *index));
        match &mut field.origin {
            Origin::Columns(slots) => {
                for slot in slots.iter_mut() {
                    slot.last = !later.contains(&slot.index);
                }
                later.extend(slots.iter().map(|slot| slot.index));
            }
            Origin::Template(sections) => later.extend(sections.iter().flatten().filter_map(Part::column).copied()),
            Origin::Concat { columns, .. } => later.extend(columns.iter().copied()),
            Origin::Constant(_) => {}
        }
    }
}
