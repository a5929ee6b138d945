//! Parses search expressions: fields, comparisons, ranges, `AND`, `OR`, `NOT`, `-`, parentheses.

use crate::error::ApiError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Clause {
        field: String,
        test: Test,
    },
    /// A word without a field.
    Word(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// `field:value`
    Token(String),
    /// `field=value`
    Exact(String),
    Less {
        than: String,
        or_equal: bool,
    },
    Greater {
        than: String,
        or_equal: bool,
    },
    Range {
        from: String,
        to: String,
        inclusive: bool,
    },
}

impl Expr {
    pub(super) fn mentions(&self, name: &str) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.mentions(name)),
            Self::Not(part) => part.mentions(name),
            Self::Clause { field, .. } => field == name,
            Self::All | Self::Word(_) => false,
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Expr, ApiError> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    parser.skip_space();
    if parser.rest().is_empty() || parser.rest().trim() == "*" {
        return Ok(Expr::All);
    }
    if parser.peek_word("NOT") {
        return Err(parser.error());
    }
    let expr = parser.or()?;
    if parser.rest().is_empty() {
        Ok(expr)
    } else {
        Err(parser.error())
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// Deeper nesting is refused rather than risking the stack.
const DEPTH_AT_MOST: usize = 64;

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self) -> ApiError {
        ApiError::bad_request(format!("Query Error (at position {})", self.at))
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len();
            self.skip_space();
        }
        found
    }

    fn peek_word(&self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        after.is_some_and(|after| after.is_empty() || after.starts_with([' ', '(', '\t', '\n']))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.peek_word(word);
        if found {
            self.eat(word);
        }
        found
    }

    fn or(&mut self) -> Result<Expr, ApiError> {
        let mut parts = vec![self.and()?];
        while self.eat_word("OR") {
            parts.push(self.and()?);
        }
        Ok(one_or(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, ApiError> {
        let mut parts = vec![self.unary()?];
        loop {
            let joined = self.eat_word("AND");
            let ends =
                self.rest().is_empty() || self.rest().starts_with(')') || self.peek_word("OR");
            if ends && !joined {
                return Ok(one_or(parts, Expr::And));
            }
            parts.push(self.unary()?);
        }
    }

    fn unary(&mut self) -> Result<Expr, ApiError> {
        self.depth += 1;
        if self.depth > DEPTH_AT_MOST {
            return Err(self.error());
        }
        let expr = if self.eat_word("NOT") || self.eat("-") {
            Expr::Not(Box::new(self.unary()?))
        } else if self.eat("(") {
            let inner = self.or()?;
            if !self.eat(")") {
                return Err(self.error());
            }
            inner
        } else {
            self.clause()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn clause(&mut self) -> Result<Expr, ApiError> {
        if self.rest().starts_with('"') {
            return Ok(Expr::Word(self.value()?));
        }
        let end = self
            .rest()
            .find([':', '=', '<', '>', ' ', '(', ')', '[', '{', '"'])
            .unwrap_or(self.rest().len());
        let field = self.rest()[..end].to_owned();
        if field.is_empty() {
            return Err(self.error());
        }
        self.at += end;
        self.skip_space();
        match self.operator() {
            Some(operator) => self.test(field, operator),
            None => Ok(Expr::Word(field)),
        }
    }

    fn operator(&mut self) -> Option<&'static str> {
        [":", ">=", "<=", ">", "<", "="]
            .into_iter()
            .find(|symbol| self.eat(symbol))
    }

    fn test(&mut self, field: String, operator: &str) -> Result<Expr, ApiError> {
        if operator == ":" || operator == "=" {
            for (open, close, inclusive) in [("[", "]", true), ("{", "}", false)] {
                if self.eat(open) {
                    return self.range(field, close, inclusive);
                }
            }
            if self.eat("(") {
                return self.alternatives(field, operator);
            }
        }
        let value = self.value()?;
        let test = match operator {
            ":" => Test::Token(value),
            "=" => Test::Exact(value),
            "<" | "<=" => Test::Less {
                than: value,
                or_equal: operator == "<=",
            },
            _ => Test::Greater {
                than: value,
                or_equal: operator == ">=",
            },
        };
        Ok(Expr::Clause { field, test })
    }

    fn range(&mut self, field: String, close: &str, inclusive: bool) -> Result<Expr, ApiError> {
        let from = self.value()?;
        if !self.eat_word("TO") {
            return Err(self.error());
        }
        let to = self.value()?;
        if !self.eat(close) {
            return Err(self.error());
        }
        Ok(Expr::Clause {
            field,
            test: Test::Range {
                from,
                to,
                inclusive,
            },
        })
    }

    /// `field:(a OR b)`
    fn alternatives(&mut self, field: String, operator: &str) -> Result<Expr, ApiError> {
        let mut parts = Vec::new();
        loop {
            let value = self.value()?;
            let test = if operator == "=" {
                Test::Exact(value)
            } else {
                Test::Token(value)
            };
            parts.push(Expr::Clause {
                field: field.clone(),
                test,
            });
            if self.eat(")") {
                return Ok(one_or(parts, Expr::Or));
            }
            if !self.eat_word("OR") {
                return Err(self.error());
            }
        }
    }

    fn value(&mut self) -> Result<String, ApiError> {
        let value = if self.rest().starts_with('"') {
            self.quoted()?
        } else {
            self.bare()?
        };
        self.skip_space();
        Ok(value)
    }

    fn quoted(&mut self) -> Result<String, ApiError> {
        let mut value = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((index, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += index + 1;
                    return Ok(value);
                }
                '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                other => value.push(other),
            }
        }
        Err(self.error())
    }

    fn bare(&mut self) -> Result<String, ApiError> {
        let mut value = String::new();
        let mut chars = self.rest().char_indices();
        let mut end = self.rest().len();
        while let Some((index, c)) = chars.next() {
            match c {
                '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                ')' | ']' | '}' | '(' | '"' => {
                    end = index;
                    break;
                }
                c if c.is_whitespace() => {
                    end = index;
                    break;
                }
                other => value.push(other),
            }
        }
        if value.is_empty() || (value.starts_with('*') && value.len() == 1) {
            return Err(self.error());
        }
        self.at += end;
        Ok(value)
    }
}

