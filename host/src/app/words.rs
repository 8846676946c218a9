//! Words that go with a number.

use std::fmt::Display;

/// `1 row`, `2 rows`, `2 entries`.
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, what: &str) -> String {
    if number == N::from(1) {
        return format!("1 {what}");
    }
    match what.strip_suffix("ry") {
        Some(stem) => format!("{number} {stem}ries"),
        None => format!("{number} {what}s"),
    }
}

/// `1 row was`, `2 rows were`.
pub fn were<N: Display + PartialEq + From<u8> + Copy>(number: N, what: &str) -> String {
    format!("{} {}", counted(number, what), if number == N::from(1) { "was" } else { "were" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_several() {
        assert_eq!([0, 1, 2].map(|number: u64| counted(number, "call")), ["0 calls", "1 call", "2 calls"]);
        assert_eq!([1, 2].map(|number: usize| counted(number, "entry")), ["1 entry", "2 entries"]);
        assert_eq!([1, 2].map(|number: u32| were(number, "row")), ["1 row was", "2 rows were"]);
    }
}
