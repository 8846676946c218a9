//! What can be done to text as such: case, blanks, replacing, splitting, escaping, length. Works in place where it can.

use crate::config::table::{Table, Words};
use crate::refusal::Refusal;

/// A change of text that needs no more than its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transform {
    Trim,
    Lower,
    Upper,
    Title,
    Collapse,
    Digits,
}

pub(crate) const TRANSFORMS: Words<Transform> = &[
    ("trim", Transform::Trim),
    ("lower", Transform::Lower),
    ("upper", Transform::Upper),
    ("title", Transform::Title),
    ("collapse", Transform::Collapse),
    ("digits", Transform::Digits),
];

/// The changes of one field, in the order in which they are made: `transform` as listed, then `replace` as written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    transforms: Vec<Transform>,
    replace: Vec<(Box<str>, Box<str>)>,
}

impl Changes {
    pub(crate) fn read(table: &Table<'_>) -> Self {
        let replace = table.pairs("replace");
        if replace.iter().any(|(old, _)| old.is_empty()) {
            table.wrong("replace", "`replace` can't look for an empty text", None);
        }
        let replace = replace.into_iter().filter(|(old, _)| !old.is_empty());
        Self {
            transforms: table.words("transform", TRANSFORMS),
            replace: replace.map(|(old, new)| (old.into(), new.into())).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.transforms.is_empty() && self.replace.is_empty()
    }

    pub(crate) fn apply(&self, mut text: String) -> String {
        for transform in &self.transforms {
            text = transform.apply(text);
        }
        for (old, new) in &self.replace {
            if text.contains(&**old) {
                text = text.replace(&**old, new);
            }
        }
        text
    }
}

impl Transform {
    fn apply(self, text: String) -> String {
        match self {
            Self::Trim => trimmed(text),
            Self::Lower => lower(text),
            Self::Upper => upper(text),
            Self::Title => title(text),
            Self::Collapse => collapse(text),
            Self::Digits => digits(text),
        }
    }
}

/// Without blanks at both ends; the buffer is kept.
pub(crate) fn trimmed(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    let blanks = text.len() - text.trim_start().len();
    if blanks > 0 {
        text.drain(..blanks);
    }
    text
}

pub(crate) fn lower(mut text: String) -> String {
    if text.is_ascii() {
        text.make_ascii_lowercase();
        return text;
    }
    text.to_lowercase()
}

fn upper(mut text: String) -> String {
    if text.is_ascii() {
        text.make_ascii_uppercase();
        return text;
    }
    text.to_uppercase()
}

/// Each word begins with a capital. Words in mixed case stay as they are: people who write `McDonald` mean it.
fn title(text: String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find(char::is_alphanumeric) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && !is_apostrophe(c)).unwrap_or(rest.len());
        title_word(&rest[..end], &mut out);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn title_word(word: &str, out: &mut String) {
    let mixed = word.chars().any(char::is_lowercase) && word.chars().any(char::is_uppercase);
    if mixed {
        return out.push_str(word);
    }
    // `o'neill` has two capitals, `ada's` has one: a single letter before the apostrophe makes the difference.
    let second = word.char_indices().nth(1).filter(|(_, c)| is_apostrophe(*c)).map(|(at, c)| at + c.len_utf8());
    for (at, letter) in word.char_indices() {
        if at == 0 || Some(at) == second {
            // A capital may be several letters: `ß` becomes `Ss`.
            let mut capital = letter.to_uppercase();
            out.extend(capital.next());
            out.extend(capital.flat_map(char::to_lowercase));
        } else {
            out.extend(letter.to_lowercase());
        }
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}

/// One space for each run of blanks, none at the ends.
fn collapse(text: String) -> String {
    let clean = |text: &str| {
        let mut before = ' ';
        let doubled = text.chars().any(|c| {
            let bad = c.is_whitespace() && (before == ' ' || c != ' ');
            before = if c.is_whitespace() { ' ' } else { c };
            bad
        });
        !doubled && !text.ends_with(' ')
    };
    if clean(&text) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

fn digits(mut text: String) -> String {
    text.retain(|c| c.is_ascii_digit());
    text
}

/// `split` and `part`: a text as a list, or one piece of it.
#[derive(Debug, Clone)]
pub(crate) struct Split {
    separator: Box<str>,
    /// Counted from 1 at the start, from -1 at the end.
    pub(crate) part: Option<i64>,
    missing: Missing,
}

/// What a `part` that isn't there makes of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Refuse,
    Null,
}

pub(crate) const MISSING: Words<Missing> = &[("refuse", Missing::Refuse), ("null", Missing::Null)];

/// No real field has more pieces; beyond it a slip is likelier.
const MOST_PARTS: i64 = 1_000;

impl Split {
    pub(crate) fn read(table: &Table<'_>) -> Option<Self> {
        let part = table.whole("part", -MOST_PARTS, MOST_PARTS);
        if part == Some(0) {
            table.wrong("part", "`part` counts from 1", Some("1 is the first piece, -1 the last".to_owned()));
        }
        if !table.has("split") && table.has("part") {
            table.misplaced(
                "part",
                "`part` needs `split`",
                Some("say where to split, as in `split = \" \"`".to_owned()),
            );
        }
        if table.has("missing_part") && !table.has("part") {
            table.misplaced("missing_part", "`missing_part` needs `part`", None);
        }
        let missing = table.word("missing_part", MISSING).unwrap_or(Missing::Refuse);
        Some(Self { separator: table.filled("split")?.into(), part, missing })
    }

    fn pieces<'t>(&'t self, text: &'t str) -> impl Iterator<Item = &'t str> {
        text.split(&*self.separator).map(str::trim).filter(|piece| !piece.is_empty())
    }

    /// The pieces without blanks around them; empty ones are left out.
    pub(crate) fn list(&self, text: &str) -> Vec<String> {
        self.pieces(text).map(str::to_owned).collect()
    }

    /// The piece that `part` names, none where a missing one is null.
    pub(crate) fn piece(&self, text: &str, part: i64) -> Result<Option<String>, Refusal> {
        let place = place_of(part);
        // Overlapping separators could part a text differently from its end, so the pieces are always found from the start.
        let found = if part < 0 {
            self.pieces(text).collect::<Vec<_>>().into_iter().rev().nth(place)
        } else {
            self.pieces(text).nth(place)
        };
        self.found(found.map(str::to_owned), part)
    }

    /// The same of what came as a list.
    pub(crate) fn pick(&self, texts: Vec<String>, part: i64) -> Result<Option<String>, Refusal> {
        let mut filled = texts.into_iter().filter(|text| !text.trim().is_empty());
        let place = place_of(part);
        let found = if part < 0 { filled.rev().nth(place) } else { filled.nth(place) };
        self.found(found.map(trimmed), part)
    }

    fn found(&self, found: Option<String>, part: i64) -> Result<Option<String>, Refusal> {
        match (found, self.missing) {
            (None, Missing::Refuse) => Err(Refusal::NoPart { part }),
            (found, _) => Ok(found),
        }
    }
}

fn place_of(part: i64) -> usize {
    usize::try_from(part.unsigned_abs()).unwrap_or(usize::MAX).saturating_sub(1)
}

/// Writes text so that a CRM which shows HTML shows it as it was typed: markup is escaped, line ends become `<br>`.
pub(crate) fn push_html(text: &str, out: &mut String) {
    for (at, letter) in text.char_indices() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\r' if text[at..].starts_with("\r\n") => {}
            '\n' | '\r' => out.push_str("<br>"),
            _ => out.push(letter),
        }
    }
}

