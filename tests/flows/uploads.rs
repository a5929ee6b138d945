//! Uploads that begin here: signed for a browser, from a form, from an address; and what becomes of
//! those whose end nobody has seen.

use end_to_end::{Answer, World, eventually};
use local_stack::{Claims, Options};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Map, Value, json};

const PATH: &str = "/api/cloudinary/upload";

/// A picture of one pixel in this colour.
fn gif(colour: u8) -> Vec<u8> {
    const HEAD: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00";
    const TAIL: &[u8] = b"\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
    [HEAD, &[colour, colour, colour], TAIL].concat()
}

/// A stack, and a second ordinary user.
struct Uploads {
    world: World,
    http: Client,
    other: String,
}

impl Uploads {
    async fn start() -> Self {
        let rules = json!({
            "formats": ["gif", "png", "csv"], "max_bytes": 2_000_000,
            // The stand-in delivers from this machine, which has to be allowed by its very address.
            "remote_hosts": ["127.0.0.1:*", "localhost:*"], "remote_http": true,
        });
        let options = Options {
            config: [("UPLOAD_RULES".to_owned(), rules.to_string())].into(),
            ..Options::default()
        };
        let world = World::start_with(options).await;
        Self {
            other: world.stack.token(&Claims::user("other@example.com")),
            http: media_sync::config::http_client().expect("a client without special roots"),
            world,
        }
    }

    async fn post(&self, token: &str, body: Value) -> Answer {
        self.world
            .call(Method::POST, PATH, Some(token), Some(body))
            .await
    }

    /// Asks for a signature in the name of the user.
    async fn sign(&self, params: Value) -> Answer {
        let body = json!({"paramsToSign": params, "filename": "Blue mug.gif"});
        self.post(&self.world.user, body).await
    }

    async fn send_form(&self, url: String, token: Option<&str>, form: Form) -> (StatusCode, Value) {
        let mut request = self.http.post(url).multipart(form);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("the address answers");
        let status = response.status();
        (status, response.json().await.expect("JSON is answered"))
    }

    /// Sends a file to Cloudinary with what was signed, as a browser does.
    async fn send(
        &self,
        signed: &Map<String, Value>,
        file: Vec<u8>,
        name: &str,
    ) -> (StatusCode, Value) {
        let url = signed["upload"]["url"]
            .as_str()
            .expect("an address")
            .to_owned();
        let texts = signed.iter().filter(|(name, _)| *name != "upload");
        let form = texts.fold(Form::new(), |form, (name, value)| {
            form.text(name.clone(), value.as_str().expect("a text").to_owned())
        });
        let part = Part::bytes(file).file_name(name.to_owned());
        self.send_form(url, None, form.part("file", part)).await
    }

    /// Uploads a file through the API.
    async fn upload(
        &self,
        file: Vec<u8>,
        name: &str,
        fields: &[(&'static str, &str)],
    ) -> (StatusCode, Value) {
        let url = format!("{}{PATH}", self.world.stack.front_door_url());
        let form = fields.iter().fold(Form::new(), |form, (name, value)| {
            form.text(*name, (*value).to_owned())
        });
        let part = Part::bytes(file).file_name(name.to_owned());
        self.send_form(url, Some(&self.world.user), form.part("file", part))
            .await
    }

    /// The rows that show this public id, live ones and others.
    async fn rows(&self, public_id: &str) -> Vec<Value> {
        let sql =
            "select * from public.media_assets where cloudinary_public_id = $1 order by created_at";
        self.world.rows(sql, &[&public_id]).await
    }

    async fn assert_owned(&self, public_id: &str) {
        eventually("the row has its owner", async || {
            let rows = self.rows(public_id).await;
            rows.iter().any(|row| {
                row["sync_status"] == "synced" && row["uploaded_by"] == self.world.user_id
            })
        })
        .await;
        assert_eq!(self.rows(public_id).await.len(), 1);
    }

    /// As if the time of every upload were over, and the scheduler's had come.
    async fn drain_uploads(&self) {
        let due =
            "update public.media_uploads set open_until = now() where outcome is null returning id";
        self.world.rows(due, &[]).await;
        self.world.drain().await;
    }

    async fn outcome(&self, upload_id: &Value) -> Value {
        let sql = format!(
            "select outcome from public.media_uploads where id = '{}'",
            upload_id.as_str().expect("an id")
        );
        self.world.value(&sql).await
    }

    async fn audited(&self, operation: &str) -> i64 {
        let sql = format!(
            "select count(*) from public.media_sync_log where operation = '{operation}' and actor = '{}'",
            self.world.user_id
        );
        self.world.value(&sql).await.as_i64().expect("a count")
    }
}

fn object(answer: Answer) -> Map<String, Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let Value::Object(signed) = answer.body else {
        panic!("an object is answered");
    };
    signed
}

#[tokio::test]
async fn a_signed_upload_belongs_to_who_asked_for_it_and_is_bound_to_what_was_signed() {
    let stage = Uploads::start().await;
    let world = &stage.world;
    let rules = world.get(PATH).await;
    assert_eq!(
        rules.body["limits"]["formats"],
        json!(["csv", "gif", "png"])
    );
    assert_eq!(rules.body["signing"]["valid_seconds"], 600);
    let stranger = world.call(Method::GET, PATH, None, None).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);

