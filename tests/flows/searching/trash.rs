//! Deleted assets are listed by themselves, to those who may see their tombstones.

use std::collections::BTreeSet;

use end_to_end::DataApiCaller;
use local_stack::TokenClaims;
use serde_json::{Value, json};

use super::{Lister, ids};

/// Of 60 assets every third lives; the owner's are those with an even number. Of his, every tenth was deleted by an editor,
/// and of one Cloudinary has no backup.
async fn fill(lister: &Lister, owner: &TokenClaims) {
    let sql = format!(
        "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, display_name,
            uploaded_by, deleted_at, deleted_by, sync_error_code, sync_error_message)
        select md5(n::text), 'asset-' || n, case when n % 4 = 0 then 'raw' else 'image' end, 'Mug ' || n,
            case when n % 2 = 0 then '{owner}'::uuid end,
            case when n % 3 <> 0 then now() - n / 4 * interval '1 minute' end,
            case when n % 10 = 0 then gen_random_uuid() when n % 2 = 0 then '{owner}'::uuid end,
            case when n = 2 then 'no_backup' end, case when n = 2 then 'there is none' end
        from generate_series(1, 60) n",
        owner = owner.sub
    );
    lister.run(&sql).await;
}

#[tokio::test]
async fn deleted_assets_are_listed_to_those_who_may_see_them_last_deleted_first() {
    let mut lister = Lister::start().await;
    let owner = TokenClaims::user("owner@example.com");
    fill(&lister, &owner).await;
    let editor = TokenClaims::with_role("editor@example.com", "editor");
    for (claims, expected) in [
        (&owner, "uploaded_by is not null and"),
        (&editor, ""),
        (&TokenClaims::user("stranger@example.com"), "false and"),
    ] {
        lister.token = lister.stack.token(claims);
        let expected = in_order(&lister, expected).await;
        assert_eq!(every_page(&mut lister).await, expected);
    }
    lister.token = lister.stack.token(&owner);
    each_item_tells_who_and_whether_it_can_return(&mut lister, &owner).await;
    filters_hold(&mut lister).await;
    live_assets_are_not_among_them(&mut lister).await;
    no_parameter_widens_it(&lister, &owner).await;
    lister.stop().await;
}

async fn in_order(lister: &Lister, condition: &str) -> Vec<String> {
    let sql = format!(
        "select coalesce(jsonb_agg(id order by deleted_at desc, id desc), '[]') from public.media_assets
         where {condition} deleted_at is not null"
    );
    let ids = end_to_end::value(lister.stack.database_url(), &sql).await;
    serde_json::from_value(ids).unwrap()
}

/// By cursors, seven at a time.
async fn every_page(lister: &mut Lister) -> Vec<String> {
    let mut found = Vec::new();
    let mut query = "deleted=only&limit=7".to_owned();
    loop {
        let page = lister.page(&query).await;
        found.extend(ids(&page));
        match page["pagination"]["next_cursor"].as_str() {
            Some(cursor) => query = format!("deleted=only&limit=7&cursor={cursor}"),
            None => break,
        }
    }
    let first = lister.page("deleted=only&limit=7").await;
    assert_eq!(first["pagination"]["total"], found.len(), "{first}");
    found
}

async fn each_item_tells_who_and_whether_it_can_return(lister: &mut Lister, owner: &TokenClaims) {
    let page = lister.page("deleted=only&limit=200").await;
    let item = |number: usize| {
        let name = format!("asset-{number}");
        let mut items = page["items"].as_array().unwrap().iter();
        items.find(|item| item["cloudinary_public_id"] == name.as_str())
    };
    let told = |number| {
        let item = item(number).unwrap();
        assert!(item["deleted_at"].is_string(), "{item}");
        (item["may_restore"].clone(), item["is_restorable"].clone())
    };
    assert_eq!(item(4).unwrap()["deleted_by"], json!(owner.sub));
    assert_eq!(told(4), (json!(true), Value::Null));
    assert_eq!(told(10), (json!(false), Value::Null), "an editor's delete");
    assert_eq!(told(2), (json!(true), json!(false)), "no backup");
    assert_eq!(item(6), None, "it lives");
    decide(lister, owner, "asset-6", "now()").await;
    let page = lister.page("deleted=only&search=asset-6").await;
    assert_eq!(page["items"][0]["is_restorable"], true, "{page}");
    assert_eq!(page["items"][0]["sync_status"], "pending");
    decide(lister, owner, "asset-6", "null").await;
}

/// Deletes or restores as the owner.
async fn decide(lister: &Lister, owner: &TokenClaims, name: &str, moment: &str) {
    let claims = json!({"sub": owner.sub, "role": "authenticated"});
    let decide = format!(
        "set request.jwt.claims = '{claims}'; set role authenticated;
         update public.media_assets set deleted_at = {moment} where cloudinary_public_id = '{name}'"
    );
    lister.run(&decide).await;
}

async fn filters_hold(lister: &mut Lister) {
    for (query, count) in [
        ("search=mug+4", 6),
        ("search=4g", 0),
        ("resource_type=raw", 10),
        ("error_code=no_backup", 1),
        ("error_code=held", 0),
        ("date_field=deleted_at&date_to=2020-01-01", 0),
        ("uploaded_by=00000000-0000-4000-8000-000000000001", 0),
    ] {
        let page = lister.page(&format!("deleted=only&{query}")).await;
        assert_eq!(page["pagination"]["total"], count, "{query}: {page}");
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), count, "{query}");
    }
}

async fn live_assets_are_not_among_them(lister: &mut Lister) {
    let live: BTreeSet<String> = ids(&lister.page("limit=200").await).into_iter().collect();
    let gone: BTreeSet<String> = ids(&lister.page("deleted=only&limit=200").await)
        .into_iter()
        .collect();
    assert_eq!((live.len(), live.intersection(&gone).count()), (20, 0));
}

/// The Data API takes whatever a caller sends.
async fn no_parameter_widens_it(lister: &Lister, owner: &TokenClaims) {
    let stranger = TokenClaims::user("stranger@example.com");
    let caller = DataApiCaller::user(&lister.stack, &stranger);
    let query =
        json!({"deleted": "only", "visible_to": owner.sub, "sort_by": "deleted_at", "limit": 9});
    let answer = caller
        .rpc("media_list", &json!({"p_query": query}))
        .await
        .ok();
    assert_eq!(
        (&answer["items"], &answer["total"]),
        (&json!([]), &json!(0))
    );
    for query in [
        json!({"deleted": "also", "sort_by": "deleted_at"}),
        json!({"deleted": "only", "sort_by": "file_size"}),
        json!({"sort_by": "deleted_at"}),
        json!({"sort_by": "created_at", "date_field": "deleted_at", "date_from": "2026-01-01"}),
    ] {
        let answer = caller.rpc("media_list", &json!({"p_query": query})).await;
        assert_eq!(answer.status, 400, "{query}");
    }
}
