use proptest::prelude::*;

use super::*;

fn changed(transform: Transform, texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| transform.apply((*text).to_owned())).collect()
}

#[test]
fn title_gives_each_word_a_capital_and_leaves_mixed_case_alone() {
    let texts =
        ["ada LOVELACE", "jean-luc", "o'neill", "ADA'S", "McDonald", "élodie øst", "van der berg", "3rd floor", ""];
    let titled =
        ["Ada Lovelace", "Jean-Luc", "O'Neill", "Ada's", "McDonald", "Élodie Øst", "Van Der Berg", "3rd Floor", ""];
    assert_eq!(changed(Transform::Title, &texts), titled);
}

#[test]
fn collapse_leaves_single_spaces_only() {
    let texts = [" a  b\t\nc ", "a b", "a\u{a0}b", "", "  "];
    assert_eq!(changed(Transform::Collapse, &texts), ["a b c", "a b", "a b", "", ""]);
}

#[test]
fn case_and_trim_work_beyond_ascii() {
    assert_eq!(changed(Transform::Upper, &["straße", "abc"]), ["STRASSE", "ABC"]);
    assert_eq!(changed(Transform::Lower, &["ÄÖ", "ABC"]), ["äö", "abc"]);
    assert_eq!(changed(Transform::Trim, &["\u{a0} ab \n", "ab"]), ["ab", "ab"]);
    assert_eq!(changed(Transform::Digits, &["AB-12 3"]), ["123"]);
}

#[test]
fn a_part_counts_from_either_end() {
    let split = Split { separator: " ".into(), part: None, missing: Missing::Refuse };
    let parts = [1, 2, -1, -3, 4].map(|part| split.piece(" Ada  King Lovelace", part));
    let found = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(parts, [found("Ada"), found("King"), found("Lovelace"), found("Ada"), Err(Refusal::NoPart { part: 4 })]);
    let lenient = Split { missing: Missing::Null, ..split };
    assert_eq!(lenient.piece("Ada", 2), Ok(None));
}

#[test]
fn html_shows_what_was_typed() {
    let mut out = String::new();
    push_html("a < b & \"c\"\r\nd\ne's", &mut out);
    assert_eq!(out, "a &lt; b &amp; &quot;c&quot;<br>d<br>e&#39;s");
}

#[test]
fn a_cut_counts_characters_and_never_splits_markup() {
    let cut = |most, html, text: &str| Length { most, cut: true, html }.apply(text.to_owned());
    assert_eq!(cut(3, false, "äöüß"), Ok("äöü".to_owned()));
    assert_eq!(cut(4, false, "abc de"), Ok("abc".to_owned()));
    assert_eq!(cut(5, true, "ab&amp;c"), Ok("ab".to_owned()));
    assert_eq!(cut(4, true, "ab<br>c"), Ok("ab".to_owned()));
    assert_eq!(cut(7, true, "ab&amp;c"), Ok("ab&amp;".to_owned()));
    let whole = Length { most: 3, cut: false, html: false };
    assert_eq!(whole.apply("äöü".to_owned()), Ok("äöü".to_owned()));
    assert_eq!(whole.apply("äöüß".to_owned()), Err(Refusal::TooLong { most: 3 }));
}

proptest! {
    #[test]
    fn what_is_joined_splits_into_the_same_pieces(pieces in prop::collection::vec("[a-zäß0-9]([a-z ]{0,5}[a-z])?", 1..6)) {
        let split = Split { separator: ";".into(), part: None, missing: Missing::Refuse };
        prop_assert_eq!(split.list(&pieces.join(";")), pieces.clone());
        prop_assert_eq!(split.list(&format!(" {} ;; ", pieces.join(" ; "))), pieces);
    }

    #[test]
    fn changing_text_twice_changes_it_once(text in "[a-zA-ZäßÉøΣσ0-9'’ -]{0,20}") {
        for transform in [Transform::Trim, Transform::Title, Transform::Collapse, Transform::Digits] {
            let once = transform.apply(text.clone());
            prop_assert_eq!(transform.apply(once.clone()), once);
        }
    }
}
