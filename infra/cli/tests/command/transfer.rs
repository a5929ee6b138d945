//! `mediasync admin transfer`: the assets of somebody who has left, and those that nobody owns.

use local_stack::{LocalStack, StackOptions};
use serde_json::{Value, json};

use crate::support::{Run, run};

const GONE: &str = "0b8a5c52-6d0f-4c0e-9a52-5f6f7c1f7b11";

struct Project {
    stack: LocalStack,
    http: reqwest::Client,
}

impl Project {
    async fn start() -> Self {
        Self {
            stack: LocalStack::start(StackOptions::database_only())
                .await
                .unwrap(),
            http: media_sync::config::http_client().unwrap(),
        }
    }

    /// Makes a user; returns the id.
    async fn user(&self, email: &str) -> String {
        let url = format!("{}/auth/v1/admin/users", self.stack.supabase_url());
        let body = json!({"email": email, "password": "a long password", "email_confirm": true});
        let request = self.http.post(url).json(&body);
        let request = request.header("apikey", self.stack.secret_key());
        let user: Value = request.send().await.unwrap().json().await.unwrap();
        user["id"].as_str().unwrap().to_owned()
    }

    async fn text(&self, sql: &str) -> String {
        let url = self.stack.supabase_admin_url();
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let messages = client.simple_query(sql).await.unwrap();
        let first = messages.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        first.unwrap_or_default()
    }

    /// Rows of one owner; every tenth is deleted.
    async fn own(&self, owner: &str, count: u32) {
        self.text(&format!(
            "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, uploaded_by, deleted_at)
             select md5('{owner}' || n), '{owner}/' || n, 'image', '{owner}', case when n % 10 = 0 then now() end
             from generate_series(1, {count}) n; select 1"
        ))
        .await;
    }

    async fn owned(&self, owner: &str) -> String {
        let count = "select count(*) from public.media_assets where uploaded_by =";
        self.text(&format!("{count} '{owner}'")).await
    }

    fn transfer(&self, arguments: &[&str]) -> Run {
        let environment = [
            ("SUPABASE_URL", self.stack.supabase_url()),
            ("SUPABASE_SECRET_KEY", self.stack.secret_key().to_owned()),
        ];
        let environment: Vec<(&str, &str)> = environment
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        run(&[&["admin", "transfer"], arguments].concat(), &environment)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_of_one_owner_become_anothers_and_nobody_elses() {
    let project = Project::start().await;
    let old = project.user("old@example.com").await;
    let new = project.user("new@example.com").await;
    project.own(&old, 1_100).await;
    project.own(GONE, 3).await;
    project
        .text(&format!(
            "insert into public.media_collections (name, owner) values ('press', '{old}'); select 1"
        ))
        .await;
    let revision = "select sum(revision) from public.media_assets where intent is not null";

    let counted = project.transfer(&["old@example.com", "New@Example.com", "--dry-run", "--json"]);
    assert_eq!(counted.code, Some(0), "{counted:?}");
    assert_eq!(
        (&counted.json()["assets"], &counted.json()["dry_run"]),
        (&json!(1100), &json!(true))
    );
    assert_eq!(project.owned(&old).await, "1100");

    let moved = project.transfer(&["old@example.com", "new@example.com", "--json"]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    assert_eq!(
        (&moved.json()["assets"], &moved.json()["collections"]),
        (&json!(1100), &json!(0))
    );
    assert_eq!(project.owned(&old).await, "0");
    assert_eq!(project.owned(&new).await, "1100");
    assert_eq!(project.owned(GONE).await, "3");
    assert_eq!(
        project.text(revision).await,
        "",
        "it is no decision to be carried out"
    );
    let audited = format!(
        "select count(distinct asset_row_id) from public.media_sync_log where operation = 'owner_changed'
         and details = '{{\"from\": \"{old}\", \"to\": \"{new}\"}}'"
    );
    assert_eq!(project.text(&audited).await, "1100");

    let again = project.transfer(&[&old, &new, "--collections", "--json"]);
    assert_eq!(
        (&again.json()["assets"], &again.json()["collections"]),
        (&json!(0), &json!(1))
    );
    let of_nobody = project.transfer(&[GONE, "new@example.com"]);
    assert_eq!(of_nobody.code, Some(0), "{of_nobody:?}");
    assert_eq!(project.owned(&new).await, "1103");

    for (arguments, code) in [
        (["new@example.com", "new@example.com"], 2),
        (["new@example.com", "nobody@example.com"], 1),
        (["nobody@example.com", "new@example.com"], 1),
        (["old@example.com", GONE], 1),
    ] {
        assert_eq!(
            project.transfer(&arguments).code,
            Some(code),
            "{arguments:?}"
        );
    }
    project.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_that_nobody_owns_are_given_by_folder_or_all() {
    let project = Project::start().await;
    let new = project.user("new@example.com").await;
    project.own(GONE, 3).await;
    for (folder, count) in [
        ("shop", 600),
        ("shop/mugs", 500),
        ("shopping", 4),
        ("100%/x", 2),
    ] {
        project
            .text(&format!(
                "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, folder, deleted_at)
                 select md5('{folder}' || n), '{folder}/' || n, 'image', '{folder}', case when n % 10 = 0 then now() end
                 from generate_series(1, {count}) n; select 1"
            ))
            .await;
    }
    let assets = |run: Run| {
        assert_eq!(run.code, Some(0), "{run:?}");
        run.json()["assets"].as_u64().unwrap()
    };
    let nobody = |more: &[&str]| {
        project.transfer(&[&["nobody", "new@example.com", "--json"], more].concat())
    };
    assert_eq!(assets(nobody(&["--dry-run"])), 1_106);
    assert_eq!(assets(nobody(&["--below", "/shop/", "--dry-run"])), 1_100);
    assert_eq!(project.owned(&new).await, "0");

    assert_eq!(assets(nobody(&["--below", "shop"])), 1_100);
    assert_eq!(project.owned(&new).await, "1100");
    let audited = format!(
        "select count(distinct asset_row_id) from public.media_sync_log where operation = 'owner_changed'
         and details = '{{\"from\": null, \"to\": \"{new}\"}}'"
    );
    assert_eq!(project.text(&audited).await, "1100");
    assert_eq!(assets(nobody(&["--below", "100%"])), 2);
    assert_eq!(assets(nobody(&[])), 4);
    assert_eq!(assets(nobody(&[])), 0);
    assert_eq!(project.owned(GONE).await, "3");

    for arguments in [
        ["nobody", "new@example.com", "--collections"].as_slice(),
        &[GONE, "new@example.com", "--below", "shop"],
    ] {
        assert_eq!(project.transfer(arguments).code, Some(2), "{arguments:?}");
    }
    project.stack.stop().await;
}
