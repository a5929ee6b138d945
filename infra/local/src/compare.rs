//! Both sides of the mirror, compared record by record and past media-sync's own code.
//!
//! Cloudinary's side is the stand-in's own state, the database's side is SQL. So an error of the clients or the sync
//! engine cannot hide itself here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tokio_postgres::{Client, NoTls};

use crate::http_client::HttpClient;
use crate::{LocalStack, StackError, StackPart};

/// The outcome of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideComparison {
    /// Live assets in Cloudinary.
    pub cloudinary: usize,
    /// Live rows in the database.
    pub database: usize,
    /// One line for each field that differs, for each asset that one side lacks, and for everything that still
    /// waits: a row, a message, a notification. Empty when the two sides are equal and nothing is under way.
    pub differences: Vec<String>,
}

/// An asset as both sides can say it, by the names of the database's columns.
type Record = BTreeMap<&'static str, Value>;
/// Records by asset id.
type Records = BTreeMap<String, Record>;

/// Told by every answer of Cloudinary's, so the row has to hold exactly this.
const ALWAYS_TOLD: &[(&str, &str)] = &[
    ("cloudinary_public_id", "public_id"),
    ("resource_type", "resource_type"),
    ("delivery_type", "type"),
    ("cloudinary_version", "version"),
    ("file_size", "bytes"),
    ("format", "format"),
    ("width", "width"),
    ("height", "height"),
    ("duration", "duration"),
    ("display_name", "display_name"),
    ("secure_url", "secure_url"),
    ("url", "url"),
    ("access_mode", "access_mode"),
];

/// Told by some answers only: a row need not know it, but must not have it wrong.
const SOMETIMES_TOLD: &[(&str, &str)] = &[
    ("cloudinary_etag", "etag"),
    ("cloudinary_version_id", "version_id"),
    ("original_filename", "original_filename"),
];

