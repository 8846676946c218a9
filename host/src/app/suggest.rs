//! The name that was meant. Computes on texts only.

/// Below this likeness (1 is equal) a suggestion confuses more than it helps; found by trying misspelt field names.
const ALIKE: f64 = 0.75;

/// The one of `known` that looks most like `name`, if any is close.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in known {
        let likeness = strsim::jaro_winkler(&wanted, &candidate.to_lowercase());
        if likeness >= ALIKE && best.is_none_or(|(top, _)| likeness > top) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant() {
        let known = ["firstname", "lastname", "lifecyclestage", "hs_lead_status", "phone"];
        for (given, meant) in [
            ("fistname", Some("firstname")),
            ("FirstName", Some("firstname")),
            ("lifecycle_stage", Some("lifecyclestage")),
            ("phones", Some("phone")),
            ("zip", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known), meant, "{given}");
        }
    }
}
