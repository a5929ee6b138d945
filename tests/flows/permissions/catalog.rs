//! The objects of the exposed schema, so that nothing new can be forgotten, and a row of each kind.

use end_to_end::database;
use serde_json::{Map, Value};
use tokio_postgres::Client;

/// A table or a view.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) name: String,
    pub(super) is_table: bool,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// Nobody can write generated columns.
    pub(super) is_writable: bool,
    /// Without it there is no row.
    pub(super) is_required: bool,
    pub(super) is_key: bool,
    /// The time of its insertion, unless something else is told.
    pub(super) is_of_the_clock: bool,
}

#[derive(Debug)]
pub(super) struct Row {
    /// Which kind of row it is.
    pub(super) label: String,
    /// The filter by which PostgREST finds it.
    pub(super) filter: String,
    pub(super) values: Map<String, Value>,
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    /// Of each argument its name, its type, and whether a call must have it.
    pub(super) arguments: Vec<(String, String, bool)>,
}

/// Kinds of rows with different permissions, each by a condition; see rows.sql. Of any other table one row is tried.
const KINDS: [(&str, &str, &str); 11] = [
    ("media_assets", "live", "cloudinary_public_id = 'live'"),
    (
        "media_assets",
        "deleted",
        "cloudinary_public_id = 'deleted'",
    ),
    (
        "media_assets",
        "nobody’s",
        "cloudinary_public_id = 'nobody'",
    ),
    ("media_collections", "private", "not is_public"),
    ("media_collections", "public", "is_public"),
    (
        "media_collection_items",
        "in private",
        "collection_id::text like '%c1'",
    ),
    (
        "media_collection_items",
        "in public",
        "collection_id::text like '%c2' and asset_id::text like '%a1'",
    ),
    (
        "media_collection_items",
        "of deleted",
        "asset_id::text like '%a2'",
    ),
    (
        "media_collection_assets",
        "in private",
        "collection_id::text like '%c1'",
    ),
    (
        "media_collection_assets",
        "in public",
        "collection_id::text like '%c2'",
    ),
    ("media_usage", "recorded by the owner", "true"),
];

pub(super) async fn relations(client: &Client) -> Vec<Relation> {
    let names = names(
        client,
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace
            and relkind in ('r', 'p', 'v', 'm', 'f') order by 1",
    )
    .await;
    let mut relations = Vec::new();
    for name in names {
        let columns = columns(client, &name).await;
        let kinds = KINDS.iter().filter(|(table, _, _)| *table == name);
        let mut kinds: Vec<(&str, &str)> = kinds.map(|(_, label, is)| (*label, *is)).collect();
        if kinds.is_empty() {
            kinds.push(("all", "true"));
        }
        let mut rows = Vec::new();
        for (label, condition) in kinds {
            let sql = format!("select * from public.{name} where {condition} limit 1");
            if let Some(Value::Object(values)) = database::rows(client, &sql, &[]).await.pop() {
                rows.push(Row {
                    label: label.to_owned(),
                    filter: filter(&columns, &values),
                    values,
                });
            }
        }
        let is_table =
            "select relkind in ('r', 'p') from pg_class where oid = ('public.' || $1)::regclass";
        let is_table = client.query_one(is_table, &[&name]).await.unwrap().get(0);
        relations.push(Relation {
            name,
            is_table,
            columns,
            rows,
        });
    }
    relations
}

/// By its key; of what has none, a view, by everything that a filter can name.
fn filter(columns: &[Column], values: &Map<String, Value>) -> String {
    let has_key = columns.iter().any(|column| column.is_key);
    let by = columns.iter().filter(|column| {
        column.is_key || !has_key && (column.name == "id" || column.name.ends_with("_id"))
    });
    let pairs: Vec<String> = by
        .filter_map(|column| {
            let value = match &values[&column.name] {
                Value::String(text) => text.clone(),
                Value::Null => return None,
                other => other.to_string(),
            };
            Some(format!("{}=eq.{value}", column.name))
        })
        .collect();
    pairs.join("&")
}

async fn columns(client: &Client, relation: &str) -> Vec<Column> {
    let sql = "select a.attname::text,
            a.attgenerated = '' and a.attidentity <> 'a',
            a.attnotnull and not a.atthasdef and a.attidentity = '',
            coalesce(a.attnum = any (i.indkey), false),
            coalesce(pg_get_expr(d.adbin, d.adrelid) = 'now()', false)
        from pg_attribute a
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
        where a.attrelid = ('public.' || $1)::regclass and a.attnum > 0 and not a.attisdropped
        order by a.attnum";
    let rows = client.query(sql, &[&relation]).await.unwrap();
    rows.iter()
        .map(|row| Column {
            name: row.get(0),
            is_writable: row.get(1),
            is_required: row.get(2),
            is_key: row.get(3),
            is_of_the_clock: row.get(4),
        })
        .collect()
}

pub(super) async fn functions(client: &Client) -> Vec<Function> {
    let sql = "select p.proname::text,
            array(select coalesce(p.proargnames[n], '') from generate_series(1, p.pronargs) n),
            array(select format_type(p.proargtypes[n - 1], null) from generate_series(1, p.pronargs) n),
            (p.pronargs - p.pronargdefaults)::integer
        from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype and p.prokind = 'f'
        order by 1, 2";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| {
            let (names, types): (Vec<String>, Vec<String>) = (row.get(1), row.get(2));
            let required = usize::try_from(row.get::<_, i32>(3)).unwrap();
            let arguments = names.into_iter().zip(types).enumerate();
            Function {
                name: row.get(0),
                arguments: arguments
                    .map(|(place, (name, kind))| (name, kind, place < required))
                    .collect(),
            }
        })
        .collect()
}

/// The first column of a query, as texts.
pub(super) async fn names(client: &Client, sql: &str) -> Vec<String> {
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
