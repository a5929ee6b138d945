//! Trying everything as somebody, without changing anything: a refusal for want of permission is told apart from every
//! other answer.

use std::collections::BTreeSet;

use end_to_end::{DataApiCaller, HttpAnswer};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value};
use tokio_postgres::Client;

use super::catalog::{Column, Function, Relation, Row};

/// Permitted operations on a table's rows, by their labels.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) read: BTreeSet<String>,
    pub(super) insert: BTreeSet<String>,
    pub(super) update: BTreeSet<String>,
    pub(super) delete: BTreeSet<String>,
    pub(super) read_columns: BTreeSet<String>,
    pub(super) update_columns: BTreeSet<String>,
}

impl Allowed {
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A row that may be inserted, though not in another's name.
pub(super) const OWN: &str = "in one’s own name";
/// A table that holds no row to try with.
pub(super) const NO_ROW: &str = "yes (no row was there to try)";

/// Tables refuse deletes from now on, by a code of our own, once everything else has allowed them.
pub(super) async fn hold_deletes(client: &Client, relations: &[Relation]) {
    let mut sql = "create schema probe;
        create function probe.hold() returns trigger language plpgsql as $$
            begin raise exception 'held' using errcode = 'PT418'; end $$;"
        .to_owned();
    for relation in relations.iter().filter(|relation| relation.is_table) {
        sql.push_str(&format!(
            "create trigger hold before delete on public.{} for each row execute function probe.hold();",
            relation.name
        ));
    }
    client.batch_execute(&sql).await.unwrap();
}

pub(super) async fn relation(caller: &DataApiCaller, relation: &Relation) -> Allowed {
    let mut allowed = Allowed::default();
    let everything_is_readable = may_read(caller, relation, "*").await;
    for column in &relation.columns {
        if everything_is_readable || may_read(caller, relation, &column.name).await {
            allowed.read_columns.insert(column.name.clone());
        }
    }
    if relation.rows.is_empty() && !allowed.read_columns.is_empty() {
        allowed.read.insert(NO_ROW.to_owned());
    }
    for row in &relation.rows {
        let path = format!("/{}?{}", relation.name, row.filter);
        let select = allowed.read_columns.first();
        if let Some(column) = select
            && count(
                &caller
                    .call(Method::GET, &format!("{path}&select={column}"), &[], None)
                    .await,
            ) == 1
        {
            allowed.read.insert(row.label.clone());
        }
        if relation.is_table {
            try_to_write(caller, relation, row, &path, &mut allowed).await;
        }
    }
    allowed
}

async fn may_read(caller: &DataApiCaller, relation: &Relation, columns: &str) -> bool {
    let path = format!("/{}?select={columns}&limit=0", relation.name);
    !is_refused(&caller.call(Method::GET, &path, &[], None).await)
}

async fn try_to_write(
    caller: &DataApiCaller,
    relation: &Relation,
    row: &Row,
    path: &str,
    allowed: &mut Allowed,
) {
    let table = format!("/{}", relation.name);
    // A time of now by default is the database's to tell.
    let whole = values(row, relation, |column| !column.is_of_the_clock);
    let least = values(row, relation, |column| column.is_required || column.is_key);
    // It is there already: whoever is allowed to insert it hears that, or that something else is wrong.
    if !is_refused(&caller.call(Method::POST, &table, &[], Some(&whole)).await) {
        allowed.insert.insert(row.label.clone());
    } else if !is_refused(&caller.call(Method::POST, &table, &[], Some(&least)).await) {
        allowed.insert.insert(OWN.to_owned());
    }
    for column in relation.columns.iter().filter(|column| column.is_writable) {
        // To what it is already.
        let same = values(row, relation, |other| other.name == column.name);
        let headers = [("prefer", "return=minimal, count=exact")];
        let answer = caller
            .call(Method::PATCH, path, &headers, Some(&same))
            .await;
        let range = answer
            .headers
            .get("content-range")
            .map(|range| range.to_str().unwrap());
        if !is_refused(&answer) && !range.is_some_and(|range| range.ends_with("/0")) {
            allowed.update.insert(row.label.clone());
            allowed.update_columns.insert(column.name.clone());
        }
    }
    let answer = caller.call(Method::DELETE, path, &[], None).await;
    if answer.status == StatusCode::IM_A_TEAPOT {
        allowed.delete.insert(row.label.clone());
    } else {
        let is_known = is_refused(&answer) || answer.status == StatusCode::NO_CONTENT;
        assert!(is_known, "{path}: {} {}", answer.status, answer.body);
    }
}

fn values(row: &Row, relation: &Relation, wanted: impl Fn(&Column) -> bool) -> Value {
    let columns = relation
        .columns
        .iter()
        .filter(|column| column.is_writable && wanted(column));
    let pairs = columns.map(|column| (column.name.clone(), row.values[&column.name].clone()));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// Tries if the call reaches the function. By GET, PostgREST calls it in a transaction that can change nothing.
pub(super) async fn function(caller: &DataApiCaller, function: &Function) -> bool {
    let required = function
        .arguments
        .iter()
        .filter(|(_, _, is_required)| *is_required);
    let query: Vec<String> = required
        .map(|(name, kind, _)| format!("{name}={}", harmless(kind)))
        .collect();
    let path = format!("/rpc/{}?{}", function.name, query.join("&"));
    let answer = caller.call(Method::GET, &path, &[], None).await;
    assert_ne!(
        answer.body["code"], "PGRST202",
        "{path} cannot be called so: {}",
        answer.body
    );
    !is_refused(&answer)
}

/// A value of the type, or of one that this does not know, something that is none: that is not a refusal either.
fn harmless(kind: &str) -> &'static str {
    match kind {
        "uuid" => "00000000-0000-4000-8000-000000000000",
        "json" | "jsonb" => "[]",
        "boolean" => "false",
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => "1",
        "date" | "timestamp with time zone" | "timestamp without time zone" => "2026-01-01",
        array if array.ends_with("[]") => "{}",
        _ => "x",
    }
}

/// For want of permission, be it the table's, the column's, the row's or the function's own word.
fn is_refused(answer: &HttpAnswer) -> bool {
    let is_refused = answer.body["code"] == "42501";
    let is_by_status = matches!(
        answer.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    );
    assert_eq!(
        is_refused, is_by_status,
        "{} {}",
        answer.status, answer.body
    );
    is_refused
}

fn count(answer: &HttpAnswer) -> usize {
    answer.body.as_array().map_or(0, Vec::len)
}
