//! Where users do not trust each other: everybody uploads below a prefix of their own.

use end_to_end::picture;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{PATH, Uploads};

#[tokio::test]
async fn users_upload_below_their_own_prefix_and_administrators_anywhere() {
    let stage = Uploads::start_with(json!({"prefix": "users/{user_id}"})).await;
    let own = format!("users/{}", stage.world.user_id);
    let rules = stage
        .world
        .call(Method::GET, PATH, Some(&stage.world.user), None);
    let rules = rules.await.body;
    assert_eq!(rules["limits"]["public_id_prefix"], format!("{own}/"));

    // Nobody gets out of it, whichever door they take.
    for (public_id, folder, code) in [
        ("logo", &*own, "outside_prefix"),
        (&format!("{own}-not/logo"), &own, "outside_prefix"),
        (&format!("{own}/../logo"), &own, "invalid_parameter"),
        (&format!("{own}/logo"), "brand", "outside_prefix"),
    ] {
        let refused = stage.sign(json!({"public_id": public_id, "folder": folder}));
        assert_eq!(refused.await.body["code"], code, "{public_id}");
        let fields = [("public_id", public_id), ("folder", folder)];
        let refused = stage.upload(picture(1), "logo.gif", &fields).await;
        assert_eq!(refused.body["code"], code, "{public_id}");
    }
    let rows = "select count(*) from public.media_assets";
    assert_eq!(stage.world.value(rows).await, 0);

    // What is not said is chosen within it.
    let asset = stage.upload(picture(1), "logo.gif", &[]).await;
    let asset = asset.body_with(StatusCode::CREATED);
    let public_id = asset["public_id"].as_str().unwrap();
    assert!(
        public_id.starts_with(&format!("{own}/logo-")),
        "{public_id}"
    );
    stage.assert_owned(public_id).await;
    let mug = json!({"public_id": format!("{own}/shop/mug")});
    let signed = stage.signed(mug).await;
    stage.send(&signed, picture(2), "mug.gif").await.ok();
    stage.assert_proven(&format!("{own}/shop/mug")).await;

    let anywhere = json!({"paramsToSign": {"public_id": "logo"}});
    let signed = stage.post(&stage.world.admin, anywhere).await;
    signed.assert_status(StatusCode::OK);
    stage.world.assert_mirrored().await;
    stage.world.stack.stop().await;
}
