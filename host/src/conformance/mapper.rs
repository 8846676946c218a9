//! The rules that hold for every mapper: the same rows for ever, and an answer to everything.

use super::cassette::{Cassette, MappingCase};
use super::report::Check;
use super::rows;
use crate::model::failure::Fault;
use crate::model::mapping::{Direction, Mapped, Mapper, MappingError};
use crate::model::value::Value;
use crate::plugin::LoadedPlugin;

/// Configurations that are none, in any language.
const NONSENSE: [&str; 6] = ["", " ", "\0", "[[[[", "{\"a\":", "\u{feff}= = ="];

/// The size of the batches of the second pass.
const SPLIT: usize = 7;

pub(super) async fn check(plugin: &LoadedPlugin, cassettes: &[(String, Cassette)], seed: u64) -> Vec<Check> {
    let mut answers = Check::new("answers", "each row gives what its cassette says");
    let mut pure = Check::new("pure", "the same rows give the same: twice, in two instances, in other batches");
    let mut total = Check::new("total", "every row has its result, also one of the wrong shape, which is refused");
    let mut nonsense = Check::new("nonsense", "a configuration that is none has mistakes");
    let mapper = match plugin.mapper() {
        Ok(mapper) => mapper,
        Err(error) => {
            total.tried(|| "start".to_owned(), Some(error.to_string()));
            return vec![total];
        }
    };
    for (name, cassette) in cassettes {
        for (number, case) in cassette.mappings.iter().enumerate() {
            let place = format!("{name}, mapping {}", number + 1);
            let here = || place.clone();
            let generated = rows::generate(seed, &case.columns);
            answers.tried(here, shown_rows(&mapper, case).await.err());
            let seeded = |problem: String| format!("{problem} (seed {seed})");
            pure.tried(here, purity(&mapper, case, &generated.fitting).await.err().map(seeded));
            total.tried(here, totality(&mapper, case, &generated.misshapen).await.err().map(seeded));
        }
    }
    for text in NONSENSE {
        for direction in [Direction::Inbound, Direction::Outbound] {
            let opened = mapper.open(text, direction, &[]).await;
            let problem = match opened {
                Err(MappingError::Fault(fault)) => Some(format!("it must tell its mistakes, and {}", fault.kind)),
                // An empty configuration may be one that maps nothing.
                _ => None,
            };
            nonsense.tried(|| format!("configuration {text:?}"), problem);
        }
    }
    vec![answers, pure, total, nonsense]
}

type Found<T> = Result<T, String>;

/// Maps in a fresh instance, batch by batch.
async fn mapped(mapper: &dyn Mapper, case: &MappingCase, rows: &[Vec<Value>], batch: usize) -> Found<Vec<Mapped>> {
    let opened = mapper.open(&case.configuration, case.direction, &case.columns).await;
    let mut mapping = opened.map_err(|error| match error {
        MappingError::Mistakes(list) => {
            let lines: Vec<String> = list.iter().map(|it| format!("{}: {}", it.path, it.message)).collect();
            format!("the configuration has mistakes: {}", lines.join("; "))
        }
        MappingError::Fault(fault) => fault.to_string(),
    })?;
    let mut all = Vec::new();
    for rows in rows.chunks(batch.max(1)) {
        all.extend(mapping.rows(rows.to_vec()).await.map_err(|fault: Fault| fault.to_string())?);
    }
    Ok(all)
}

async fn shown_rows(mapper: &dyn Mapper, case: &MappingCase) -> Found<()> {
    let rows: Vec<Vec<Value>> = case.rows.iter().map(|row| row.values.clone()).collect();
    let given = mapped(mapper, case, &rows, rows.len()).await?;
    for (number, (row, given)) in case.rows.iter().zip(given).enumerate() {
        if row.gives != given {
            return Err(format!("row {}: gives {given:?}, expected {:?}", number + 1, row.gives));
        }
    }
    Ok(())
}

async fn purity(mapper: &dyn Mapper, case: &MappingCase, rows: &[Vec<Value>]) -> Found<()> {
    let once = mapped(mapper, case, rows, rows.len()).await?;
    let again = mapped(mapper, case, &[rows, rows].concat(), rows.len()).await?;
    let split = mapped(mapper, case, rows, SPLIT).await?;
    if again[..rows.len()] != once[..] {
        return Err("another instance gives other rows".to_owned());
    }
    if again[rows.len()..] != once[..] {
        return Err("the same instance gives other rows the second time".to_owned());
    }
    if split != once {
        return Err("smaller batches give other rows".to_owned());
    }
    Ok(())
}

async fn totality(mapper: &dyn Mapper, case: &MappingCase, rows: &[Vec<Value>]) -> Found<()> {
    let given = mapped(mapper, case, rows, rows.len()).await?;
    for (row, given) in rows.iter().zip(given) {
        if row.len() != case.columns.len() && !matches!(given, Mapped::Refused(_)) {
            return Err(format!("a row of {} values for {} columns is not refused", row.len(), case.columns.len()));
        }
    }
    Ok(())
}
