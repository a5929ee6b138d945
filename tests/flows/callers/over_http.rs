//! The API says what is wrong with a caller, and what to do.

use end_to_end::{HttpAnswer, World};
use local_stack::{StackOptions, TokenClaims};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const MEDIA: &str = "/api/cloudinary/media";
const UPLOAD: &str = "/api/cloudinary/upload";
const SYNC: &str = "/api/cloudinary/sync";
const AUDIT: &str = "/api/cloudinary/audit";
const HEALTH: &str = "/api/cloudinary/health";

#[tokio::test]
async fn the_api_refuses_anonymous_users_and_administrators_without_a_second_factor() {
    let rules = json!({"admin_aal": "aal2"});
    let world = World::start_with(StackOptions {
        settings: [("ACCESS_RULES".to_owned(), rules)].into(),
        ..StackOptions::default()
    })
    .await;
    anonymous_users_are_told_so(&world).await;
    administrators_are_told_so(&world).await;
    services_are_no_users(&world).await;
    every_user_hears_whether_it_lives(&world).await;
    world.stack.stop().await;
}

async fn anonymous_users_are_told_so(world: &World) {
    let token = world.stack.token(&TokenClaims::anonymous());
    let ids = json!({"asset_ids": ["0".repeat(32)]});
    let asset = format!("{MEDIA}/{}", "0".repeat(32));
    for (method, path, body) in [
        (Method::GET, MEDIA, None),
        (Method::GET, &asset, None),
        (
            Method::PATCH,
            MEDIA,
            Some(json!({"asset_id": "0".repeat(32), "tags": []})),
        ),
        (Method::DELETE, MEDIA, Some(ids.clone())),
        (Method::POST, "/api/cloudinary/media/restore", Some(ids)),
        (Method::GET, UPLOAD, None),
        (Method::POST, UPLOAD, Some(json!({"paramsToSign": {}}))),
        (Method::GET, SYNC, None),
        (Method::POST, SYNC, None),
        (Method::GET, AUDIT, None),
        (Method::GET, &format!("{HEALTH}?probe=cloudinary"), None),
    ] {
        let refused = world.call(method, path, Some(&token), body).await;
        refused.assert_refused(StatusCode::FORBIDDEN, "anonymous_user");
    }
}

async fn administrators_are_told_so(world: &World) {
    let claims = TokenClaims::admin("admin@example.com");
    let (plain, assured) = (
        world.stack.token(&claims),
        world.stack.token(&claims.assured()),
    );
    let sync = async |token: &str, body: Value| -> HttpAnswer {
        world
            .call(Method::POST, SYNC, Some(token), Some(body))
            .await
    };
    for body in [json!({"force": true}), json!({"allow_mass_delete": true})] {
        let refused = sync(&plain, body.clone()).await;
        refused.assert_refused(StatusCode::FORBIDDEN, "assurance_wanted");
        sync(&assured, body).await.assert_status(StatusCode::OK);
    }
    sync(&plain, json!({})).await.assert_status(StatusCode::OK);
    let audit = world.call(Method::GET, AUDIT, Some(&plain), None).await;
    audit.assert_refused(StatusCode::FORBIDDEN, "assurance_wanted");
    let audit = world.call(Method::GET, AUDIT, Some(&assured), None).await;
    audit.assert_status(StatusCode::OK);
}

/// As those do who send no token.
async fn every_user_hears_whether_it_lives(world: &World) {
    let nobody = world.call(Method::GET, HEALTH, None, None).await.ok();
    let anonymous = world.stack.token(&TokenClaims::anonymous());
    for user in [&world.user, &anonymous] {
        let told = world.call(Method::GET, HEALTH, Some(user), None).await.ok();
        assert_eq!(told, nobody);
    }
    let user = Some(world.user.as_str());
    let probe = format!("{HEALTH}?probe=cloudinary");
    let refused = world.call(Method::GET, &probe, user, None).await;
    refused.assert_refused(StatusCode::FORBIDDEN, "forbidden");
}

async fn services_are_no_users(world: &World) {
    let claims = TokenClaims {
        role: "service_role".to_owned(),
        ..TokenClaims::admin("admin@example.com")
    };
    let token = world.stack.token(&claims);
    for path in [MEDIA, UPLOAD, SYNC, AUDIT, HEALTH] {
        let refused = world.call(Method::GET, path, Some(&token), None).await;
        refused.assert_refused(StatusCode::UNAUTHORIZED, "token_role");
    }
}
