//! Where the next page of a list of version 1 starts. Its pages are offsets into a list that grows while it is read, so they go by the
//! stamp that the last page ended with, and by an offset only inside one second.

use ferry_sdk::connector::Failure;
use ferry_sdk::time::SECOND;
use ferry_sdk::value::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// A whole second.
    pub(crate) since: Instant,
    /// How many entries from that second on are done.
    pub(crate) start: usize,
}

impl Place {
    pub(crate) fn at(instant: Instant) -> Self {
        Self { since: instant.div_euclid(SECOND) * SECOND, start: 0 }
    }

    /// Behind a page of `count` entries, of which the last has this stamp. The entries of its second come again, unless the page had
    /// no other.
    pub(crate) fn after(self, last: Option<Instant>, count: usize) -> Self {
        let next = last.map(Self::at).filter(|next| next.since > self.since);
        next.unwrap_or(Self { start: self.start + count, ..self })
    }

    /// # Errors
    /// `token-expired` for what [`Place::write`] has not written.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let (since, start) = text.split_once('+').ok_or(Failure::TokenExpired)?;
        match (since.parse(), start.parse()) {
            (Ok(since), Ok(start)) => Ok(Self { since, start }),
            _ => Err(Failure::TokenExpired),
        }
    }

    pub(crate) fn write(self) -> String {
        format!("{}+{}", self.since, self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_moves_on_by_stamp_and_inside_of_a_second_by_count() {
        let place = Place::at(1_500_000);
        assert_eq!(place, Place { since: SECOND, start: 0 });
        assert_eq!(place.after(Some(4_500_000), 7), Place { since: 4 * SECOND, start: 0 });
        assert_eq!(place.after(Some(1_900_000), 7), Place { since: SECOND, start: 7 });
        assert_eq!(place.after(None, 7).after(None, 7), Place { since: SECOND, start: 14 });
    }

    #[test]
    fn a_place_comes_back_from_its_text_and_nothing_else_does() {
        let place = Place { since: -SECOND, start: 3 };
        assert_eq!(Place::read(&place.write()), Ok(place));
        for text in ["", "1", "x+1", "1+x", "1+-1"] {
            assert_eq!(Place::read(text), Err(Failure::TokenExpired), "{text}");
        }
    }
}