/// `max_length` and `too_long`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    most: usize,
    cut: bool,
    html: bool,
}

pub(crate) const TOO_LONG: Words<bool> = &[("refuse", false), ("cut", true)];

/// More than any CRM's text field holds.
const MOST_LENGTH: i64 = 10_000_000;

impl Length {
    pub(crate) fn read(table: &Table<'_>, html: bool) -> Option<Self> {
        if table.has("too_long") && !table.has("max_length") {
            table.misplaced("too_long", "`too_long` needs `max_length`", None);
        }
        let cut = table.word("too_long", TOO_LONG).unwrap_or(false);
        let most = usize::try_from(table.whole("max_length", 1, MOST_LENGTH)?).ok()?;
        Some(Self { most, cut, html })
    }

    pub(crate) fn apply(self, mut text: String) -> Result<String, Refusal> {
        if text.len() <= self.most {
            return Ok(text);
        }
        let Some((end, _)) = text.char_indices().nth(self.most) else {
            return Ok(text);
        };
        if !self.cut {
            return Err(Refusal::TooLong { most: self.most });
        }
        text.truncate(if self.html { whole_markup(&text, end) } else { end });
        text.truncate(text.trim_end().len());
        Ok(text)
    }
}

/// Moves a cut back so that it does not fall into `&amp;` or `<br>`.
fn whole_markup(text: &str, end: usize) -> usize {
    let head = &text[..end];
    let open = |start: char, stop: char| head.rfind(start).filter(|at| !head[*at..].contains(stop));
    [open('&', ';'), open('<', '>')].into_iter().flatten().min().unwrap_or(end)
}

#[cfg(test)]
mod tests;
