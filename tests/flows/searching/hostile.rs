//! Every text is a value: none means anything to PostgREST or to SQL, in any parameter.

use std::collections::BTreeSet;

use end_to_end::connect;
use local_stack::TokenClaims;
use serde_json::Value;

use super::{Lister, encoded, ids};

/// Texts with a meaning to LIKE, arrays, JSON, SQL, PostgREST, URLs or this API's own separators.
pub(crate) const TEXTS: [&str; 43] = [
    "%",
    "_",
    "\\",
    "\\%",
    "%%%",
    "___",
    "*",
    "'",
    "''",
    "\"",
    "`",
    "$1",
    "$2",
    "$$",
    "%s",
    "%1$s",
    "%I",
    "{}",
    "{a,b}",
    "[]",
    "null",
    "NULL",
    "a,b",
    ",",
    "(",
    ")",
    "or=(id.not.is.null)",
    "not.is.null",
    "eq.x",
    "in.(1,2)",
    "cs.{tag-0}",
    "deleted_at.is.null",
    "x' or '1'='1",
    "x%' or 1=1 --",
    "'; drop table public.media_assets; --",
    "/* */",
    "') union select 1 --",
    "(select pg_sleep(9))",
    "&select=*",
    "\t\n",
    "Größe ÄPFEL",
    "写真",
    "🦀",
];

/// Parameters that take no free text: each must refuse all of the above.
const STRICT: [&str; 13] = [
    "resource_type",
    "sync_status",
    "tags_match",
    "uploaded_by",
    "date_field",
    "date_from",
    "date_to",
    "min_size",
    "max_size",
    "sort_by",
    "sort_order",
    "limit",
    "page",
];

/// Queries that no parameter allows.
const REFUSED: [&str; 20] = [
    "page=502&limit=200",
    "select=*",
    "order=id",
    "offset=1",
    "and=(id.gt.0)",
    "or=(id.gt.0)",
    "id=eq.1",
    "deleted_at=not.is.null",
    "columns=id",
    "search=a&search=b",
    "search=%00",
    "folder=%00",
    "tags=%00",
    "date_from=0000-01-01",
    "date_to=294277-01-01",
    "date_from=-001000-01-01T00:00:00Z",
    "min_size=-1",
    "max_size=9223372036854775808",
    "limit=1e2",
    "page=1.5",
];

/// Queries at the edge, which find nothing.
const EMPTY: [&str; 5] = [
    "page=501&limit=200",
    "min_size=9223372036854775807",
    "search=%01",
    "date_to=0001-01-01",
    "date_from=9999-12-30",
];

#[tokio::test]
async fn whatever_is_sent_is_a_value() {
    let mut lister = Lister::start().await;
    insert(&lister).await;
    let rows = rows(&lister).await;
    lister.stack.reset_gateway_counts();
    let mut answered = 0;
    for text in TEXTS {
        answered += free_parameters_find_the_text(&mut lister, &rows, text).await;
        strict_parameters_refuse_it(&mut lister, text).await;
        no_parameter_has_its_name(&mut lister, text).await;
    }
    for query in REFUSED {
        assert_eq!(lister.get(query).await.status, 400, "{query}");
    }
    for query in EMPTY {
        assert_eq!(ids(&lister.page(query).await), [""; 0], "{query}");
        answered += 1;
    }
    let counts = lister.stack.gateway_counts();
    let calls = counts.of("POST /rest/v1/rpc/media_list");
    assert_eq!(calls, answered, "none for a refusal");
    assert_eq!(self::rows(&lister).await, rows, "nothing has changed");
    cursors_are_bound(&mut lister).await;
    lister.stop().await;
}

/// Gives the number of answers.
async fn free_parameters_find_the_text(lister: &mut Lister, rows: &[Value], text: &str) -> u64 {
    let in_folder = with(rows, |row| row["folder"] == text.trim_matches('/'));
    // A slash at an end counts for nothing, and of the root everything is below.
    let below = with(rows, |row| {
        row["folder"] == text.trim_matches('/') || text.trim_matches('/').is_empty()
    });
    let cases = [
        ("search", searched(rows, text)),
        ("folder", in_folder),
        ("below", below),
        (
            "context.note",
            with(rows, |row| row["context"]["note"] == text),
        ),
        (
            "metadata.note",
            with(rows, |row| row["metadata"]["note"] == text),
        ),
        ("tags", tagged(rows, text)),
    ];
    let mut answered = 0;
    for (name, expected) in cases {
        let parameters = [(name, text.to_owned()), ("limit", "200".to_owned())];
        let page = lister.page(&encoded(&parameters)).await;
        let found: BTreeSet<String> = ids(&page).into_iter().collect();
        assert_eq!(found, expected, "{name}={text:?}");
        let total = &page["pagination"]["total"];
        assert_eq!(total, expected.len(), "{name}={text:?}");
        answered += 1;
    }
    answered
}

