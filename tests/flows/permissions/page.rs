//! The page docs/reference/permissions.md: its text from the findings, and the differences of two of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::ROLES;
use super::catalog::{Function, Relation};
use super::probe::Allowed;

const INTRODUCTION: &str = "\
# Who may do what

For developers who use the Data API (PostgREST): who may do what with every table, view and function that it can reach. A test
tries all of it as each caller and holds this page to what it finds. After a change that is meant, write the page anew:

```sh
UPDATE_DOCS=1 cargo test --workspace --test end_to_end permissions
```

*Anonymous* has the publishable key only. An *anonymous user* has signed in without an account (`is_anonymous`). *Owner*, *other
user*, *reader*, *editor* and *administrator* have one: the owner is whose the rows are, the others have `app_metadata.role`
`reader`, `editor` or `admin`. The *reader* is the owner with that role. *Service* has the secret key. A cell names the kinds of
rows for which the answer is yes; – is no.

The [rules of access](configuration.md#access) are those with `admin_aal` = `aal2`. By default an administrator needs no second
factor (*aal2*), and may do what that column says. With `allow_anonymous` = `read` anonymous users read what an other user reads.

The same is so in projects in which everything new is granted to everybody by default (those made before 2026-10-30). The
schema `media_sync` cannot be reached at all.
";

/// The rows with which something may be done.
type Rows = fn(&Allowed) -> &BTreeSet<String>;

#[derive(Debug, Default)]
pub(super) struct Page {
    tables: String,
    columns: String,
    functions: String,
}

impl Page {
    pub(super) fn add_relation(&mut self, relation: &Relation, found: &[Allowed]) {
        let labels: BTreeSet<String> = relation.rows.iter().map(|row| row.label.clone()).collect();
        let operations: [(&str, Rows); 4] = [
            ("read", |allowed| &allowed.read),
            ("insert", |allowed| &allowed.insert),
            ("update", |allowed| &allowed.update),
            ("delete", |allowed| &allowed.delete),
        ];
        let shown = if relation.is_table { 4 } else { 1 };
        for (operation, of) in &operations[..shown] {
            let cells = found.iter().map(|allowed| cell(of(allowed), &labels));
            add_line(
                &mut self.tables,
                &format!("`{}` | {operation}", relation.name),
                cells,
            );
        }
        let all: BTreeSet<String> = relation
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect();
        self.add_columns(relation, "read", &all, found, |allowed| {
            &allowed.read_columns
        });
        self.add_columns(relation, "update", &all, found, |allowed| {
            &allowed.update_columns
        });
    }

    /// Only where it is some of them.
    fn add_columns(
        &mut self,
        relation: &Relation,
        operation: &str,
        all: &BTreeSet<String>,
        found: &[Allowed],
        of: impl Fn(&Allowed) -> &BTreeSet<String>,
    ) {
        let sets: BTreeSet<_> = found.iter().map(&of).collect();
        for set in sets
            .into_iter()
            .filter(|set| !set.is_empty() && *set != all)
        {
            let who = ROLES
                .iter()
                .zip(found)
                .filter(|(_, allowed)| of(allowed) == set);
            let who: Vec<&str> = who.map(|(role, _)| *role).collect();
            let names: Vec<String> = set.iter().map(|name| format!("`{name}`")).collect();
            let line = format!(
                "* `{}`, {operation} ({}): {}\n",
                relation.name,
                who.join(", "),
                names.join(", ")
            );
            self.columns.push_str(&line);
        }
    }

    pub(super) fn add_function(&mut self, function: &Function, may: &[bool]) {
        let arguments: Vec<&str> = function
            .arguments
            .iter()
            .map(|(name, _, _)| name.as_str())
            .collect();
        let head = format!("`{}({})`", function.name, arguments.join(", "));
        let cells = may
            .iter()
            .map(|may| if *may { "yes" } else { "–" }.to_owned());
        add_line(&mut self.functions, &head, cells);
    }

    pub(super) fn text(&self) -> String {
        let roles = ROLES.join(" | ");
        let rules = "---|".repeat(ROLES.len());
        let mut text = INTRODUCTION.to_owned();
        let written = write!(
            text,
            "\n## Tables and views\n\n| table | | {roles} |\n|---|---|{rules}\n{}\n\
             Where a role may read or update only some columns:\n\n{}\n\
             ## Functions\n\nWho may call one; what it does for whom, it decides by row level security or by itself.\n\n\
             | function | {roles} |\n|---|{rules}\n{}",
            self.tables, self.columns, self.functions
        );
        written.expect("a string takes everything");
        text
    }
}

fn cell(labels: &BTreeSet<String>, all: &BTreeSet<String>) -> String {
    if labels.is_empty() {
        "–".to_owned()
    } else if labels == all {
        "all".to_owned()
    } else {
        labels.iter().cloned().collect::<Vec<_>>().join(", ")
    }
}

fn add_line(table: &mut String, head: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    writeln!(table, "| {head} | {} |", cells.join(" | ")).expect("a string takes everything");
}

/// Lines that only one of them has: -before, +after.
pub(super) fn differences(before: &str, after: &str) -> String {
    let only = |text: &str, other: &str, sign: char| {
        let other: BTreeSet<&str> = other.lines().collect();
        let lines = text.lines().filter(|line| !other.contains(line));
        lines
            .map(|line| format!("{sign}{line}\n"))
            .collect::<String>()
    };
    only(before, after, '-') + &only(after, before, '+')
}
