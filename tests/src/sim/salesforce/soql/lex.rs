//! Cuts SOQL into words.

use std::fmt;

use super::parse::Op;
use crate::sim::salesforce::errors::ApiError;

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A name or a keyword: `Account.Name`, `SELECT`, `LAST_N_DAYS:5`.
    Name(String),
    /// A text in single quotes, its escapes undone.
    Text(String),
    /// What begins with a digit or a sign: a number, a date, an instant.
    Bare(String),
    Op(Op),
    Comma,
    Open,
    Close,
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(text) | Self::Text(text) | Self::Bare(text) => formatter.write_str(text),
            Self::Op(op) => formatter.write_str(match op {
                Op::Equal => "=",
                Op::NotEqual => "!=",
                Op::Less => "<",
                Op::LessOrEqual => "<=",
                Op::Greater => ">",
                Op::GreaterOrEqual => ">=",
                Op::Like => "LIKE",
            }),
            Self::Comma => formatter.write_str(","),
            Self::Open => formatter.write_str("("),
            Self::Close => formatter.write_str(")"),
        }
    }
}

/// A word and the column at which it begins, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    pub(crate) token: Token,
    pub(crate) column: usize,
}

/// All words of a text.
pub(crate) fn lex(text: &str) -> Result<Vec<Word>, ApiError> {
    let letters: Vec<char> = text.chars().collect();
    let (mut words, mut at) = (Vec::new(), 0);
    while at < letters.len() {
        let column = at + 1;
        let letter = letters[at];
        if letter.is_whitespace() {
            at += 1;
            continue;
        }
        let (token, end) = match letter {
            '\'' => quoted(&letters, at)?,
            ',' => (Token::Comma, at + 1),
            '(' => (Token::Open, at + 1),
            ')' => (Token::Close, at + 1),
            '=' | '!' | '<' | '>' => operator(&letters, at)?,
            '-' | '+' | '0'..='9' => {
                let end = run(&letters, at + 1, |c| c.is_ascii_alphanumeric() || ".:+-".contains(c));
                (Token::Bare(letters[at..end].iter().collect()), end)
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = run(&letters, at, |c| c.is_ascii_alphanumeric() || "._:".contains(c));
                (Token::Name(letters[at..end].iter().collect()), end)
            }
            _ => return Err(strange(letter, column)),
        };
        words.push(Word { token, column });
        at = end;
    }
    Ok(words)
}

fn strange(letter: char, column: usize) -> ApiError {
    ApiError::malformed_query(format!("\nERROR at Row:1:Column:{column}\nunexpected character: '{letter}'"))
}

fn run(letters: &[char], from: usize, is_part: impl Fn(char) -> bool) -> usize {
    letters[from..].iter().position(|letter| !is_part(*letter)).map_or(letters.len(), |length| from + length)
}

fn operator(letters: &[char], at: usize) -> Result<(Token, usize), ApiError> {
    let op = match (letters[at], letters.get(at + 1)) {
        ('!', Some('=')) | ('<', Some('>')) => (Op::NotEqual, 2),
        ('<', Some('=')) => (Op::LessOrEqual, 2),
        ('>', Some('=')) => (Op::GreaterOrEqual, 2),
        ('<', _) => (Op::Less, 1),
        ('>', _) => (Op::Greater, 1),
        ('=', _) => (Op::Equal, 1),
        (letter, _) => return Err(strange(letter, at + 1)),
    };
    Ok((Token::Op(op.0), at + op.1))
}

/// A text from its opening quote on; gives the place after the closing one.
fn quoted(letters: &[char], open: usize) -> Result<(Token, usize), ApiError> {
    let (mut text, mut at) = (String::new(), open + 1);
    while let Some(letter) = letters.get(at) {
        match letter {
            '\'' => return Ok((Token::Text(text), at + 1)),
            '\\' => {
                let escaped = letters.get(at + 1).and_then(|letter| match letter {
                    'n' | 'N' => Some('\n'),
                    'r' | 'R' => Some('\r'),
                    't' | 'T' => Some('\t'),
                    '\'' | '"' | '\\' | '%' | '_' => Some(*letter),
                    _ => None,
                });
                let bad = || ApiError::malformed_query(format!("Invalid string literal at column {}", at + 1));
                text.push(escaped.ok_or_else(bad)?);
                at += 2;
            }
            _ => {
                text.push(*letter);
                at += 1;
            }
        }
    }
    Err(ApiError::malformed_query(format!("a string literal at column {} does not end", open + 1)))
}