    let wanted = json!({"source": "uw", "tags": "fresh,blue", "folder": "shop", "timestamp": 1});
    let signed = object(stage.sign(wanted).await);
    let public_id = signed["public_id"].as_str().unwrap().to_owned();
    assert!(public_id.starts_with("shop/Blue_mug-"), "{public_id}");

    // Whatever the browser changes, Cloudinary notices.
    for (name, value) in [
        ("tags", "stale"),
        ("public_id", "else"),
        ("overwrite", "1"),
        ("eval", "x"),
    ] {
        let mut tampered = signed.clone();
        tampered.insert(name.to_owned(), json!(value));
        let (status, body) = stage.send(&tampered, gif(1), "mug.gif").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{name}: {body}");
    }
    let (status, body) = stage.send(&signed, b"plain text".to_vec(), "mug.txt").await;
    assert_eq!(
        status,
        StatusCode::BAD_REQUEST,
        "another format was signed: {body}"
    );

    let (status, asset) = stage.send(&signed, gif(1), "mug.gif").await;
    assert_eq!(status, StatusCode::OK, "{asset}");
    assert_eq!(asset["public_id"], public_id.as_str());
    stage.assert_owned(&public_id).await;
    let row = stage.rows(&public_id).await.remove(0);
    assert_eq!(
        (&row["folder"], &row["tags"]),
        (&json!("shop"), &json!(["fresh", "blue"]))
    );
    assert_eq!(stage.outcome(&signed["upload"]["id"]).await, "stored");
    assert_eq!(stage.audited("upload_signed").await, 1);
    assert_eq!(stage.audited("created").await, 1);

    // The signature used again replaces nothing.
    let (status, again) = stage.send(&signed, gif(2), "mug.gif").await;
    assert_eq!((status, &again["existing"]), (StatusCode::OK, &json!(true)));

    // A name that is there is refused, unless its owner wants to replace it.
    let named = |overwrite: bool| json!({"public_id": public_id, "overwrite": overwrite});
    let taken = stage.sign(named(false)).await;
    assert_eq!(
        (taken.status, &taken.body["code"]),
        (StatusCode::CONFLICT, &json!("public_id_taken"))
    );
    let foreign = stage
        .post(&stage.other, json!({"paramsToSign": named(true)}))
        .await;
    assert_eq!(
        (foreign.status, &foreign.body["code"]),
        (StatusCode::FORBIDDEN, &json!("not_yours"))
    );
    let replacing = object(stage.sign(named(true)).await);
    assert_eq!(replacing["overwrite"], "1");
    let (status, newer) = stage.send(&replacing, gif(3), "mug.gif").await;
    assert_eq!(
        (status, &newer["overwritten"]),
        (StatusCode::OK, &json!(true))
    );
    assert_eq!(newer["asset_id"], asset["asset_id"]);
    eventually("the row has the newer content", async || {
        stage.rows(&public_id).await[0]["cloudinary_etag"] == newer["etag"]
    })
    .await;

    // Somebody else's name is kept for them as long as their signature is good.
    let reserved = object(stage.sign(json!({"public_id": "shop/jar"})).await);
    let late = stage
        .post(
            &stage.other,
            json!({"paramsToSign": {"public_id": "shop/jar"}}),
        )
        .await;
    assert_eq!(
        (late.status, &late.body["code"]),
        (StatusCode::CONFLICT, &json!("public_id_reserved"))
    );

