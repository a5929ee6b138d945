//! A change that the project's own trigger or constraint refuses is the caller's to mend, and its words are told.

use end_to_end::{DataApiCaller, HttpAnswer, World, database, id_of};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode, multipart};
use serde_json::{Value, json};

const MEDIA: &str = "/api/cloudinary/media";

/// The words of the company's rule.
const WORDS: &str = "this jar is under a legal hold";

#[tokio::test]
async fn a_change_that_a_rule_of_the_project_refuses_is_answered_with_its_words() {
    let world = World::start().await;
    let jar = world.mirrored("shop/jar", 1).await;
    let cup = world.mirrored("shop/cup", 2).await;
    for asset in [&jar, &cup] {
        world.give(asset, &world.user_id).await;
    }
    for code in [
        "P0001", "23514", "SHOP1", "42501", "PT402", "PT403", "PT415", "22023",
    ] {
        hold_jars(&world, "before update", code).await;
        requests_about_one_asset_are_refused(&world, &jar).await;
        a_list_tells_what_failed(&world, &jar, &cup).await;
    }
    what_a_rule_says_of_the_moment_stays_a_conflict(&world, &jar).await;
    a_deferred_rule_refuses_the_whole_request(&world, &jar).await;
    a_restore_is_refused(&world, &cup).await;
    an_upload_is_not_begun(&world).await;
    lift(&world).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// A rule of a company's about jars: when it looks, and the SQLSTATE that it raises.
async fn hold_jars(world: &World, when: &str, code: &str) {
    let (constraint, deferred) = match when.starts_with("after") {
        true => ("constraint", "deferrable initially deferred"),
        false => ("", ""),
    };
    let rule = format!(
        "create or replace function public.hold_jars() returns trigger language plpgsql as $$
        begin
            if new.cloudinary_public_id like '%jar%' and auth.uid() is not null or new.cloudinary_public_id like '%jar-2%'
            then
                raise exception '{WORDS}' using errcode = '{code}', detail = 'page 7';
            end if;
            return new;
        end $$;
        drop trigger if exists hold_jars on public.media_assets;
        create {constraint} trigger hold_jars {when} on public.media_assets {deferred}
            for each row execute function public.hold_jars()"
    );
    run(world, &rule).await;
}

async fn lift(world: &World) {
    run(world, "drop trigger hold_jars on public.media_assets").await;
}

async fn run(world: &World, sql: &str) {
    let client = end_to_end::connect(world.stack.database_url()).await;
    client.batch_execute(sql).await.expect("a rule");
}

fn assert_told(answer: &HttpAnswer) {
    answer.assert_refused(StatusCode::UNPROCESSABLE_ENTITY, "rule_refused");
    assert_eq!(answer.body["detail"], "This jar is under a legal hold.");
    assert!(!answer.body.to_string().contains("page 7"));
}

async fn requests_about_one_asset_are_refused(world: &World, jar: &CloudinaryResource) {
    let path = format!("{MEDIA}/{}", id_of(jar));
    for (method, body) in [
        (Method::PATCH, Some(json!({"description": "New"}))),
        (Method::PATCH, Some(json!({"tags": ["new"]}))),
        (Method::DELETE, None),
    ] {
        let answer = world.call(method, &path, Some(&world.user), body).await;
        assert_told(&answer);
    }
}

async fn a_list_tells_what_failed(
    world: &World,
    jar: &CloudinaryResource,
    cup: &CloudinaryResource,
) {
    let item = |asset| json!({"asset_id": id_of(asset), "add_tags": ["spring"]});
    let edits = json!({"items": [item(jar), item(cup)]});
    let answer = world
        .call(Method::PATCH, MEDIA, Some(&world.user), Some(edits))
        .await
        .ok();
    assert_eq!(answer["updated"], json!(["shop/cup"]), "{answer}");
    let failed: &Value = &answer["failed"][0];
    assert_eq!(
        (&failed["public_id"], &failed["code"], &failed["error"]),
        (&json!("shop/jar"), &json!("rule_refused"), &json!(WORDS))
    );
}

/// `PT409` is the code for that, whoever raises it.
async fn what_a_rule_says_of_the_moment_stays_a_conflict(world: &World, jar: &CloudinaryResource) {
    hold_jars(world, "before update", "PT409").await;
    let path = format!("{MEDIA}/{}", id_of(jar));
    let answer = world
        .call(Method::DELETE, &path, Some(&world.user), None)
        .await;
    answer.assert_refused(StatusCode::CONFLICT, "conflict");
}

/// The database asks such a rule when all items are done, so none is.
async fn a_deferred_rule_refuses_the_whole_request(world: &World, jar: &CloudinaryResource) {
    hold_jars(world, "after update", "P0001").await;
    requests_about_one_asset_are_refused(world, jar).await;
}

async fn a_restore_is_refused(world: &World, cup: &CloudinaryResource) {
    let path = format!("{MEDIA}/{}", id_of(cup));
    let gone = world
        .call(Method::DELETE, &path, Some(&world.user), None)
        .await;
    assert!(gone.status.is_success(), "{}", gone.body);
    world
        .row_becomes("it is gone", cup, |row| row["intent"].is_null())
        .await;
    let rule = format!(
        "create or replace function public.hold_jars() returns trigger language plpgsql as $$
        begin
            if new.deleted_at is null and auth.uid() is not null then
                raise exception '{WORDS}';
            end if;
            return new;
        end $$;
        drop trigger hold_jars on public.media_assets;
        create trigger hold_jars before update on public.media_assets
            for each row execute function public.hold_jars()"
    );
    run(world, &rule).await;
    let path = format!("{path}/restore");
    let answer = world
        .call(Method::POST, &path, Some(&world.user), None)
        .await;
    assert_told(&answer);
}

/// Neither a row nor a reservation stays.
async fn an_upload_is_not_begun(world: &World) {
    hold_jars(world, "before insert", "P0001").await;
    let file = multipart::Part::bytes(end_to_end::picture(9)).file_name("a.gif");
    let form = multipart::Form::new()
        .text("public_id", "shop/jar-2")
        .part("file", file);
    let http = reqwest::Client::new();
    let request = http
        .post(format!(
            "{}/api/cloudinary/upload",
            world.stack.front_door_url()
        ))
        .bearer_auth(&world.admin)
        .multipart(form);
    assert_told(&HttpAnswer::read(request).await);
    let left = "select count(*) from public.media_uploads where public_id = 'shop/jar-2'";
    assert_eq!(world.count(left).await, 0);
}

/// A trigger's function in the schema of the project's, and then in ours, raises the same codes. The project's is a rule.
/// An error of ours keeps its meaning, and one without a meaning for the caller fails the request.
#[tokio::test]
async fn the_function_that_raises_an_error_decides_whose_it_is() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = database::connect(stack.database_url()).await;
    let claims = TokenClaims::user("user@example.com");
    let user = DataApiCaller::user(&stack, &claims);
    let asset = format!(
        "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, uploaded_by)
         values (md5('jar'), 'jar', 'image', '{}')",
        claims.sub
    );
    client.batch_execute(&asset).await.unwrap();
    let id = database::rows(&client, "select md5('jar') as id", &[])
        .await
        .remove(0)["id"]
        .take();
    let edit = json!({"p_items": [{"asset_id": id, "description": "New"}]});
    for (code, ours) in [
        ("PT403", Some("outside_prefix")),
        ("PT415", Some("format_not_allowed")),
        ("22023", Some("invalid")),
        ("PT409", Some("conflict")),
        ("P0001", None),
        ("23514", None),
        ("42501", None),
        ("PT404", None),
    ] {
        for schema in ["public", "media_sync"] {
            client.batch_execute(&raising(schema, code)).await.unwrap();
            let answer = user.rpc("media_request_edit", &edit).await;
            let told = answer.body["failed"][0]["code"].as_str();
            let expected = match (schema, code) {
                ("public", "PT409") => Some("conflict"),
                ("public", _) => Some("rule_refused"),
                _ => ours,
            };
            assert_eq!(told, expected, "{schema} {code}: {}", answer.body);
            if expected.is_none() {
                assert_eq!(answer.body["code"], code, "{}", answer.body);
            }
        }
    }
    stack.stop().await;
}

fn raising(schema: &str, code: &str) -> String {
    format!(
        "drop trigger if exists stumble on public.media_assets;
        create or replace function {schema}.stumble() returns trigger language plpgsql
        set search_path = pg_catalog, pg_temp as $$
        begin raise exception '{WORDS}' using errcode = '{code}'; end $$;
        create trigger stumble before update on public.media_assets for each row execute function {schema}.stumble()"
    )
}
