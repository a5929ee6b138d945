//! `mediasync admin` on the Auth of a stack.

use local_stack::{LocalStack, StackOptions};
use serde_json::{Value, json};

use crate::support::{Run, at_a_terminal, run};

/// A project with Auth, and the command's environment.
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

    async fn user(&self, user: Value) {
        let url = format!("{}/auth/v1/admin/users", self.stack.supabase_url());
        let request = self.http.post(url).json(&user);
        let request = request.header("apikey", self.stack.secret_key());
        let status = request.send().await.unwrap().status();
        assert!(status.is_success(), "{status}");
    }

    /// Metadata in the tokens that the user gets from now on.
    async fn claims(&self, email: &str) -> Value {
        let url = format!(
            "{}/auth/v1/token?grant_type=password",
            self.stack.supabase_url()
        );
        let body = json!({"email": email, "password": "a long password"});
        let request = self.http.post(url).json(&body);
        let request = request.header("apikey", self.stack.publishable_key());
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["user"]["app_metadata"].clone()
    }

    fn admin(&self, arguments: &[&str]) -> Run {
        self.admin_with_key(arguments, self.stack.secret_key())
    }

    fn admin_with_key(&self, arguments: &[&str], key: &str) -> Run {
        let run = run(
            &[&["admin"], arguments].concat(),
            &[
                ("SUPABASE_URL", &self.stack.supabase_url()),
                ("SUPABASE_SECRET_KEY", key),
            ],
        );
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains(key), "{text}");
        }
        run
    }

    fn administrators(&self) -> Vec<String> {
        let list = self.admin(&["list", "--json"]);
        assert_eq!(list.code, Some(0), "{list:?}");
        let answer = list.json();
        let entries = answer["administrators"].as_array().unwrap();
        let email = |entry: &Value| entry["email"].as_str().unwrap().to_owned();
        entries.iter().map(email).collect()
    }
}

fn person(email: &str) -> Value {
    json!({"email": email, "password": "a long password", "email_confirm": true})
}

#[tokio::test]
async fn role_comes_with_grant_goes_with_revoke_and_leaves_the_rest() {
    let project = Project::start().await;
    let mut boss = person("boss@example.com");
    boss["app_metadata"] = json!({"team": "press"});
    project.user(boss).await;
    project.user(person("other@example.com")).await;

    let granted = project.admin(&["grant", "Boss@Example.COM", "--json"]);
    assert_eq!(granted.code, Some(0), "{granted:?}");
    assert_eq!(granted.json()["changed"], true);
    assert!(granted.stderr.contains("next token"), "{granted:?}");
    let claims = project.claims("boss@example.com").await;
    assert_eq!(claims["role"], "admin");
    assert_eq!(claims["team"], "press");
    assert_eq!(claims["provider"], "email");

    let again = project.admin(&["grant", "boss@example.com", "--json"]);
    assert_eq!(
        (again.code, &again.json()["changed"]),
        (Some(0), &json!(false))
    );
    assert_eq!(project.administrators(), ["boss@example.com"]);

    project.admin(&["grant", "other@example.com"]);
    let revoked = project.admin(&["revoke", "boss@example.com"]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    let claims = project.claims("boss@example.com").await;
    assert_eq!(
        (claims.get("role"), &claims["team"]),
        (None, &json!("press"))
    );
    assert_eq!(project.administrators(), ["other@example.com"]);
    project.stack.stop().await;
}

#[tokio::test]
async fn last_administrator_stays_unless_somebody_insists() {
    let project = Project::start().await;
    project.user(person("boss@example.com")).await;
    project.admin(&["grant", "boss@example.com"]);
    for manner in [&[][..], &["--no-input"]] {
        let arguments = [&["revoke", "boss@example.com"], manner].concat();
        let refused = project.admin(&arguments);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("last administrator"), "{refused:?}");
    }
    let url = project.stack.supabase_url();
    let environment = [
        ("SUPABASE_URL", url.as_str()),
        ("SUPABASE_SECRET_KEY", project.stack.secret_key()),
    ];
    for keys in ["\n", "n\n"] {
        let arguments = ["admin", "revoke", "boss@example.com"];
        let (code, screen) = at_a_terminal(&arguments, &environment, keys);
        assert_eq!(code, Some(1), "{screen}");
        assert!(
            screen.contains("Take the role all the same? [y/N]"),
            "{screen}"
        );
    }
    assert_eq!(project.administrators(), ["boss@example.com"]);
    let revoked = project.admin(&["revoke", "boss@example.com", "--yes"]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    assert!(project.administrators().is_empty());
    let unneeded = project.admin(&["revoke", "boss@example.com"]);
    assert_eq!(unneeded.code, Some(0), "{unneeded:?}");
    project.stack.stop().await;
}

#[tokio::test]
async fn unknown_address_is_invited_only_when_that_is_wanted() {
    let project = Project::start().await;
    for arguments in [
        &["grant", "new@example.com"][..],
        &["grant", "new@example.com", "--no-input"],
        &["revoke", "new@example.com"],
    ] {
        let refused = project.admin(arguments);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(
            refused.stderr.contains("no user has the address"),
            "{refused:?}"
        );
        assert!(project.stack.mails().is_empty());
    }
    let invited = project.admin(&["grant", "new@example.com", "--invite", "--json"]);
    assert_eq!(invited.code, Some(0), "{invited:?}");
    assert_eq!(invited.json()["invited"], true);
    assert_eq!(project.stack.mails().len(), 1);
    assert_eq!(project.administrators(), ["new@example.com"]);
    let nonsense = project.admin(&["grant", "no address", "--invite"]);
    assert_eq!(nonsense.code, Some(2), "{nonsense:?}");
    project.stack.stop().await;
}

#[tokio::test]
async fn list_finds_administrators_on_every_page_and_those_who_call_themselves_so() {
    let project = Project::start().await;
    let mut oldest = person("oldest@example.com");
    oldest["app_metadata"] = json!({"role": "admin"});
    project.user(oldest).await;
    let (client, connection) =
        tokio_postgres::connect(project.stack.supabase_admin_url(), tokio_postgres::NoTls)
            .await
            .unwrap();
    tokio::spawn(connection);
    client
        .batch_execute(
            "insert into auth.users (instance_id, id, aud, role, email, created_at, updated_at,
                 confirmation_token, recovery_token, email_change_token_new, email_change)
             select '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'authenticated', 'authenticated',
                 'user' || n || '@example.com', now(), now(), '', '', '', '' from generate_series(1, 450) n",
        )
        .await
        .unwrap();
    let mut newest = person("newest@example.com");
    newest["app_metadata"] = json!({"role": "admin"});
    project.user(newest).await;
    let mut pretender = person("pretender@example.com");
    pretender["user_metadata"] = json!({"role": "admin"});
    project.user(pretender).await;

    assert_eq!(
        project.administrators(),
        ["oldest@example.com", "newest@example.com"]
    );
    let list = project.admin(&["list"]);
    assert!(list.stdout.contains("newest@example.com"), "{list:?}");
    assert!(!list.stdout.contains("pretender"), "{list:?}");
    assert!(
        list.stderr
            .contains("pretender@example.com has the role in user_metadata"),
        "{list:?}"
    );
    project.stack.stop().await;
}

