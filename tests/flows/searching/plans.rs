//! No query of the API reads the whole table. The plans are those really carried out, for a user under row level
//! security.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use end_to_end::library;
use local_stack::{LocalStack, StackOptions};
use serde_json::{Value, json};
use tokio_postgres::{AsyncMessage, Client, NoTls};

/// Enough that the planner would rather not read all of it.
const ROWS: i64 = 60_000;

/// Every filter by itself, and some together.
const FILTERS: [&str; 38] = [
    r#"{}"#,
    r#"{"resource_type": "video"}"#,
    r#"{"sync_status": "synced"}"#,
    r#"{"sync_status": "error"}"#,
    r#"{"error_code": "cloudinary_bad_request"}"#,
    r#"{"folder": "area-0/folder-0"}"#,
    r#"{"folder": "area-29/folder-59"}"#,
    r#"{"uploaded_by": "00000000-0000-0000-0000-000000000000"}"#,
    r#"{"date_from": "2024-03-01T00:00:00Z", "date_to": "2024-03-31T00:00:00Z"}"#,
    r#"{"date_field": "updated_at", "date_from": "2025-09-01T00:00:00Z"}"#,
    r#"{"date_field": "cloudinary_created_at", "date_to": "2023-01-05T00:00:00Z"}"#,
    r#"{"min_size": 1500000}"#,
    r#"{"max_size": 20000}"#,
    r#"{"min_size": 0}"#,
    r#"{"tags": ["tag-0"]}"#,
    r#"{"tags": ["tag-399"]}"#,
    r#"{"tags": ["tag-0", "tag-399"], "tags_match": "any"}"#,
    r#"{"search": "harbour"}"#,
    r#"{"search": "harbour-dawn"}"#,
    r#"{"search": "nowhere"}"#,
    r#"{"search": "harbour dawn"}"#,
    r#"{"search": "ou harbour"}"#,
    r#"{"search": "nowhere q7"}"#,
    r#"{"search": "ou", "folder": "area-0/folder-0"}"#,
    r#"{"search": "q7", "folder": "area-0/folder-0"}"#,
    r#"{"search": "%", "folder": "area-29/folder-59"}"#,
    r#"{"below": "area-0"}"#,
    r#"{"below": "area-29/folder-59"}"#,
    r#"{"resource_type": ["video", "raw"]}"#,
    r#"{"format": ["mp4"]}"#,
    r#"{"format": ["png", "none"]}"#,
    r#"{"delivery_type": ["private"]}"#,
    r#"{"delivery_type": ["upload", "private"]}"#,
    r#"{"context": {"alt": "dawn"}}"#,
    r#"{"metadata": {"season": "2", "rights": "owned"}}"#,
    r#"{"metadata": {"season": "9"}}"#,
    r#"{"resource_type": "image", "sync_status": "synced", "folder": "area-0/folder-0", "tags": ["tag-1"], "min_size": 9}"#,
    r#"{"search": "dawn", "tags": ["tag-0"], "resource_type": "image", "date_from": "2023-06-01T00:00:00Z"}"#,
];

const ORDERS: [(&str, &str); 6] = [
    ("created_at", "\"2024-01-01T00:00:00Z\""),
    ("updated_at", "\"2024-01-01T00:00:00Z\""),
    ("cloudinary_created_at", "\"2024-01-01T00:00:00Z\""),
    ("file_size", "200000"),
    ("display_name", "\"Harbour\""),
    ("cloudinary_public_id", "\"area-2\""),
];

