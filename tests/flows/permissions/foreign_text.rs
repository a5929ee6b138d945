//! The texts that users write and others see: the list of docs/design/security.md names them, and nothing changes or
//! runs them.

use std::collections::BTreeSet;
use std::path::Path;

use end_to_end::{DataApiCaller, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use reqwest::Method;
use serde_json::{Value, json};

use super::catalog::names;

/// Columns that hold text, which users may write.
const WRITABLE: &str = "select c.relname || '.' || a.attname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
        and a.atttypid in ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype, 'varchar'::regtype)
        and (has_column_privilege('authenticated', c.oid, a.attnum, 'insert')
            or has_column_privilege('authenticated', c.oid, a.attnum, 'update'))";

/// Markup, an address that runs, a formula, a name whose letters turn around, and signs without width.
const HOSTILE: [&str; 5] = [
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "=SUM(A1:A9)",
    "\u{202e}gpj.exe",
    "zero\u{200b}width\u{feff}",
];

#[tokio::test]
async fn texts_that_users_write_are_listed_and_come_back_as_they_were() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = database::connect(stack.database_url()).await;
    let claims = TokenClaims::user("user@example.com");
    let rows = include_str!("rows.sql").replace("{user}", &claims.sub.to_string());
    client.batch_execute(&rows).await.unwrap();

    let writable = names(&client, WRITABLE).await.into_iter().collect();
    assert_eq!(listed(), writable, "the list of docs/design/security.md");
    let owner = DataApiCaller::user(&stack, &claims);
    let reader = DataApiCaller::user(&stack, &TokenClaims::user("other@example.com"));
    for text in HOSTILE {
        an_asset_shows(text, &owner, &reader).await;
        a_public_collection_shows(text, &owner, &reader).await;
        a_use_shows(text, &owner).await;
    }
    stack.stop().await;
}

/// The columns in the first cells of the list, as `table.column`.
fn listed() -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/design/security.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("## Text of strangers").unwrap();
    let (own, _) = section.split_once("Others write these").unwrap();
    let rows = own.lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| {
        let cell = row.split('|').nth(1).unwrap();
        let mut names = cell.split('`').skip(1).step_by(2);
        let table = names.next().unwrap().to_owned();
        names.map(move |column| format!("{table}.{column}"))
    })
    .collect()
}

async fn an_asset_shows(text: &str, owner: &DataApiCaller, reader: &DataApiCaller) {
    let wanted = json!({
        "display_name": text, "tags": [text], "context": {"caption": text}, "metadata": {"rights": text},
        "description": text, "alt_text": text,
    });
    let which = "/media_assets?id=eq.00000000-0000-4000-8000-0000000000a1";
    comes_back(which, &wanted, owner, reader).await;
}

async fn a_public_collection_shows(text: &str, owner: &DataApiCaller, reader: &DataApiCaller) {
    let wanted = json!({"name": text, "description": text});
    let which = "/media_collections?id=eq.00000000-0000-4000-8000-0000000000c2";
    comes_back(which, &wanted, owner, reader).await;
}

/// Writes as the one, and reads as the other.
async fn comes_back(which: &str, wanted: &Value, owner: &DataApiCaller, reader: &DataApiCaller) {
    let edited = owner.call(Method::PATCH, which, &[], Some(wanted)).await;
    assert!(edited.status.is_success(), "{wanted}: {}", edited.body);
    let columns = wanted.as_object().unwrap().keys().cloned();
    let columns = columns.collect::<Vec<_>>().join(",");
    let path = format!("{which}&select={columns}");
    let read = reader.call(Method::GET, &path, &[], None).await;
    assert_eq!(read.body[0], *wanted);
}

async fn a_use_shows(text: &str, owner: &DataApiCaller) {
    let wanted = json!({"usage_type": text, "table_name": text, "record_id": text});
    let mut row = wanted.clone();
    row["asset_id"] = json!("00000000-0000-4000-8000-0000000000a1");
    let headers = [("prefer", "return=representation")];
    let path = "/media_usage?select=usage_type,table_name,record_id";
    let recorded = owner.call(Method::POST, path, &headers, Some(&row)).await;
    assert_eq!(recorded.body[0], wanted, "{}", recorded.status);
}
