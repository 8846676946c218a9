//! How much of everything a component holds, before anything is done with it: what makes compilers slow is counted first.

use wasmparser::{Parser, Payload};

/// The most that a component may hold of a thing. The largest runtimes stay at less than half: Python has
/// 38 modules and one function of 427 KB, JavaScript 12,700 functions.
const MOST: [(&str, u64); 8] = [
    ("modules", 128),
    ("components within", 64),
    ("functions", 100_000),
    ("bytes in one function", 1 << 20),
    ("types", 50_000),
    ("globals", 20_000),
    ("imports and exports", 50_000),
    ("pieces of data", 200_000),
];

/// What there is too much of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TooMuch {
    pub(super) of: &'static str,
    pub(super) found: u64,
    pub(super) most: u64,
}

/// Counts; an error of the bytes themselves is left to whoever reads them whole.
pub(super) fn check(bytes: &[u8]) -> Result<(), TooMuch> {
    let mut found = [0_u64; MOST.len()];
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { break };
        let (thing, number) = match &payload {
            Payload::ModuleSection { .. } => (0, 1),
            Payload::ComponentSection { .. } => (1, 1),
            Payload::FunctionSection(section) => (2, section.count().into()),
            Payload::CodeSectionEntry(body) => {
                found[3] = found[3].max(body.range().len() as u64);
                (3, 0)
            }
            Payload::TypeSection(section) => (4, section.count().into()),
            Payload::CoreTypeSection(section) => (4, section.count().into()),
            Payload::ComponentTypeSection(section) => (4, section.count().into()),
            Payload::GlobalSection(section) => (5, section.count().into()),
            Payload::ImportSection(section) => (6, section.count().into()),
            Payload::ExportSection(section) => (6, section.count().into()),
            Payload::ComponentImportSection(section) => (6, section.count().into()),
            Payload::ComponentExportSection(section) => (6, section.count().into()),
            Payload::DataSection(section) => (7, section.count().into()),
            Payload::ElementSection(section) => (7, section.count().into()),
            _ => continue,
        };
        found[thing] += number;
        if let Some(((of, most), found)) = MOST.into_iter().zip(found).find(|((_, most), found)| found > most) {
            return Err(TooMuch { of, found, most });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<&'static str> {
        check(&wat::parse_str(text).unwrap()).err().map(|too_much| too_much.of)
    }

    #[test]
    fn what_would_keep_a_compiler_busy_is_counted_first() {
        assert_eq!(refused("(component (core module (func) (memory 1)))"), None);
        assert_eq!(refused(&format!("(component {})", "(core module)".repeat(129))), Some("modules"));
        assert_eq!(refused(&format!("(component {})", "(component)".repeat(65))), Some("components within"));
        assert_eq!(refused(&format!("(component (core module {}))", "(func)".repeat(100_001))), Some("functions"));
        let long = "(drop (i32.const 0))".repeat(400_000);
        assert_eq!(refused(&format!("(component (core module (func {long})))")), Some("bytes in one function"));
    }
}
