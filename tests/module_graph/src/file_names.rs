//! Names that one file declares, imports and mentions, from its tokens alone.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;

use proc_macro2::{Delimiter, LexError, Spacing, TokenStream, TokenTree};

/// A path's segments, `["crate", "row", "AssetRow"]`.
pub(crate) type Segments = Vec<String>;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FileNames {
    /// The child modules, `mod name;`.
    pub(crate) children: Vec<String>,
    /// The free functions that the file defines: one may have the name of a child module.
    pub(crate) functions: BTreeSet<String>,
    /// Imported names and the paths that they stand for.
    pub(crate) imports: BTreeMap<String, Segments>,
    /// Each path that the file's code names, imports included, re-exports not.
    pub(crate) mentions: Vec<Segments>,
    /// The paths that the file re-exports.
    pub(crate) reexports: Vec<Segments>,
    /// The paths whose every name the file imports, `use path::*`.
    pub(crate) globs: Vec<Segments>,
}

impl FileNames {
    pub(crate) fn parse(source: &str) -> Result<Self, LexError> {
        let tokens: TokenStream = source.parse()?;
        let mut names = Self {
            functions: free_functions(tokens.clone()),
            ..Self::default()
        };
        names.scan(tokens);
        Ok(names)
    }

    fn scan(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.scan_one(&tokens, at);
        }
    }

    /// Takes in the item, path or token at the position, and returns the position behind it.
    fn scan_one(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        if let Some((attribute, behind)) = attribute_at(tokens, at) {
            return self.scan_attribute(attribute, tokens, behind);
        }
        match &tokens[at] {
            TokenTree::Group(_) if is_visibility(tokens, at) => at + 1,
            TokenTree::Group(group) => {
                self.scan(group.stream());
                at + 1
            }
            TokenTree::Ident(word) if word == "mod" => self.scan_module(tokens, at),
            // `use<'a>` is a bound.
            TokenTree::Ident(word) if word == "use" && !is_punct(tokens.get(at + 1), '<') => {
                self.scan_use(tokens, at)
            }
            TokenTree::Ident(_) if !continues_path(tokens, at) => self.scan_path(tokens, at),
            _ => at + 1,
        }
    }

    fn scan_attribute(
        &mut self,
        attribute: TokenStream,
        tokens: &[TokenTree],
        behind: usize,
    ) -> usize {
        match attribute_kind(&attribute) {
            AttributeKind::Test => behind_item(tokens, behind),
            AttributeKind::Comment => behind,
            AttributeKind::Other => {
                self.mentions.extend(paths_in_texts(attribute.clone()));
                self.scan(attribute);
                behind
            }
        }
    }

    fn scan_module(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else {
            return at + 1;
        };
        if let Some(TokenTree::Group(body)) = tokens.get(at + 2) {
            let mut inner = Self::default();
            inner.scan(body.stream());
            self.take_in(inner);
        } else {
            self.children.push(name.to_string());
        }
        at + 3
    }

    /// Counts the names of a module inside the file as the file's own.
    fn take_in(&mut self, inner: Self) {
        let written_in_full = |path: Segments| match inner.imports.get(&path[0]) {
            Some(import) => [import, &path[1..]].concat(),
            None => path,
        };
        let named = inner.mentions.into_iter().chain(inner.reexports);
        let named = named.map(written_in_full).filter_map(seen_from_outside);
        self.mentions.extend(named);
        let globs = inner.globs.into_iter();
        self.globs.extend(globs.filter_map(seen_from_outside));
    }

    fn scan_use(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let length = tokens[at..]
            .iter()
            .position(|token| is_punct(Some(token), ';'))
            .unwrap_or(tokens.len() - at);
        let mut leaves = UseLeaves::default();
        leaves.collect(&[], &tokens[at + 1..at + length]);
        let is_reexport = at > 0 && is_public(tokens, at - 1);
        for (path, name) in leaves.named {
            let told = if is_reexport {
                &mut self.reexports
            } else {
                &mut self.mentions
            };
            told.push(path.clone());
            self.imports.insert(name, path);
        }
        self.globs.extend(leaves.globs);
        at + length
    }

    fn scan_path(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let mut segments = vec![tokens[at].to_string()];
        let mut behind = at + 1;
        while is_path_separator(tokens, behind)
            && let Some(TokenTree::Ident(next)) = tokens.get(behind + 2)
        {
            segments.push(next.to_string());
            behind += 3;
        }
        if segments.len() > 1 {
            self.mentions.push(segments);
        }
        behind
    }
}

