//! Why a value can't be used, as a sentence for the people who look after the data. Never says the value itself.

use thiserror::Error;

/// The reason and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("is empty, and the mapping requires it; fill it in at the source, or give a `default`")]
    Missing,
    #[error("is not {what}; {remedy}")]
    Not { what: &'static str, remedy: &'static str },
    #[error("is {given}, which can't become {wanted}; correct the field's `type`")]
    Clash { given: &'static str, wanted: &'static str },
    #[error("is a list where one value is wanted; set `join` to make one text of it, or `part` to pick one")]
    List,
    #[error("is none of the values that the mapping knows; add it to `values`, or set `otherwise`")]
    UnknownChoice,
    #[error("is not one of the values in `allowed`; correct it at the source, or add it to `allowed`")]
    NotAllowed,
    #[error("is longer than {most} characters; shorten it at the source, or set `too_long = \"cut\"`")]
    TooLong { most: usize },
    #[error("has no part {part} after the split; correct it at the source, or set `missing_part = \"null\"`")]
    NoPart { part: i64 },
    #[error("has a fraction where a whole number is wanted; set `round`, or the type `decimal`")]
    Fraction,
    #[error("has more than {places} decimal places; set `round`, or raise `places`")]
    Places { places: u32 },
    #[error("is not between the bounds that `min` and `max` set; correct it at the source")]
    Bounds,
    #[error("is too large a number to reckon with; correct it at the source")]
    TooLarge,
    #[error("is a time without a zone; set `time_zone`")]
    NoZone,
    #[error("is a number where a time is wanted; say what it counts: `format = \"milliseconds\"` or `\"seconds\"`")]
    BareNumber,
    #[error("falls into the hour that the clocks skip or repeat; correct it at the source, or set `ambiguous`")]
    Ambiguous,
    #[error("is too far in the past or in the future; correct it at the source")]
    OutOfTime,
    #[error(
        "is a phone number without a country code, and no region is set; set `region`, or start the number with `+`"
    )]
    NoRegion,
    #[error(
        "needs a country, and the country in `{column}` is not known; use a two-letter code there, or add it to `regions`"
    )]
    UnknownRegion { column: Box<str> },
    #[error("has an extension, which an international number can't hold; set `extension = \"drop\"` to leave it out")]
    Extension,
}

impl Refusal {
    pub(crate) const NOT_EMAIL: Self = Self::Not {
        what: "an e-mail address",
        remedy: "correct it at the source, or set `invalid = \"null\"` to leave it empty",
    };
    pub(crate) const NOT_PHONE: Self = Self::Not {
        what: "a phone number that can exist in its country",
        remedy: "correct it at the source, or set `invalid = \"null\"` to leave it empty",
    };
    pub(crate) const NOT_URL: Self = Self::Not {
        what: "an absolute http or https address",
        remedy: "correct it at the source, or set `scheme` if only `https://` is missing",
    };
    pub(crate) const NOT_BOOLEAN: Self = Self::Not {
        what: "a word for yes or no",
        remedy: "correct it at the source, or name its words in `yes` and `no`",
    };
    pub(crate) const NOT_NUMBER: Self = Self::Not {
        what: "a number as the mapping expects it",
        remedy: "correct it at the source, or set `numbers` to how numbers are written there, as in \"1.234,56\"",
    };
    pub(crate) const NOT_DATE: Self = Self::Not {
        what: "a date as the mapping expects it",
        remedy: "correct it at the source, or set `format` to how dates are written there, as in \"DD.MM.YYYY\"",
    };
    pub(crate) const NOT_INSTANT: Self = Self::Not {
        what: "a date with a time as the mapping expects it",
        remedy: "correct it at the source, or set `format` to how times are written there, as in \"DD.MM.YYYY HH:mm\"",
    };
}