fn one_or(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => Expr::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(field: &str, value: &str) -> Expr {
        Expr::Clause {
            field: field.to_owned(),
            test: Test::Token(value.to_owned()),
        }
    }

    #[test]
    fn operators_bind_as_usual() {
        let parsed = parse("a:1 OR b:2 AND -c:\"3 x\"").unwrap();
        let wanted = Expr::Or(vec![
            token("a", "1"),
            Expr::And(vec![
                token("b", "2"),
                Expr::Not(Box::new(token("c", "3 x"))),
            ]),
        ]);
        assert_eq!(parsed, wanted);
        assert!(parse("(a:1 OR b:2) AND c:3").unwrap().mentions("b"));
        assert_eq!(parse(" ").unwrap(), Expr::All);
    }

    #[test]
    fn alternatives_and_ranges_are_read() {
        assert_eq!(
            parse("status:(active OR pending)").unwrap(),
            Expr::Or(vec![token("status", "active"), token("status", "pending")])
        );
        let range = parse("bytes:[10 TO 20]").unwrap();
        assert!(matches!(
            range,
            Expr::Clause {
                test: Test::Range {
                    inclusive: true,
                    ..
                },
                ..
            }
        ));
        assert_eq!(
            parse("created_at>=\"2026-01-01T00:00:00Z\"").unwrap(),
            Expr::Clause {
                field: "created_at".to_owned(),
                test: Test::Greater {
                    than: "2026-01-01T00:00:00Z".to_owned(),
                    or_equal: true
                },
            }
        );
    }

    #[test]
    fn nonsense_is_refused_with_its_position() {
        let deep = "(".repeat(500);
        for bad in [
            "NOT a:1",
            "a:1 AND",
            "a:",
            "tags:*",
            "(a:1",
            "a:1)",
            "bytes:[1 TO",
            "a:\"x",
            ">5",
            &deep,
        ] {
            let error = parse(bad).expect_err(bad);
            assert!(
                error.message.starts_with("Query Error (at position "),
                "{bad}: {error}"
            );
        }
    }
}