    // What nobody began here has no owner, and an old name's asset has its new one.
    let console = world.cloud.upload("shop/pot", 9).await;
    world
        .row_becomes("the pot is there", &console, |row| {
            row["uploaded_by"].is_null()
        })
        .await;
    world.cloud.destroy(&console).await;
    world
        .row_becomes("the pot is gone", &console, |row| {
            !row["deleted_at"].is_null()
        })
        .await;
    let back = object(stage.sign(json!({"public_id": "shop/pot"})).await);
    let (_, pot) = stage.send(&back, gif(10), "pot.gif").await;
    assert_eq!(
        pot["asset_id"],
        json!(console.asset_id),
        "the stand-in revives the old id"
    );
    stage.assert_owned("shop/pot").await;
    let (_, jar) = stage.send(&reserved, gif(11), "jar.gif").await;
    assert_eq!(jar["public_id"], "shop/jar");
    stage.assert_owned("shop/jar").await;

    for (params, parameter) in [
        (
            json!({"notification_url": "https://evil.test"}),
            "notification_url",
        ),
        (json!({"eval": "upload_options['tags'] = 'x'"}), "eval"),
        (json!({"type": "private"}), "type"),
        (json!({"source": "api"}), "source"),
        (json!({"public_id": "a//b"}), "public_id"),
    ] {
        let refused = stage.sign(params).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
        assert_eq!(refused.body["parameter"], parameter);
    }
    world.assert_mirrored().await;
    stage.world.stack.stop().await;
}

