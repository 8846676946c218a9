//! Reads SOQL: the part that connectors and clients use. Knows words, not fields: what a name means is settled in `bind`.

use super::lex::{Token, Word, lex};
use crate::sim::salesforce::errors::ApiError;

/// Salesforce's own bound.
const SOQL_MAX_CHARS: usize = 100_000;
/// Conditions nest no deeper than this; a bound for the stack.
const DEPTH_MAX: usize = 50;

/// A query as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) select: Vec<Item>,
    pub(crate) object: String,
    /// `USING SCOPE mine`: only what the user owns.
    pub(crate) mine: bool,
    pub(crate) filter: Option<Expr>,
    pub(crate) order: Vec<Order>,
    pub(crate) limit: Option<usize>,
    pub(crate) offset: usize,
}

/// One thing that is selected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// `Account.Name`
    Field(String),
    /// `FIELDS(ALL)`, `FIELDS(STANDARD)`, `FIELDS(CUSTOM)`.
    Fields(String),
    /// `COUNT()`
    Count,
    /// `MAX(SystemModstamp) latest`: function, field, alias.
    Aggregate(String, String, Option<String>),
}

/// A sort key: field, descending, nulls last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub(crate) field: String,
    pub(crate) descending: bool,
    pub(crate) nulls_last: bool,
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Compare(String, Op, Literal),
    /// Field, whether negated, values.
    In(String, bool, Vec<Literal>),
    /// Field, whether negated, the inner query.
    Semi(String, bool, Box<Query>),
    /// `INCLUDES` or (negated) `EXCLUDES`: each value is a set joined by `;`.
    Includes(String, bool, Vec<Literal>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    /// Anything without quotes: a number, an instant, a date, `TRUE`, `NULL`, `LAST_N_DAYS:5`.
    Bare(String),
}

struct Parser {
    tokens: Vec<Word>,
    at: usize,
    depth: usize,
}

