//! Finds the name that was probably meant. Knows nothing of what the names stand for.

/// The candidate nearest to `name`, if it is near enough to be a slip of the keyboard or a change of style.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let plain = plain(name);
    // A third of the letters may differ: enough for two swapped letters in `emial`, too little to take `phone` for `home`.
    let most = (plain.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&plain, &self::plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case and separators are what people mix up most, so they don't count.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '.')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let names = ["firstname", "lastname", "email", "mobilephone"];
        let found: Vec<_> = ["emial", "first_name", "LastName", "mobile phone", "city", ""]
            .into_iter()
            .map(|name| nearest(name, names))
            .collect();
        assert_eq!(found, [Some("email"), Some("firstname"), Some("lastname"), Some("mobilephone"), None, None]);
    }
}