#[tokio::test]
async fn what_a_function_uploads_is_mirrored_at_once_and_ends_as_one_row_or_none() {
    let stage = Uploads::start().await;
    let world = &stage.world;

    // From a form, answered with its row.
    let fields = [
        ("folder", "shop"),
        ("tags", "a,b"),
        ("context", r#"{"alt": "A = mug"}"#),
    ];
    let (status, answer) = stage.upload(gif(1), "Blue mug.gif", &fields).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let item = &answer["item"];
    assert_eq!(
        (&item["sync_status"], &item["uploaded_by"]),
        (&json!("synced"), &json!(world.user_id))
    );
    assert_eq!(
        (&item["context"]["alt"], &item["tags"]),
        (&json!("A = mug"), &json!(["a", "b"]))
    );
    assert_eq!(
        (&item["id"], &item["file_size"]),
        (&answer["upload_id"], &json!(gif(1).len()))
    );
    let mug = answer["public_id"].as_str().unwrap().to_owned();
    world.assert_mirrored().await;
    stage.assert_owned(&mug).await;
    assert_eq!(stage.audited("upload_requested").await, 1);

    // From an address: the stand-in's own delivery.
    let source = item["secure_url"].as_str().unwrap();
    let remote = stage
        .post(
            &world.user,
            json!({"url": source, "public_id": "shop/copy", "resource_type": "image"}),
        )
        .await;
    assert_eq!(remote.status, StatusCode::CREATED, "{}", remote.body);
    assert_eq!(
        remote.body["item"]["cloudinary_etag"],
        item["cloudinary_etag"]
    );
    let nowhere = source.replace(&mug, "shop/never-was");
    let port = |host: &str| source.replace("127.0.0.1", host);
    for (url, status, code) in [
        (nowhere, StatusCode::UNPROCESSABLE_ENTITY, "file_refused"),
        (
            port("localhost"),
            StatusCode::UNPROCESSABLE_ENTITY,
            "address_refused",
        ),
        (
            port("127.0.0.2"),
            StatusCode::UNPROCESSABLE_ENTITY,
            "address_refused",
        ),
        (
            "http://169.254.169.254/latest/a.png".to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "address_refused",
        ),
        (
            "data:image/gif;base64,AAAA".to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "address_refused",
        ),
        (
            source.replace(".gif", ".exe"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "format_not_allowed",
        ),
    ] {
        let refused = stage
            .post(&world.user, json!({"url": url, "resource_type": "image"}))
            .await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (status, &json!(code)),
            "{url} {}",
            refused.body
        );
    }

    // Files that are not what they should be.
    for (file, name, status, code) in [
        (
            b"MZ\x90\0".to_vec(),
            "mug.gif",
            StatusCode::UNPROCESSABLE_ENTITY,
            "content_mismatch",
        ),
        (
            b"%PDF-1.7 ...".to_vec(),
            "a.pdf",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "format_not_allowed",
        ),
        (
            vec![b'1'; 2_000_001],
            "a.csv",
            StatusCode::PAYLOAD_TOO_LARGE,
            "file_too_large",
        ),
        (gif(2), "mug.gif", StatusCode::CONFLICT, "public_id_taken"),
    ] {
        let (answered, refused) = stage
            .upload(file, name, &[("public_id", "shop/copy")])
            .await;
        assert_eq!(
            (answered, &refused["code"]),
            (status, &json!(code)),
            "{name} {refused}"
        );
    }
    let (status, raw) = stage
        .upload(b"a,b\n1,2\n".to_vec(), "prices.csv", &[])
        .await;
    assert_eq!(status, StatusCode::CREATED, "{raw}");
    assert_eq!(raw["item"]["resource_type"], "raw");
    assert!(
        raw["public_id"].as_str().unwrap().ends_with(".csv"),
        "{raw}"
    );
    world.assert_mirrored().await;

    // From here on Cloudinary tells nothing by itself.
    world.cloud.chaos(json!({"seed": 1, "drop": 1.0})).await;

    // The answer is lost after the effect: the row waits, and the drain finds its asset.
    world
        .cloud
        .fault(json!({"operation": "upload", "times": 1, "drop_connection": "after"}))
        .await;
    let (status, answer) = stage
        .upload(gif(5), "mug.gif", &[("public_id", "shop/lost-answer")])
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let waiting = stage.rows("shop/lost-answer").await.remove(0);
    assert_eq!(
        (&waiting["sync_status"], &waiting["cloudinary_asset_id"]),
        (&json!("pending"), &Value::Null)
    );
    let which = format!("id=eq.{}", waiting["id"].as_str().unwrap());
    for edit in [json!({"tags": ["x"]}), json!({"deleted_at": "now"})] {
        let refused = world.write(&which, &world.user, edit).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    }
    let twice = stage
        .upload(gif(6), "mug.gif", &[("public_id", "shop/lost-answer")])
        .await;
    assert_eq!(
        (twice.0, &twice.1["code"]),
        (StatusCode::CONFLICT, &json!("public_id_reserved"))
    );
    world.drain().await;
    assert_eq!(
        stage.rows("shop/lost-answer").await.len(),
        1,
        "its time is not over"
    );
    stage.drain_uploads().await;
    stage.assert_owned("shop/lost-answer").await;
    assert_eq!(stage.rows("shop/lost-answer").await[0]["id"], waiting["id"]);
    assert_eq!(stage.outcome(&answer["upload_id"]).await, "stored");

    // It is lost before the effect: nothing is there, and no row stays.
    world
        .cloud
        .fault(json!({"operation": "upload", "times": 1, "drop_connection": "before"}))
        .await;
    let (status, answer) = stage
        .upload(gif(7), "mug.gif", &[("public_id", "shop/lost-file")])
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    stage.drain_uploads().await;
    assert_eq!(stage.rows("shop/lost-file").await, Vec::<Value>::new());
    assert_eq!(stage.outcome(&answer["upload_id"]).await, "lost");
    assert_eq!(
        stage.audited("upload_failed").await,
        2,
        "this one, and the address that was not there"
    );

    // The name is an asset's of which nothing is known here: it stays what it is, and is known now.
    let unknown = world.cloud.upload("shop/unknown", 8).await;
    let (status, refused) = stage
        .upload(gif(9), "mug.gif", &[("public_id", "shop/unknown")])
        .await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::CONFLICT, &json!("public_id_taken"))
    );
    let row = world.row(&unknown).await.expect("it was met");
    assert_eq!(
        (&row["uploaded_by"], &row["sync_status"]),
        (&Value::Null, &json!("synced"))
    );

    // An asset that comes back by its name keeps its row.
    let old = world.cloud.upload("shop/phoenix", 10).await;
    assert_eq!(
        world
            .sync(json!({"public_ids": ["shop/phoenix"]}))
            .await
            .status,
        StatusCode::OK
    );
    let before = world.row(&old).await.expect("it was looked at");
    world.cloud.destroy(&old).await;
    assert_eq!(
        world
            .sync(json!({"public_ids": ["shop/phoenix"]}))
            .await
            .status,
        StatusCode::OK
    );
    let (status, back) = stage
        .upload(gif(11), "mug.gif", &[("public_id", "shop/phoenix")])
        .await;
    assert_eq!(status, StatusCode::CREATED, "{back}");
    assert_eq!(back["item"]["id"], before["id"]);
    stage.assert_owned("shop/phoenix").await;

    // Cloudinary has another asset under the name of one that waits: that one has lost it.
    world
        .cloud
        .fault(json!({"operation": "upload", "times": 1, "drop_connection": "before"}))
        .await;
    let (status, answer) = stage
        .upload(gif(12), "mug.gif", &[("public_id", "shop/contested")])
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    world.cloud.rename("shop/phoenix", "shop/contested").await;
    // A look counts as early as the second in which it began, and so may not outweigh at once what was
    // uploaded within that second.
    eventually("the name is the other asset's", async || {
        let named = json!({"public_ids": ["shop/contested", "shop/phoenix"]});
        assert_eq!(world.sync(named).await.status, StatusCode::OK);
        let rows = stage.rows("shop/contested").await;
        rows.len() == 1 && rows[0]["id"] == before["id"]
    })
    .await;
    assert_eq!(stage.outcome(&answer["upload_id"]).await, "refused");

    world.assert_mirrored().await;
    let sql = "select count(*) from public.media_assets where cloudinary_asset_id is null";
    assert_eq!(world.value(sql).await, json!(0));
    stage.world.stack.stop().await;
}