/// Filters, each with the index that finds its rows.
const INDEXES: [(&str, &str); 10] = [
    (r#"{"tags": ["tag-399"]}"#, "media_assets_tags"),
    (r#"{"search": "0012345"}"#, "asset_search_words"),
    (r#"{"folder": "area-29/folder-59"}"#, "media_assets_folder"),
    (r#"{"sync_status": "error"}"#, "media_assets_unsettled"),
    (r#"{"error_code": "no_backup"}"#, "media_assets_failing"),
    (r#"{"format": ["tiff"]}"#, "media_assets_format"),
    (r#"{"delivery_type": ["private"]}"#, "media_assets_delivery"),
    (r#"{"context": {"alt": "nowhere"}}"#, "media_assets_context"),
    (r#"{"metadata": {"season": "9"}}"#, "media_assets_metadata"),
    (r#"{"below": "area-29/folder-59"}"#, "media_assets_folder"),
];

#[tokio::test]
async fn no_query_reads_the_whole_table() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    library::fill(stack.database_url(), ROWS).await;
    let session = Session::of_a_user(stack.supabase_admin_url()).await;

    let whole = session
        .plans("select count(*) from public.media_assets where description = 'x'")
        .await;
    assert!(
        whole.contains(SCAN),
        "what is looked for is found where it is: {whole}"
    );

    for filter in FILTERS {
        for (order, place) in ORDERS {
            for direction in ["asc", "desc"] {
                let mut query: Value = serde_json::from_str(filter).unwrap();
                query["sort_by"] = json!(order);
                query["sort_order"] = json!(direction);
                query["limit"] = json!(50);
                session.assert_no_scan(&query).await;
                let value: Value = serde_json::from_str(place).unwrap();
                query["after"] =
                    json!({"value": value, "id": "80000000-0000-4000-8000-000000000000"});
                session.assert_no_scan(&query).await;
            }
        }
    }
    for filter in [
        "{}",
        r#"{"search": "harbour"}"#,
        r#"{"resource_type": "video", "tags": ["tag-0"]}"#,
    ] {
        let mut query: Value = serde_json::from_str(filter).unwrap();
        query["deleted"] = json!("only");
        query["sort_by"] = json!("deleted_at");
        query["limit"] = json!(50);
        session.assert_no_scan(&query).await;
    }
    for filter in FILTERS {
        session.assert_no_scan_of("media_facets", filter).await;
    }
    for (filter, index) in INDEXES {
        let mut query: Value = serde_json::from_str(filter).unwrap();
        query["sort_by"] = json!("created_at");
        query["sort_order"] = json!("desc");
        query["limit"] = json!(50);
        let plans = session.list(&query).await;
        assert!(plans.contains(index), "{query}: {plans}");
    }
    stack.stop().await;
}

const SCAN: &str = "Seq Scan on media_assets";

const SEARCH_SCAN: &str = "Seq Scan on asset_search";

/// The same in disguise: every live row, by way of some index.
const ALL: &str = "Recheck Cond: (deleted_at IS NULL)";

/// The mark of a query that the planner is only asked about.
const NOT_CARRIED_OUT: &str = "Query Text: explain ";

/// A database session that tells the plan of every statement that it carries out, nested ones too.
struct Session {
    client: Client,
    notices: Arc<Mutex<String>>,
}

impl Session {
    /// Only a superuser may load the module that tells plans.
    async fn of_a_user(supabase_admin_url: &str) -> Self {
        let (client, mut connection) = tokio_postgres::connect(supabase_admin_url, NoTls)
            .await
            .unwrap();
        let notices = Arc::new(Mutex::new(String::new()));
        let collected = Arc::clone(&notices);
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notice(notice) = message {
                    let plan = notice.message();
                    if !plan.contains(NOT_CARRIED_OUT) {
                        *collected.lock().unwrap() += &format!("{plan}\n");
                    }
                }
            }
        });
        let claims =
            json!({"sub": "00000000-0000-4000-8000-000000000007", "role": "authenticated"});
        client
            .batch_execute(&format!(
                "load 'auto_explain';
                set auto_explain.log_min_duration = 0;
                set auto_explain.log_nested_statements = on;
                set auto_explain.log_level = notice;
                set request.jwt.claims = '{claims}';
                set role authenticated"
            ))
            .await
            .unwrap();
        Self { client, notices }
    }

    async fn plans(&self, sql: &str) -> String {
        self.notices.lock().unwrap().clear();
        self.client
            .query(sql, &[])
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        self.notices.lock().unwrap().clone()
    }

    async fn list(&self, query: &Value) -> String {
        self.plans(&format!("select public.media_list('{query}')"))
            .await
    }

    async fn assert_no_scan(&self, query: &Value) {
        self.assert_no_scan_of("media_list", &query.to_string())
            .await;
    }

    async fn assert_no_scan_of(&self, function: &str, query: &str) {
        let plans = self
            .plans(&format!("select public.{function}('{query}')"))
            .await;
        assert!(
            plans.contains(" on media_assets"),
            "{query}: no plan is told"
        );
        for whole in [SCAN, SEARCH_SCAN, ALL] {
            assert!(!plans.contains(whole), "{query}: {plans}");
        }
    }
}
