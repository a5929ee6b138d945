//! Failures of Cloudinary, each with and without a notification.

use end_to_end::picture;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Uploads;

/// A failure, the answer that is expected, and the rows in the end.
type Failure = (Value, StatusCode, usize);

fn failures() -> [Failure; 6] {
    [
        (Value::Null, StatusCode::CREATED, 1),
        (json!({"drop_connection": "after"}), StatusCode::ACCEPTED, 1),
        (
            json!({"drop_connection": "before"}),
            StatusCode::ACCEPTED,
            0,
        ),
        (json!({"status": 503}), StatusCode::ACCEPTED, 0),
        (json!({"status": 400}), StatusCode::UNPROCESSABLE_ENTITY, 0),
        (json!({"status": 401}), StatusCode::INTERNAL_SERVER_ERROR, 0),
    ]
}

/// Without and with the loss of every notification.
const DROPS: [f64; 2] = [0.0, 1.0];

fn public_id(drop: f64, number: u8) -> String {
    format!("failing/{drop}-{number}")
}

pub(super) async fn however_a_call_fails_there_is_one_row_or_none(stage: &Uploads) {
    for drop in DROPS {
        let chaos = json!({"seed": 1, "drop": drop});
        stage.world.cloud.chaos(chaos).await;
        for (number, failure) in (0..).zip(failures()) {
            upload_with(stage, &public_id(drop, number), number, failure).await;
        }
    }
    stage.world.cloud.quiet().await;
    stage.drain_uploads().await;
    for drop in DROPS {
        for (number, failure) in (0..).zip(failures()) {
            assert_rows(stage, &public_id(drop, number), failure).await;
        }
    }
}

async fn upload_with(stage: &Uploads, name: &str, number: u8, (fault, expected, _): Failure) {
    if !fault.is_null() {
        stage.fault(fault.clone()).await;
    }
    let fields = [("public_id", name)];
    let answer = stage.upload(picture(100 + number), "a.gif", &fields).await;
    let (status, body) = (answer.status, answer.body);
    // A refusal that is sent before the file was read may end the connection before it is heard.
    let unheard = !fault.is_null() && status == StatusCode::ACCEPTED;
    assert!(status == expected || unheard, "{fault} {status} {body}");
}

async fn assert_rows(stage: &Uploads, name: &str, (fault, _, rows): Failure) {
    let found = stage.rows(name).await;
    assert_eq!(found.len(), rows, "{fault} {found:?}");
    let is_owned = |row: &Value| row["uploaded_by"] == stage.world.user_id;
    assert!(found.iter().all(is_owned), "{fault} {found:?}");
}