#[tokio::test]
async fn a_notification_that_overtakes_the_answer_finds_the_row_that_waits() {
    let stage = Uploads::start().await;
    let world = &stage.world;
    world
        .cloud
        .fault(json!({"operation": "upload", "times": 1, "drop_connection": "after"}))
        .await;
    let (status, answer) = stage
        .upload(gif(1), "mug.gif", &[("public_id", "shop/mug")])
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    stage.assert_owned("shop/mug").await;
    assert_eq!(stage.rows("shop/mug").await[0]["id"], answer["upload_id"]);

    // A run that walks past a waiting row lets it wait.
    world
        .cloud
        .fault(json!({"operation": "upload", "times": 1, "drop_connection": "before"}))
        .await;
    let (status, _) = stage
        .upload(gif(2), "jar.gif", &[("public_id", "shop/jar")])
        .await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let run = world.sync(json!({"mode": "full"})).await;
    assert_eq!(run.body["status"], "succeeded", "{}", run.body);
    assert_eq!(stage.rows("shop/jar").await.len(), 1);
    // A console's upload of that name is taken for it: the name was kept for the user.
    world.cloud.upload("shop/jar", 3).await;
    stage.assert_owned("shop/jar").await;

    // However a call fails, and whether or not Cloudinary's notification comes: one row and one
    // asset, or neither.
    let failures = [
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
    ];
    for drop in [0.0, 1.0] {
        world.cloud.chaos(json!({"seed": 1, "drop": drop})).await;
        for (number, (fault, expected, _)) in failures.iter().enumerate() {
            if !fault.is_null() {
                let mut fault = fault.clone();
                fault["operation"] = json!("upload");
                fault["times"] = json!(1);
                world.cloud.fault(fault).await;
            }
            let public_id = format!("failing/{drop}-{number}");
            let colour = 100 + u8::try_from(number).expect("few");
            let (status, answer) = stage
                .upload(gif(colour), "a.gif", &[("public_id", &public_id)])
                .await;
            // A refusal that is sent before the file was read may end the connection before it is heard.
            let unheard = !fault.is_null() && status == StatusCode::ACCEPTED;
            assert!(status == *expected || unheard, "{fault} {status} {answer}");
        }
    }
    world.cloud.quiet().await;
    stage.drain_uploads().await;
    for drop in [0.0, 1.0] {
        for (number, (fault, _, rows)) in failures.iter().enumerate() {
            let found = stage.rows(&format!("failing/{drop}-{number}")).await;
            assert_eq!(found.len(), *rows, "{fault} {found:?}");
            let is_owned = |row: &Value| row["uploaded_by"] == world.user_id;
            assert!(found.iter().all(is_owned), "{fault} {found:?}");
        }
    }
    world.assert_mirrored().await;
    stage.world.stack.stop().await;
}