const ROWS: &str = r#"
    select to_jsonb(m) || jsonb_build_object('cloudinary_created_at',
        to_char(m.cloudinary_created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
    from public.media_assets m where m.deleted_at is null"#;

const UNSETTLED: &str = "
    select format('%s %s is %s%s%s', resource_type, cloudinary_public_id, sync_status,
        case when intent is null then '' else ', with an intent' end, ': ' || sync_error_message)
    from public.media_assets
    where sync_status <> 'synced' or intent is not null
    order by 1";

/// Statistics are kept by triggers, so they can be wrong where the rows are right.
const MISCOUNTED: &str = "
    with counted as (
        select resource_type, sync_status, deleted_at is null as live, count(*) as assets,
            coalesce(sum(file_size), 0) as bytes
        from public.media_assets group by 1, 2, 3
    ), kept as (
        select resource_type, sync_status, live, sum(assets) as assets, sum(bytes) as bytes
        from public.media_stats group by 1, 2, 3
    )
    select format('statistics of %s, %s, live %s: kept %s assets of %s bytes, counted %s of %s',
        resource_type, sync_status, live, coalesce(k.assets, 0), coalesce(k.bytes, 0),
        coalesce(c.assets, 0), coalesce(c.bytes, 0))
    from kept k full join counted c using (resource_type, sync_status, live)
    where (coalesce(k.assets, 0), coalesce(k.bytes, 0)) is distinct from (coalesce(c.assets, 0), coalesce(c.bytes, 0))
    order by 1";

/// Compares everything in Cloudinary with everything in the database, and looks for waiting work.
///
/// It looks once: after a change of yours, wait first until it has arrived.
///
/// # Errors
/// When one of the sides cannot be read.
pub async fn differences(stack: &LocalStack) -> Result<SideComparison, StackError> {
    let state = fetch_state(stack).await?;
    let client = connect(stack.database_url()).await?;
    let (cloudinary, mut differences) = records(&state["assets"], cloudinary_record);
    let rows = fetch_column::<Value>(&client, "reading the rows", ROWS).await?;
    let (database, malformed) = records(&Value::Array(rows), database_record);
    differences.extend(malformed);
    differences.extend(compare(&cloudinary, &database));
    differences.extend(fetch_column(&client, "looking for pending rows", UNSETTLED).await?);
    differences.extend(fetch_column(&client, "checking the statistics", MISCOUNTED).await?);
    differences.extend(waiting_notifications(&state));
    differences.extend(waiting_messages(stack).await?);
    Ok(SideComparison {
        cloudinary: cloudinary.len(),
        database: database.len(),
        differences,
    })
}

async fn fetch_state(stack: &LocalStack) -> Result<Value, StackError> {
    let url = format!("{}/_control/state", stack.cloudinary_control()?);
    let answer = HttpClient::new().get(&url).await?;
    serde_json::from_slice(&answer.body).map_err(|error| StackError::Http {
        request: format!("GET {url}"),
        problem: error.to_string(),
    })
}

async fn connect(url: &str) -> Result<Client, StackError> {
    let connecting = tokio_postgres::connect(url, NoTls).await;
    let (client, connection) = connecting.map_err(StackError::database("connecting to compare"))?;
    // Ends with the client; what went wrong, the client's next call says.
    tokio::spawn(connection);
    Ok(client)
}

async fn fetch_column<T>(client: &Client, doing: &str, sql: &str) -> Result<Vec<T>, StackError>
where
    T: for<'a> tokio_postgres::types::FromSql<'a>,
{
    let rows = client.query(sql, &[]).await;
    let rows = rows.map_err(StackError::database(doing))?;
    rows.iter()
        .map(|row| row.try_get(0).map_err(StackError::database(doing)))
        .collect()
}

/// The records among `items` by asset id, and the items that cannot be one. Items that are not live are no records.
fn records(
    items: &Value,
    read: impl Fn(&Map<String, Value>) -> Option<(String, Record)>,
) -> (Records, Vec<String>) {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    let (mut records, mut malformed) = (Records::new(), Vec::new());
    for item in items.iter().filter(|item| item["deleted_at"].is_null()) {
        match item.as_object().and_then(&read) {
            Some((asset_id, record)) => drop(records.insert(asset_id, record)),
            None => malformed.push(format!("without an asset id: {item}")),
        }
    }
    (records, malformed)
}

fn cloudinary_record(asset: &Map<String, Value>) -> Option<(String, Record)> {
    let told = |name: &str| asset.get(name).cloned().unwrap_or(Value::Null);
    let object =
        |value: Option<&Value>| value.cloned().unwrap_or_else(|| Value::Object(Map::new()));
    let mut record: Record = ALWAYS_TOLD
        .iter()
        .chain(SOMETIMES_TOLD)
        .map(|(column, name)| (*column, told(name)))
        .collect();
    // The row keeps addresses that open nothing.
    for column in ["secure_url", "url"] {
        if let Some(Value::String(address)) = record.get_mut(column) {
            *address = unsigned(address);
        }
    }
    let folder = asset.get("asset_folder").or_else(|| asset.get("folder"));
    record.insert("folder", folder.cloned().unwrap_or(Value::Null));
    // A look leaves out what the asset has none of.
    let tags = asset.get("tags").cloned();
    record.insert(
        "tags",
        sorted(tags.unwrap_or_else(|| Value::Array(Vec::new()))),
    );
    record.insert(
        "context",
        object(asset.get("context").map(|context| &context["custom"])),
    );
    record.insert("metadata", object(asset.get("metadata")));
    record.insert("cloudinary_created_at", told("created_at"));
    let moderation = asset.get("moderation").map(|it| it[0]["status"].clone());
    record.insert("moderation", moderation.unwrap_or(Value::Null));
    Some((asset.get("asset_id")?.as_str()?.to_owned(), record))
}

fn database_record(row: &Map<String, Value>) -> Option<(String, Record)> {
    const AS_THEY_ARE: [&str; 5] = [
        "folder",
        "context",
        "metadata",
        "cloudinary_created_at",
        "moderation",
    ];
    let held = |column: &str| row.get(column).cloned().unwrap_or(Value::Null);
    let named = ALWAYS_TOLD
        .iter()
        .chain(SOMETIMES_TOLD)
        .map(|(column, _)| *column);
    let mut record: Record = named
        .chain(AS_THEY_ARE)
        .map(|column| (column, held(column)))
        .collect();
    record.insert("tags", sorted(held("tags")));
    Some((row.get("cloudinary_asset_id")?.as_str()?.to_owned(), record))
}

/// An address without the signature of a guarded file.
fn unsigned(address: &str) -> String {
    let is_signature = |part: &&str| part.starts_with("s--") && part.ends_with("--");
    let parts: Vec<&str> = address
        .split('/')
        .filter(|part| !is_signature(part))
        .collect();
    parts.join("/")
}

/// Tags are a set; their order says nothing.
fn sorted(tags: Value) -> Value {
    let Value::Array(mut tags) = tags else {
        return tags;
    };
    tags.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    Value::Array(tags)
}

fn compare(cloudinary: &Records, database: &Records) -> Vec<String> {
    let ids: BTreeSet<&String> = cloudinary.keys().chain(database.keys()).collect();
    let differ = |id: &String| match (cloudinary.get(id), database.get(id)) {
        (Some(asset), Some(row)) => compare_record(id, asset, row),
        (Some(asset), None) => vec![format!("{} is in Cloudinary only", name(id, asset))],
        (None, Some(row)) => vec![format!("{} is in the database only", name(id, row))],
        (None, None) => Vec::new(),
    };
    ids.into_iter().flat_map(differ).collect()
}

fn compare_record(id: &str, asset: &Record, row: &Record) -> Vec<String> {
    let may_be_unknown = |field: &str| SOMETIMES_TOLD.iter().any(|(column, _)| *column == field);
    asset
        .iter()
        .filter_map(|(field, told)| {
            let held = row.get(field).unwrap_or(&Value::Null);
            let right = same(told, held) || (held.is_null() && may_be_unknown(field));
            let whose = name(id, asset);
            (!right).then(|| {
                format!("{whose}, {field}: Cloudinary has {told}, the database has {held}")
            })
        })
        .collect()
}

/// PostgreSQL writes 1.0 as 1.
fn same(told: &Value, held: &Value) -> bool {
    match (told.as_f64(), held.as_f64()) {
        (Some(told), Some(held)) => told.to_bits() == held.to_bits(),
        _ => told == held,
    }
}

fn name(id: &str, record: &Record) -> String {
    let text = |field| record.get(field).and_then(Value::as_str).unwrap_or("?");
    format!(
        "{} {} ({id})",
        text("resource_type"),
        text("cloudinary_public_id")
    )
}

fn waiting_notifications(state: &Value) -> Option<String> {
    let waiting = state["pending_notifications"].as_u64().unwrap_or(0);
    (waiting > 0).then(|| format!("{waiting} notifications of Cloudinary's are not delivered"))
}

async fn waiting_messages(stack: &LocalStack) -> Result<Vec<String>, StackError> {
    let depths = match stack.queue_depths().await {
        Ok(depths) => depths,
        // No emulator, no queues.
        Err(StackError::Without(StackPart::Aws)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let waiting = depths.into_iter().filter(|(_, depth)| depth.total() > 0);
    Ok(waiting
        .map(|(queue, depth)| format!("{queue} holds {} messages", depth.total()))
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

    fn asset() -> Value {
        json!({
            "asset_id": ID, "public_id": "shop/mug", "resource_type": "image", "type": "upload", "version": 7,
            "bytes": 99, "format": "png", "width": 4, "height": 3, "asset_folder": "shop", "display_name": "mug",
            "tags": ["b", "a"], "context": {"custom": {"alt": "A mug"}}, "metadata": {"sku": "M1"},
            "secure_url": "https://x/mug", "url": "https://x/mug", "access_mode": "public", "etag": "e1",
            "created_at": "2026-01-01T00:00:00Z", "deleted_at": null, "duration": 1.0,
        })
    }

    fn row() -> Value {
        json!({
            "cloudinary_asset_id": ID, "cloudinary_public_id": "shop/mug", "resource_type": "image",
            "delivery_type": "upload", "cloudinary_version": 7, "file_size": 99, "format": "png", "width": 4,
            "height": 3, "folder": "shop", "display_name": "mug", "tags": ["a", "b"], "context": {"alt": "A mug"},
            "metadata": {"sku": "M1"}, "secure_url": "https://x/mug", "url": "https://x/mug", "access_mode": "public",
            "cloudinary_etag": null, "cloudinary_created_at": "2026-01-01T00:00:00Z", "deleted_at": null,
            "duration": 1, "description": "only here",
        })
    }

    fn found(asset: Value, row: Value) -> Vec<String> {
        let (cloudinary, _) = records(&json!([asset]), cloudinary_record);
        let (database, _) = records(&json!([row]), database_record);
        compare(&cloudinary, &database)
    }

    fn with(mut item: Value, field: &str, value: Value) -> Value {
        item[field] = value;
        item
    }

    #[test]
    fn equal_sides_have_no_differences() {
        assert_eq!(found(asset(), row()), Vec::<String>::new());
    }

    #[test]
    fn every_column_that_differs_is_named() {
        let columns = ALWAYS_TOLD
            .iter()
            .chain(SOMETIMES_TOLD)
            .map(|(column, _)| *column);
        for column in columns.chain([
            "folder",
            "tags",
            "context",
            "metadata",
            "cloudinary_created_at",
        ]) {
            let differences = found(asset(), with(row(), column, json!("something else")));
            assert_eq!(differences.len(), 1, "{column}: {differences:?}");
            assert!(
                differences[0].contains(&format!(", {column}: ")),
                "{differences:?}"
            );
        }
    }

    #[test]
    fn a_missing_etag_is_no_difference_and_a_wrong_one_is() {
        assert!(found(asset(), with(row(), "cloudinary_etag", json!("e1"))).is_empty());
        assert_eq!(
            found(asset(), with(row(), "cloudinary_etag", json!("e2"))).len(),
            1
        );
    }

    #[test]
    fn a_value_that_only_the_row_has_is_a_difference() {
        for (untold, none) in [("tags", json!([])), ("metadata", json!({}))] {
            let mut asset = asset();
            asset.as_object_mut().unwrap().remove(untold);
            assert_eq!(found(asset.clone(), row()).len(), 1, "{untold}");
            assert!(
                found(asset, with(row(), untold, none)).is_empty(),
                "{untold}"
            );
        }
    }

    #[test]
    fn an_asset_on_one_side_only_is_said_to_be_there() {
        let deleted = json!("2026-01-02T00:00:00Z");
        let gone_here = found(asset(), with(row(), "deleted_at", deleted.clone()));
        assert!(
            gone_here[0].ends_with("is in Cloudinary only"),
            "{gone_here:?}"
        );
        let gone_there = found(with(asset(), "deleted_at", deleted), row());
        assert!(
            gone_there[0].ends_with("is in the database only"),
            "{gone_there:?}"
        );
    }

    #[test]
    fn a_live_row_without_asset_id_is_reported() {
        let (none, malformed) = records(
            &json!([with(row(), "cloudinary_asset_id", Value::Null)]),
            database_record,
        );
        assert!(none.is_empty() && malformed.len() == 1, "{malformed:?}");
    }
}
