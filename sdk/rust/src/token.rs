//! Page tokens as JSON: what a connector needs to know to go on is a type of its own, and the host keeps it as a text.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// The longest token that is read, in bytes. The host keeps tokens with its checkpoints; one letter for each column of the
/// largest objects is far less.
const MOST: usize = 8 * 1024;

/// Reads what [`write`] has written.
///
/// # Errors
/// `token-expired` for anything else: the host then starts the slice again.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    if text.len() > MOST {
        return Err(Failure::TokenExpired);
    }
    serde_json::from_str(text).map_err(|_| Failure::TokenExpired)
}

/// A token of texts, numbers, flags and lists of them, which can always be written as JSON.
pub fn write<T: Serialize>(token: &T) -> String {
    serde_json::to_string(token).unwrap_or_default()
}

/// `items` as a word with a letter for each, by an alphabet that has them all: how each column is read, say.
pub fn word<T: PartialEq>(alphabet: &[(T, char)], items: &[T]) -> String {
    let letter = |item: &T| alphabet.iter().find(|(known, _)| known == item).map(|(_, letter)| *letter);
    items.iter().filter_map(letter).collect()
}

/// What [`word`] has written; none where a letter is not of the alphabet, as in a token of another version.
pub fn of_word<T: Copy>(alphabet: &[(T, char)], word: &str) -> Option<Vec<T>> {
    word.chars().map(|letter| alphabet.iter().find(|(_, known)| *known == letter).map(|(item, _)| *item)).collect()
}