/// The names behind `fn` outside of all braces.
fn free_functions(tokens: TokenStream) -> BTreeSet<String> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let named = tokens.windows(2).filter(|pair| is_word(pair.first(), "fn"));
    named.map(|pair| pair[1].to_string()).collect()
}

/// A path inside a module's braces, as the file around it would write it.
fn seen_from_outside(path: Segments) -> Option<Segments> {
    match path[0].as_str() {
        "crate" => Some(path),
        "super" if path.get(1).is_some_and(|next| next == "super") => Some(path[1..].to_vec()),
        "super" => Some([&["self".to_owned()], &path[1..]].concat()),
        _ => None,
    }
}

/// The leaves of a `use` declaration's tree.
#[derive(Default)]
struct UseLeaves {
    named: Vec<(Segments, String)>,
    globs: Vec<Segments>,
}

impl UseLeaves {
    fn collect(&mut self, prefix: &[String], tree: &[TokenTree]) {
        for branch in tree.split(|token| is_punct(Some(token), ',')) {
            self.collect_branch(prefix, branch);
        }
    }

    fn collect_branch(&mut self, prefix: &[String], branch: &[TokenTree]) {
        let mut path = prefix.to_vec();
        let mut tokens = branch
            .iter()
            .filter(|token| !is_punct(Some(token), ':'))
            .peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    return self.collect(&path, &inner);
                }
                TokenTree::Punct(_) => return self.globs.push(path),
                TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                word => path.push(word.to_string()),
            }
            if let Some(alias) = alias(&mut tokens) {
                return self.named.push((path, alias));
            }
        }
        if let Some(name) = path.last().cloned() {
            self.named.push((path, name));
        }
    }
}

fn alias<'a>(tokens: &mut Peekable<impl Iterator<Item = &'a TokenTree>>) -> Option<String> {
    tokens.next_if(|token| is_word(Some(token), "as"))?;
    tokens.next().map(ToString::to_string)
}

enum AttributeKind {
    Test,
    Comment,
    Other,
}

fn attribute_kind(attribute: &TokenStream) -> AttributeKind {
    let mut tokens = attribute.clone().into_iter();
    let name = tokens.next();
    if is_word(name.as_ref(), "doc") {
        return AttributeKind::Comment;
    }
    let is_test = is_word(name.as_ref(), "cfg")
        && tokens
            .any(|token| matches!(token, TokenTree::Group(group) if names_test(group.stream())));
    if is_test {
        AttributeKind::Test
    } else {
        AttributeKind::Other
    }
}

fn names_test(condition: TokenStream) -> bool {
    let first = condition.into_iter().next();
    is_word(first.as_ref(), "test")
}

/// The contents of `#[…]` or `#![…]` at the position, and the position behind it.
fn attribute_at(tokens: &[TokenTree], at: usize) -> Option<(TokenStream, usize)> {
    if !is_punct(tokens.get(at), '#') {
        return None;
    }
    let group = at + 1 + usize::from(is_punct(tokens.get(at + 1), '!'));
    match tokens.get(group)? {
        TokenTree::Group(found) if found.delimiter() == Delimiter::Bracket => {
            Some((found.stream(), group + 1))
        }
        _ => None,
    }
}

/// The position behind the item that starts here.
fn behind_item(tokens: &[TokenTree], at: usize) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is_punct(Some(other), ';'),
    };
    tokens[at..]
        .iter()
        .position(ends)
        .map_or(tokens.len(), |length| at + length + 1)
}

/// The paths in an attribute's texts, as serde's `with = "crate::time::micros"`.
fn paths_in_texts(attribute: TokenStream) -> Vec<Segments> {
    let found = |token| match token {
        TokenTree::Group(group) => paths_in_texts(group.stream()),
        TokenTree::Literal(literal) => path_in_text(&literal.to_string()).into_iter().collect(),
        TokenTree::Ident(_) | TokenTree::Punct(_) => Vec::new(),
    };
    attribute.into_iter().flat_map(found).collect()
}

fn path_in_text(literal: &str) -> Option<Segments> {
    let path = literal.strip_prefix('"')?.strip_suffix('"')?;
    let segments: Segments = path.split("::").map(str::to_owned).collect();
    let is_own = matches!(segments[0].as_str(), "crate" | "self" | "super");
    (is_own && segments.len() > 1).then_some(segments)
}