#[tokio::test]
async fn wrong_key_is_not_allowed_and_never_shown() {
    let project = Project::start().await;
    let wrong = project.admin_with_key(&["list"], "sb_secret_hunter2hunter2");
    assert_eq!(wrong.code, Some(4), "{wrong:?}");
    let publishable = project.admin_with_key(&["list"], project.stack.publishable_key());
    assert_eq!(publishable.code, Some(2), "{publishable:?}");
    assert!(wrong.stdout.is_empty() && publishable.stdout.is_empty());
    project.stack.stop().await;
}

#[tokio::test]
async fn keys_come_from_the_environment_before_the_file() {
    let project = Project::start().await;
    let url = project.stack.supabase_url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let keys = json!({"SUPABASE_URL": url, "SUPABASE_SECRET_KEY": "sb_secret_old", "MORE": [1]});
    std::fs::write(&file, keys.to_string()).unwrap();
    let arguments = ["admin", "list", "--config", file.to_str().unwrap()];
    let right = ("SUPABASE_SECRET_KEY", project.stack.secret_key());
    for (environment, code) in [(&[right][..], 0), (&[], 4), (&[(right.0, "")], 4)] {
        let list = run(&arguments, environment);
        assert_eq!(list.code, Some(code), "{list:?}");
    }
    project.stack.stop().await;
}

#[tokio::test]
async fn a_role_replaces_another_but_not_the_last_administrators() {
    let project = Project::start().await;
    for name in ["boss@example.com", "other@example.com"] {
        project.user(person(name)).await;
    }
    project.admin(&["grant", "boss@example.com"]);
    let as_editor = ["grant", "boss@example.com", "--role", "editor", "--json"];
    let refused = project.admin(&as_editor);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("last administrator"), "{refused:?}");

    project.admin(&["grant", "other@example.com"]);
    let granted = project.admin(&as_editor);
    assert_eq!(granted.code, Some(0), "{granted:?}");
    assert_eq!(granted.json()["user"]["role"], "editor");
    assert_eq!(project.claims("boss@example.com").await["role"], "editor");
    assert_eq!(project.admin(&as_editor).json()["changed"], false);
    let listed = project.admin(&["list", "--json"]).json();
    assert_eq!(listed["editors"][0]["email"], "boss@example.com");
    assert_eq!(listed["administrators"][0]["email"], "other@example.com");

    project.admin(&["grant", "boss@example.com", "--role", "reader"]);
    assert_eq!(project.claims("boss@example.com").await["role"], "reader");
    let revoked = project.admin(&["revoke", "boss@example.com"]);
    assert!(revoked.stderr.contains("no reader"), "{revoked:?}");
    assert_eq!(project.claims("boss@example.com").await.get("role"), None);
    project.stack.stop().await;
}
