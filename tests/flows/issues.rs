//! Failures are one issue for each cause: it is found, marked, and tried again as a whole.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use end_to_end::World;
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const ISSUES: &str = "/api/cloudinary/issues";
const REFUSED_RENAME: &str = "edit:cloudinary_bad_request";
const FAILING_DELETE: &str = "delete:cloudinary_server";

#[tokio::test]
async fn failures_are_told_by_their_cause_and_tried_again_together() {
    let world = World::start().await;
    let mugs = [
        world.mirrored("mug-1", 1).await,
        world.mirrored("mug-2", 2).await,
        world.mirrored("mug-3", 3).await,
    ];
    assert_eq!(
        issues(&world).await,
        json!({ "items": [], "complete": true })
    );
    two_renames_are_refused_and_a_delete_fails(&world, &mugs).await;
    each_cause_is_one_issue(&world, &mugs).await;
    a_mark_stays_until_it_is_taken_back(&world).await;
    others_hear_nothing(&world).await;

    world.cloud.clear_faults().await;
    let retried = post(&world, &format!("{ISSUES}/{REFUSED_RENAME}/retry")).await;
    assert_eq!(retried, json!({ "retried": 2, "remaining": 0 }));
    post(&world, &format!("{ISSUES}/{FAILING_DELETE}/retry")).await;
    world.drain().await;
    world.settle().await;
    assert_eq!(issues(&world).await["items"], json!([]));
    world.assert_mirrored().await;
    let path = "/api/cloudinary/audit?operation=retry_requested";
    let entries = get(&world, path).await;
    assert_eq!(entries["items"].as_array().map(Vec::len), Some(3));

    // The mark has ended with its issue.
    let path = format!("{ISSUES}/{REFUSED_RENAME}");
    let answer = patch(&world, &path, "acknowledged").await;
    answer.assert_status(StatusCode::NOT_FOUND);
    world.stack.stop().await;
}

async fn two_renames_are_refused_and_a_delete_fails(world: &World, mugs: &[CloudinaryResource; 3]) {
    let words = json!({ "error": { "message": "not now" } });
    let refusal = json!({ "operation": "rename", "status": 400, "body": words });
    world.cloud.fault(refusal).await;
    let outage = json!({ "operation": "*destroy", "status": 503 });
    world.cloud.fault(outage).await;
    for (mug, name) in mugs.iter().zip(["cup-1", "cup-2"]) {
        let edit = json!({ "cloudinary_public_id": name });
        world.edit(mug, &world.admin, edit).await;
    }
    let path = "/api/cloudinary/media?public_ids=mug-3";
    let admin = Some(world.admin.as_str());
    world.call(Method::DELETE, path, admin, None).await;
    world.drain().await;
    for mug in mugs {
        let fails = |row: &Value| !row["sync_error_code"].is_null();
        world.row_becomes("it fails", mug, fails).await;
    }
}

async fn each_cause_is_one_issue(world: &World, mugs: &[CloudinaryResource; 3]) {
    let told = issues(world).await;
    assert_eq!(told["complete"], true);
    let [renames, delete] = told["items"].as_array().unwrap().as_slice() else {
        panic!("two issues: {told:#}");
    };
    assert_eq!(
        (&renames["id"], &delete["id"]),
        (&json!(REFUSED_RENAME), &json!(FAILING_DELETE))
    );
    assert_eq!(
        (&renames["assets"], &renames["refused"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(
        (&delete["assets"], &delete["refused"]),
        (&json!(1), &json!(0))
    );
    assert!(renames["next_attempt_at"].is_null() && delete["next_attempt_at"].is_string());
    assert!(
        renames["message"].as_str().unwrap().contains("not now"),
        "{renames:#}"
    );
    assert!(
        delete["advice"]
            .as_str()
            .unwrap()
            .contains("passes by itself"),
        "{delete:#}"
    );
    let id = end_to_end::id_of(&mugs[0]).to_string();
    assert_eq!(renames["examples"][0]["asset_id"], id);
    assert_eq!(renames["examples"].as_array().map(Vec::len), Some(2));
    assert!(renames["first_seen"].as_str() <= renames["last_seen"].as_str());
}

async fn a_mark_stays_until_it_is_taken_back(world: &World) {
    let path = format!("{ISSUES}/{REFUSED_RENAME}");
    for state in ["acknowledged", "ignored", "open"] {
        let answer = patch(world, &path, state).await;
        answer.assert_status(StatusCode::OK);
        assert_eq!(answer.body["state"], state);
        assert_eq!(answer.body["marked_by"].is_null(), state == "open");
        assert_eq!(issues(world).await["items"][0], answer.body);
    }
    let unknown = patch(world, &format!("{ISSUES}/edit:nothing"), "ignored").await;
    unknown.assert_status(StatusCode::NOT_FOUND);
    let nonsense = patch(world, &path, "solved").await;
    nonsense.assert_status(StatusCode::BAD_REQUEST);
}

async fn others_hear_nothing(world: &World) {
    for token in [None, Some(world.user.as_str())] {
        let answer = world.call(Method::GET, ISSUES, token, None).await;
        let expected = match token {
            None => StatusCode::UNAUTHORIZED,
            Some(_) => StatusCode::FORBIDDEN,
        };
        answer.assert_status(expected);
    }
    for function in ["media_issues", "media_mark_issue", "media_retry_issue"] {
        let arguments = match function {
            "media_issues" => json!({}),
            "media_mark_issue" => json!({ "p_issue": REFUSED_RENAME, "p_state": "ignored" }),
            _ => json!({ "p_issue": REFUSED_RENAME }),
        };
        let answer = world.request(function, &world.user, arguments).await;
        answer.assert_status(StatusCode::FORBIDDEN);
    }
}

async fn get(world: &World, path: &str) -> Value {
    let admin = Some(world.admin.as_str());
    let answer = world.call(Method::GET, path, admin, None).await;
    answer.assert_status(StatusCode::OK);
    answer.body
}

async fn issues(world: &World) -> Value {
    get(world, ISSUES).await
}

async fn patch(world: &World, path: &str, state: &str) -> end_to_end::HttpAnswer {
    let body = json!({ "state": state });
    let admin = Some(world.admin.as_str());
    world.call(Method::PATCH, path, admin, Some(body)).await
}

async fn post(world: &World, path: &str) -> Value {
    let admin = Some(world.admin.as_str());
    let answer = world.call(Method::POST, path, admin, None).await;
    answer.assert_status(StatusCode::OK);
    answer.body
}