/// Reads a query.
pub(crate) fn parse(text: &str) -> Result<Query, ApiError> {
    if text.chars().count() > SOQL_MAX_CHARS {
        return Err(ApiError::malformed_query("SOQL statements cannot be longer than 100000 characters."));
    }
    let mut parser = Parser { tokens: lex(text)?, at: 0, depth: 0 };
    let query = parser.query()?;
    match parser.tokens.get(parser.at) {
        None => Ok(query),
        Some(_) => Err(parser.unexpected()),
    }
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|word| &word.token)
    }

    fn unexpected(&self) -> ApiError {
        match self.tokens.get(self.at) {
            Some(word) => ApiError::malformed_query(format!(
                "\nERROR at Row:1:Column:{}\nunexpected token: '{}'",
                word.column, word.token
            )),
            None => ApiError::malformed_query("unexpected token: '<EOF>'"),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(name)) if name.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, found: bool) -> Result<(), ApiError> {
        if found { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<String, ApiError> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn whole(&mut self) -> Result<usize, ApiError> {
        let number = match self.peek() {
            Some(Token::Bare(text)) => text.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected())?;
        self.at += 1;
        Ok(number)
    }

    fn query(&mut self) -> Result<Query, ApiError> {
        let select = self.take_word("select");
        self.expect(select)?;
        let mut items = vec![self.item()?];
        while self.take(&Token::Comma) {
            items.push(self.item()?);
        }
        let from = self.take_word("from");
        self.expect(from)?;
        let object = self.name()?;
        let mine = if self.take_word("using") { self.scope()? } else { false };
        let filter = if self.take_word("where") { Some(self.either()?) } else { None };
        let order = if self.take_word("order") { self.order()? } else { Vec::new() };
        let limit = if self.take_word("limit") { Some(self.whole()?) } else { None };
        let offset = if self.take_word("offset") { self.whole()? } else { 0 };
        if offset > 2_000 {
            return Err(ApiError::bad("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"));
        }
        Ok(Query { select: items, object, mine, filter, order, limit, offset })
    }

    /// Whether it is the user's own records; the scopes beside `everything` and `mine` are not served.
    fn scope(&mut self) -> Result<bool, ApiError> {
        let scope = self.take_word("scope");
        self.expect(scope)?;
        let mine = self.take_word("mine");
        let known = mine || self.take_word("everything");
        self.expect(known)?;
        Ok(mine)
    }

    fn item(&mut self) -> Result<Item, ApiError> {
        let name = self.name()?;
        if !self.take(&Token::Open) {
            return Ok(Item::Field(name));
        }
        let function = name.to_uppercase();
        if function == "COUNT" && self.take(&Token::Close) {
            return Ok(Item::Count);
        }
        let field = self.name()?;
        let closed = self.take(&Token::Close);
        self.expect(closed)?;
        if function == "FIELDS" {
            return Ok(Item::Fields(field.to_uppercase()));
        }
        if !["COUNT", "MIN", "MAX"].contains(&function.as_str()) {
            return Err(ApiError::malformed_query(format!("unknown or unsupported function: {name}")));
        }
        let has_alias = matches!(self.peek(), Some(Token::Name(_))) && !self.is_word("from");
        let alias = if has_alias { Some(self.name()?) } else { None };
        Ok(Item::Aggregate(function, field, alias))
    }

    fn order(&mut self) -> Result<Vec<Order>, ApiError> {
        let by = self.take_word("by");
        self.expect(by)?;
        let mut keys = Vec::new();
        loop {
            let field = self.name()?;
            let descending = self.take_word("desc");
            if !descending {
                self.take_word("asc");
            }
            let mut nulls_last = false;
            if self.take_word("nulls") {
                nulls_last = self.take_word("last");
                let named = nulls_last || self.take_word("first");
                self.expect(named)?;
            }
            keys.push(Order { field, descending, nulls_last });
            if !self.take(&Token::Comma) {
                return Ok(keys);
            }
        }
    }

    /// Conditions joined by one of `AND` and `OR`: Salesforce wants parentheses where both stand.
    fn either(&mut self) -> Result<Expr, ApiError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(ApiError::malformed_query("the conditions nest too deeply"));
        }
        let first = self.condition()?;
        let and = self.is_word("and");
        let word = if and { "and" } else { "or" };
        let mut parts = vec![first];
        while self.take_word(word) {
            parts.push(self.condition()?);
        }
        if self.is_word("and") || self.is_word("or") {
            return Err(self.unexpected());
        }
        self.depth -= 1;
        Ok(match (parts.len(), and) {
            (1, _) => parts.remove(0),
            (_, true) => Expr::And(parts),
            (_, false) => Expr::Or(parts),
        })
    }

    fn condition(&mut self) -> Result<Expr, ApiError> {
        if self.take_word("not") {
            return Ok(Expr::Not(Box::new(self.condition()?)));
        }
        if self.take(&Token::Open) {
            let inner = self.either()?;
            let closed = self.take(&Token::Close);
            self.expect(closed)?;
            return Ok(inner);
        }
        let field = self.name()?;
        let negated = self.take_word("not");
        if self.take_word("in") {
            return self.members(field, negated);
        }
        self.expect(!negated)?;
        for (word, negated) in [("includes", false), ("excludes", true)] {
            if self.take_word(word) {
                let open = self.take(&Token::Open);
                self.expect(open)?;
                return Ok(Expr::Includes(field, negated, self.literals()?));
            }
        }
        let op = self.op()?;
        Ok(Expr::Compare(field, op, self.literal()?))
    }

    fn members(&mut self, field: String, negated: bool) -> Result<Expr, ApiError> {
        let open = self.take(&Token::Open);
        self.expect(open)?;
        if !self.is_word("select") {
            return Ok(Expr::In(field, negated, self.literals()?));
        }
        let query = self.query()?;
        let closed = self.take(&Token::Close);
        self.expect(closed)?;
        Ok(Expr::Semi(field, negated, Box::new(query)))
    }

    fn literals(&mut self) -> Result<Vec<Literal>, ApiError> {
        let mut values = vec![self.literal()?];
        while self.take(&Token::Comma) {
            values.push(self.literal()?);
        }
        let closed = self.take(&Token::Close);
        self.expect(closed)?;
        Ok(values)
    }

    fn op(&mut self) -> Result<Op, ApiError> {
        if self.take_word("like") {
            return Ok(Op::Like);
        }
        let op = match self.peek() {
            Some(Token::Op(op)) => *op,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(op)
    }

    fn literal(&mut self) -> Result<Literal, ApiError> {
        let literal = match self.peek() {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Bare(text) | Token::Name(text)) => Literal::Bare(text.clone()),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(literal)
    }
}
