//! Pages of very large rows: an answer must stay smaller than a function may answer.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Lister, ids};

/// Bytes that Lambda lets a function answer.
const MOST: usize = 6 * 1024 * 1024;

#[tokio::test]
async fn a_page_of_large_rows_is_shorter_and_goes_on_where_it_ends() {
    let mut lister = Lister::start().await;
    // As Cloudinary may tell of them: a thousand pairs of a thousand characters.
    let fill = "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, context)
        select md5(n::text), 'large/' || n, 'image',
            (select jsonb_object_agg(k::text, repeat('x', 1000)) from generate_series(1, 1000) k)
        from generate_series(1, 12) n";
    lister.run(fill).await;
    let mut seen = BTreeSet::new();
    let mut query = "limit=10".to_owned();
    let mut pages = 0;
    loop {
        let page = lister.page(&query).await;
        assert!(page.to_string().len() < MOST);
        pages += 1;
        for id in ids(&page) {
            assert!(seen.insert(id), "shown twice");
        }
        let pagination = &page["pagination"];
        assert_eq!(pagination["has_more"], !pagination["next_cursor"].is_null());
        let Some(cursor) = pagination["next_cursor"].as_str() else {
            break;
        };
        query = format!("limit=10&cursor={cursor}");
    }
    assert_eq!(seen.len(), 12);
    assert!(pages > 2, "{pages}");

    // With fewer items it would leave rows out.
    let numbered = lister.page("limit=10&page=1").await;
    assert_eq!(ids(&numbered).len(), 10);
    assert_eq!(numbered["items"][0]["shortened"], true);
    assert_eq!(numbered["items"][0]["context"], json!({}));
    let whole = lister.page("limit=4&page=2").await;
    assert_eq!(ids(&whole).len(), 4);
    assert_eq!(whole["items"][0]["shortened"], json!(null));
    lister.stop().await;
}
