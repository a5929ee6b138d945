//! The next holder of a deleted asset's name gets the name, and nothing that was written about the former one.

use end_to_end::{eventually, picture};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Uploads;

const WORDS: &str = "Only for my family";

#[tokio::test]
async fn who_brings_a_deleted_asset_back_under_its_id_inherits_nothing_written_here() {
    let stage = Uploads::start().await;
    let asset_id = an_asset_is_described_used_and_collected(&stage).await;
    stage.world.cloud.destroy_id(&asset_id).await;
    eventually("the cup is gone", async || {
        !stage.rows("shop/cup").await[0]["deleted_at"].is_null()
    })
    .await;
    another_user_takes_the_name(&stage, &asset_id).await;

    let row = stage.rows("shop/cup").await.remove(0);
    assert_eq!(
        (&row["description"], &row["alt_text"]),
        (&Value::Null, &Value::Null)
    );
    for table in ["media_usage", "media_collection_items"] {
        let left = format!("select count(*) from public.{table}");
        assert_eq!(stage.world.count(&left).await, 0, "{table}");
    }
    the_former_trail_is_for_administrators(&stage, &asset_id).await;
    stage.world.drain().await;
    stage.world.assert_mirrored().await;
    stage.world.stack.stop().await;
}

async fn an_asset_is_described_used_and_collected(stage: &Uploads) -> String {
    let world = &stage.world;
    let uploaded = stage.upload_as("shop/cup", 1).await;
    uploaded.assert_status(StatusCode::CREATED);
    let row = stage.rows("shop/cup").await.remove(0);
    let described = json!({"description": WORDS, "alt_text": WORDS});
    let which = "cloudinary_public_id=eq.shop/cup";
    world.write(which, &world.user, described).await.ok();
    let id = row["id"].as_str().expect("a row");
    for sql in [
        "insert into public.media_collections (name, owner) values ('Theirs', gen_random_uuid()) returning id".to_owned(),
        format!(
            "insert into public.media_collection_items (collection_id, asset_id)
             select id, '{id}' from public.media_collections returning asset_id"
        ),
        format!(
            "insert into public.media_usage (asset_id, usage_type, table_name, record_id)
             values ('{id}', 'cover', 'articles', '1') returning id"
        ),
    ] {
        assert_eq!(world.rows(&sql, &[]).await.len(), 1, "{sql}");
    }
    row["cloudinary_asset_id"]
        .as_str()
        .expect("an asset")
        .to_owned()
}

async fn another_user_takes_the_name(stage: &Uploads, asset_id: &str) {
    let wanted = json!({"paramsToSign": {"public_id": "shop/cup"}, "filename": "cup.gif"});
    let signed = stage.post(&stage.other, wanted).await.ok();
    let signed = signed.as_object().expect("signed parameters");
    let sent = stage.send(signed, picture(2), "cup.gif").await.ok();
    assert_eq!(
        sent["asset_id"], asset_id,
        "the stand-in revives the old id"
    );
    eventually("the cup is the other user's", async || {
        let row = stage.rows("shop/cup").await.remove(0);
        row["deleted_at"].is_null() && row["uploaded_by"] == stage.other_id
    })
    .await;
}

async fn the_former_trail_is_for_administrators(stage: &Uploads, asset_id: &str) {
    let trail = async |token: &str| {
        let asked = json!({"p_asset_id": asset_id});
        let answer = stage.world.request("media_get", token, asked).await.ok();
        answer["audit"].as_array().expect("entries").clone()
    };
    let own = trail(&stage.other).await;
    assert!(!own.is_empty());
    let told = json!(own).to_string();
    assert!(
        !told.contains(WORDS) && !told.contains(&stage.world.user_id),
        "{told}"
    );
    let whole = trail(&stage.world.admin).await;
    assert!(whole.len() > own.len());
    assert!(json!(whole).to_string().contains(WORDS));
}