/// `pub`, or the parentheses that limit it, stands at the position.
fn is_public(tokens: &[TokenTree], at: usize) -> bool {
    is_word(tokens.get(at), "pub") || is_visibility(tokens, at)
}

/// Parentheses behind `pub` limit who sees an item; they use nothing.
fn is_visibility(tokens: &[TokenTree], at: usize) -> bool {
    let is_parenthesis = matches!(&tokens[at], TokenTree::Group(group)
        if group.delimiter() == Delimiter::Parenthesis);
    is_parenthesis && at > 0 && is_word(tokens.get(at - 1), "pub")
}

/// The word at the position belongs to a path that began before, or to a value.
fn continues_path(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1);
    let is_field = before.is_some_and(|at| is_punct(tokens.get(at), '.'));
    is_field || at >= 2 && is_path_separator(tokens, at - 2)
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    let is_joint = matches!(tokens.get(at), Some(TokenTree::Punct(punct))
        if punct.as_char() == ':' && punct.spacing() == Spacing::Joint);
    is_joint && is_punct(tokens.get(at + 1), ':')
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions(source: &str) -> Vec<String> {
        let names = FileNames::parse(source).unwrap();
        let written = names.mentions.iter().map(|path| path.join("::"));
        written.collect()
    }

    #[test]
    fn each_way_to_name_something_counts() {
        let cases: &[(&str, &[&str])] = &[
            ("use crate::row::AssetRow;", &["crate::row::AssetRow"]),
            (
                "use super::{a, b::{self, C}, d::E as F};",
                &["super::a", "super::b", "super::b::C", "super::d::E"],
            ),
            (
                "pub(crate) fn f() { crate::time::now() }",
                &["crate::time::now"],
            ),
            (
                "fn f() -> Vec<super::Row> { store::read(Mode::Full) }",
                &["super::Row", "store::read", "Mode::Full"],
            ),
            (
                "fn f() { info!(at = %crate::time::now()) }",
                &["crate::time::now"],
            ),
            (
                "struct S { #[serde(with = \"crate::time::micros\")] at: u64 }",
                &["crate::time::micros"],
            ),
            ("fn f() { use super::late; }", &["super::late"]),
            ("impl crate::Name for S {}", &["crate::Name"]),
            (
                "macro_rules! m { () => { $crate::record() } }",
                &["crate::record"],
            ),
            (
                "mod shape { use super::Kept; use crate::a::B; fn f() { B::new(); inner::g() } }",
                &["self::Kept", "crate::a::B", "crate::a::B::new"],
            ),
        ];
        for (source, expected) in cases {
            assert_eq!(mentions(source), *expected, "{source}");
        }
    }

    #[test]
    fn words_that_name_nothing_do_not_count() {
        let cases = [
            "/// See [`crate::row`] and crate::row::AssetRow.\nfn f() {}",
            "// use crate::row;",
            "const TEXT: &str = \"crate::row\";",
            "#[cfg(test)] mod tests { use super::Row; }",
            "#[cfg(test)] #[path = \"x.rs\"] mod tests;",
            "#[cfg(test)] use crate::row::Row;",
            "pub(in crate::row) fn f() {}",
            "fn f() { row.at.crate_name() }",
            "fn f() -> impl Sized + use<'a> { 1 }",
        ];
        for source in cases {
            assert_eq!(mentions(source), Vec::<String>::new(), "{source}");
        }
    }

    #[test]
    fn reexports_stand_apart() {
        let names =
            FileNames::parse("mod a; pub(crate) mod b; pub use a::A; pub(crate) use b::{B, C};");
        let names = names.unwrap();
        assert_eq!(names.children, ["a", "b"]);
        assert_eq!(names.reexports.len(), 3);
        assert!(names.mentions.is_empty());
        assert_eq!(names.imports["C"], ["b", "C"]);
    }

    #[test]
    fn methods_are_no_free_functions() {
        let names = FileNames::parse("fn free() {} impl S { fn method(&self) {} }").unwrap();
        assert_eq!(names.functions, BTreeSet::from(["free".to_owned()]));
    }

    #[test]
    fn a_glob_names_the_whole_module() {
        let names = FileNames::parse("use super::row::*;").unwrap();
        assert_eq!(names.globs, [["super", "row"]]);
    }
}
