//! Cloudinary delivers a raw file by the extension of its public id, so no rename makes a page of a text.

use end_to_end::{DataApiCaller, database};
use media_sync::upload::active::ACTIVE_FORMATS;
use media_sync::upload::format::delivered_extension;
use serde_json::{Value, json};

use super::{Boundary, outcome, patch, request};

const NOTES: &str = "notes";

/// A boundary with a raw text of the user's that has no extension.
async fn draw(rules: Option<Value>) -> Boundary {
    let boundary = Boundary::draw(rules).await;
    let sql = format!(
        "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, folder, uploaded_by)
         values (md5('{NOTES}'), '{own}/notes', 'raw', '{own}', '{user}')",
        own = boundary.own,
        user = boundary.user.sub,
    );
    boundary.client.batch_execute(&sql).await.unwrap();
    boundary
}

#[tokio::test]
async fn no_rename_makes_a_page_of_a_text_whichever_way_and_whoever_tries() {
    let boundary = draw(None).await;
    let user = boundary.as_user();
    let admin = boundary.with_role("admin");
    let before = boundary.place(NOTES).await;
    for name in ["notes.html", "notes.SVG", "notes.txt.xhtml", ".js", "a.rdf"] {
        let name = format!("{}/{name}", boundary.own);
        is_refused(&boundary, &user, &name).await;
        is_refused(&boundary, &admin, &name).await;
        let sql = format!(
            "update public.media_assets set cloudinary_public_id = '{name}' where cloudinary_asset_id = md5('{NOTES}')"
        );
        assert_eq!(boundary.sql(&sql).await, Err("PT415".to_owned()), "{name}");
    }
    assert_eq!(boundary.place(NOTES).await, before);
    for name in ["notes.txt", "notes.v2", "notes.html.txt", "html"] {
        let edit = json!({"public_id": format!("{}/{name}", boundary.own)});
        assert_eq!(
            request(&boundary, &user, NOTES, edit).await,
            "done",
            "{name}"
        );
    }
    boundary.stack.stop().await;
}

async fn is_refused(boundary: &Boundary, caller: &DataApiCaller, name: &str) {
    let answer = patch(
        boundary,
        caller,
        NOTES,
        json!({"cloudinary_public_id": name}),
    )
    .await;
    assert_eq!(answer.status, 415, "{name}: {}", answer.body);
    assert_eq!(outcome(&answer), "PT415");
    let code = request(boundary, caller, NOTES, json!({"public_id": name})).await;
    assert_eq!(code, "format_not_allowed", "{name}");
}

#[tokio::test]
async fn a_raw_file_gets_the_extensions_that_the_rules_ask_for() {
    let boundary = draw(Some(
        json!({"active_formats": [".HTML"], "formats": ["txt"]}),
    ))
    .await;
    let user = boundary.as_user();
    let rename = async |name: &str| {
        let edit = json!({"public_id": format!("{}/{name}", boundary.own)});
        request(&boundary, &user, NOTES, edit).await
    };
    assert_eq!(rename("notes.txt").await, "done");
    for name in [
        "notes.csv",
        "notes.js",
        "notes",
        "notes.html",
        "notes.html.",
    ] {
        assert_eq!(rename(name).await, "format_not_allowed", "{name}");
    }
    assert_eq!(rename("notes2.txt").await, "done");
    let rules = json!({"active_formats": [".HTML"]});
    let set = "select public.media_sync_set_setting('UPLOAD_RULES', $1)";
    boundary.client.query(set, &[&rules]).await.unwrap();
    assert_eq!(rename("notes.html").await, "done");
    assert_eq!(rename("other.html").await, "done", "its format stays");
    boundary.stack.stop().await;
}

#[tokio::test]
async fn the_database_knows_the_active_formats_of_the_library() {
    let boundary = draw(None).await;
    let sql = "select to_json(media_sync.active_formats()) as formats";
    let told = database::rows(&boundary.client, sql, &[]).await;
    assert_eq!(told[0]["formats"], json!(ACTIVE_FORMATS));
    for name in [
        "a.html",
        "a.HTML.",
        "a.html . .",
        ".html",
        "a.b/c",
        "a.",
        "a",
        "a.ä",
        "a.7z.",
    ] {
        let sql = "select media_sync.extension_of($1) as extension";
        let told = database::rows(&boundary.client, sql, &[&name]).await;
        let expected = json!(delivered_extension(name));
        assert_eq!(told[0]["extension"], expected, "{name}");
    }
    boundary.stack.stop().await;
}
