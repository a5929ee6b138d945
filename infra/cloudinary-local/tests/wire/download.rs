//! Files handed out by the API for signed parameters, and the same parameters sent elsewhere.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::support::{Local, PIXEL, local, signed};

type Form = Vec<(String, String)>;

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// A server with one private asset.
async fn with_private_asset() -> Local {
    let server = local(json!({})).await;
    server.pixel("plan", json!({"type": "private"})).await;
    server
}

fn parameters(changes: Value) -> Value {
    let mut all = json!({"public_id": "plan", "type": "private", "format": "png"});
    all.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    all
}

async fn fetch(server: &Local, form: &Form) -> (u16, String, Vec<u8>) {
    let url = format!("{}/v1_1/demo/image/download", server.url);
    let answer = server.http.get(url).query(form).send().await.unwrap();
    let kind = answer.headers().get("content-type");
    let kind = kind.map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let status = answer.status().as_u16();
    (status, kind, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn signed_parameters_open_the_stored_file_until_they_expire() {
    let server = with_private_asset().await;
    let fresh = signed(parameters(json!({})), now());
    let (status, kind, bytes) = fetch(&server, &fresh).await;
    assert_eq!((status, kind.as_str()), (200, "image/png"));
    assert!(bytes.starts_with(b"\x89PNG"));

    let stale = now() - 7200;
    assert_eq!(
        fetch(&server, &signed(parameters(json!({})), stale))
            .await
            .0,
        400
    );
    for (ends, status) in [(now() + 600, 200), (now() - 1, 400)] {
        let form = signed(parameters(json!({"expires_at": ends.to_string()})), stale);
        assert_eq!(fetch(&server, &form).await.0, status, "{ends}");
    }
    // A short end counts although the timestamp is fresh.
    let ended = json!({"expires_at": (now() - 1).to_string()});
    assert_eq!(
        fetch(&server, &signed(parameters(ended), now())).await.0,
        400
    );
}

#[tokio::test]
async fn nothing_of_a_signed_address_may_be_changed() {
    let server = with_private_asset().await;
    server.pixel("other", json!({"type": "private"})).await;
    let ends = json!({"expires_at": (now() + 600).to_string()});
    let form = signed(parameters(ends), now() - 7200);
    for (name, value) in [
        ("public_id", "other"),
        ("type", "authenticated"),
        ("expires_at", "9999999999"),
        ("attachment", "true"),
        ("signature", "0000000000000000000000000000000000000000"),
    ] {
        let mut changed = form.clone();
        changed.retain(|(known, _)| known != name);
        changed.push((name.to_owned(), value.to_owned()));
        assert_eq!(fetch(&server, &changed).await.0, 401, "{name}");
    }
    let unknown = signed(parameters(json!({"public_id": "none"})), now());
    assert_eq!(fetch(&server, &unknown).await.0, 404);
    let converted = signed(parameters(json!({"format": "jpg"})), now());
    assert_eq!(fetch(&server, &converted).await.0, 400);
}

/// The calls that an address's parameters fit, or nearly do.
async fn replay(server: &Local, form: &Form) -> Vec<(&'static str, u16)> {
    let and = |more: &[(&str, &str)]| {
        let mut form = form.clone();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        form.extend(more.iter().map(owned));
        form
    };
    let names = [("from_public_id", "plan"), ("to_public_id", "taken")];
    let mut answers = Vec::new();
    for (call, form) in [
        ("explicit", and(&[])),
        ("upload", and(&[("file", PIXEL)])),
        ("rename", and(&names)),
        ("destroy", and(&[])),
    ] {
        let answer = server.form(&format!("image/{call}"), &form).await;
        answers.push((call, answer.status));
    }
    answers
}

#[tokio::test]
async fn an_address_of_a_stale_timestamp_serves_for_no_other_call() {
    let server = with_private_asset().await;
    let before = server.get("resources/image/private/plan").await;
    let ends = json!({"expires_at": (now() + 600).to_string()});

    let stale = signed(parameters(ends.clone()), now() - 7200);
    let refused = [
        ("explicit", 400),
        ("upload", 400),
        ("rename", 401),
        ("destroy", 400),
    ];
    assert_eq!(replay(&server, &stale).await, refused);
    assert_eq!(server.get("resources/image/private/plan").await, before);

    // The reason: a signature names no endpoint. Fresh parameters overwrite the file, and delete it.
    let fresh = signed(parameters(ends), now());
    let obeyed = [
        ("explicit", 200),
        ("upload", 200),
        ("rename", 401),
        ("destroy", 200),
    ];
    assert_eq!(replay(&server, &fresh).await, obeyed);
}