async fn strict_parameters_refuse_it(lister: &mut Lister, text: &str) {
    for name in STRICT.into_iter().chain(["cursor"]) {
        let answer = lister.get(&encoded(&[(name, text.to_owned())])).await;
        assert_eq!(
            (answer.status, &answer.body["parameter"]),
            (400, &name.into()),
            "{name}={text:?}"
        );
    }
}

async fn no_parameter_has_its_name(lister: &mut Lister, text: &str) {
    let name = encoded(&[(text, String::new())]);
    let query = format!("{}=1", name.trim_end_matches('='));
    let unknown = lister.get(&query).await;
    assert_eq!(
        (unknown.status, &unknown.body["code"]),
        (400, &"invalid_parameter".into()),
        "{text:?}=1"
    );
}

/// To their query and their user; and nobody else makes any.
async fn cursors_are_bound(lister: &mut Lister) {
    let first = lister.page("limit=5&search=row&sort_by=display_name").await;
    let cursor = first["pagination"]["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let with = |query: &str| format!("{query}&cursor={cursor}");
    let next = lister
        .page(&with("limit=5&search=row&sort_by=display_name"))
        .await;
    assert!(
        ids(&next).iter().all(|id| !ids(&first).contains(id)),
        "{next}"
    );
    for other in [
        "limit=6&search=row&sort_by=display_name",
        "limit=5&search=rov&sort_by=display_name",
        "limit=5&search=row&sort_by=file_size",
        "limit=5&search=row&sort_by=display_name&sort_order=asc",
        "limit=5&search=row&sort_by=display_name&resource_type=image",
    ] {
        let refused = lister.get(&with(other)).await;
        assert_eq!(
            (refused.status, &refused.body["parameter"]),
            (400, &"cursor".into()),
            "{other}"
        );
    }
    let mut broken = cursor.clone();
    let last = if broken.pop() == Some('A') { 'B' } else { 'A' };
    broken.push(last);
    let refused = lister
        .get(&format!(
            "limit=5&search=row&sort_by=display_name&cursor={broken}"
        ))
        .await;
    assert_eq!(refused.status, 400);
    lister.token = lister
        .stack
        .token(&TokenClaims::user("another@example.com"));
    let refused = lister
        .get(&with("limit=5&search=row&sort_by=display_name"))
        .await;
    assert_eq!(refused.status, 400, "another user's cursor");
}

/// Twenty ordinary rows, a deleted one, and for each text one that holds it everywhere.
async fn insert(lister: &Lister) {
    lister
        .run(
            "insert into public.media_assets (cloudinary_public_id, resource_type, display_name, folder, tags, file_size)
             select 'row-' || n, 'image', 'row ' || n, 'plain', array['tag-0', 'a', 'b'], n from generate_series(1, 20) n;
             insert into public.media_assets (cloudinary_public_id, resource_type, display_name, folder, deleted_at)
             values ('gone', 'image', '% _ '' gone', '%', now())",
        )
        .await;
    let client = connect(lister.stack.database_url()).await;
    let sql = "insert into public.media_assets (cloudinary_public_id, resource_type, display_name, folder, tags, context, metadata)
        values ('text-' || $1::integer, 'raw', $2, $2, array[$2], jsonb_build_object('note', $2::text), jsonb_build_object('note', $2::text))";
    for (number, text) in (0_i32..).zip(TEXTS) {
        client.execute(sql, &[&number, &text]).await.unwrap();
    }
}

async fn rows(lister: &Lister) -> Vec<Value> {
    let sql = "select coalesce(jsonb_agg(to_jsonb(m) order by m.id), '[]') from public.media_assets m where deleted_at is null";
    let rows = end_to_end::value(lister.stack.database_url(), sql).await;
    rows.as_array().unwrap().clone()
}

fn with(rows: &[Value], is: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let found = rows.iter().filter(|row| is(row));
    found
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Every word stands somewhere.
fn searched(rows: &[Value], text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    with(rows, |row| {
        let own: Vec<_> = ["display_name", "cloudinary_public_id"]
            .map(|name| &row[name])
            .into_iter()
            .chain(row["tags"].as_array().unwrap())
            .filter_map(Value::as_str)
            .map(str::to_lowercase)
            .collect();
        let holds = |word: &str| own.iter().any(|own| own.contains(word));
        text.split_whitespace().all(holds)
    })
}

/// A comma separates, and space around a tag is not part of it.
fn tagged(rows: &[Value], text: &str) -> BTreeSet<String> {
    let tags: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .collect();
    with(rows, |row| {
        tags.iter()
            .all(|tag| row["tags"].as_array().unwrap().iter().any(|own| own == tag))
    })
}
