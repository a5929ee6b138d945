//! Reads and writes sessions and their refresh tokens.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Transaction;
use crate::auth::errors::Refusal;
use crate::auth::time::Time;

/// One sign-in, until it is signed out.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::auth) struct Session {
    pub(in crate::auth) id: Uuid,
    pub(in crate::auth) user_id: Uuid,
    pub(in crate::auth) aal: Option<String>,
    /// The ways of signing in, the latest first.
    pub(in crate::auth) amr: Vec<Value>,
}

/// A row of `auth.refresh_tokens`.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::auth) struct RefreshToken {
    pub(in crate::auth) token: String,
    pub(in crate::auth) parent: Option<String>,
    pub(in crate::auth) session_id: Uuid,
    pub(in crate::auth) revoked: bool,
    pub(in crate::auth) updated_at: Time,
}

impl Transaction {
    pub(in crate::auth) async fn insert_session(
        &self,
        user: Uuid,
        method: &str,
        now: Time,
    ) -> Result<Session, Refusal> {
        let id = Uuid::new_v4();
        let (session, user, now) = (id.to_string(), user.to_string(), text(now));
        let sql = "insert into auth.sessions (id, user_id, created_at, updated_at, aal)
            values ($1::text::uuid, $2::text::uuid, $3::text::timestamptz, $3::text::timestamptz, 'aal1')";
        self.execute(sql, &[&session, &user, &now]).await?;
        let sql = "insert into auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
            values (gen_random_uuid(), $1::text::uuid, $2::text::timestamptz, $2::text::timestamptz, $3)";
        self.execute(sql, &[&session, &now, &method]).await?;
        self.session(id).await?.ok_or(Refusal::SessionGone)
    }

    pub(in crate::auth) async fn session(&self, id: Uuid) -> Result<Option<Session>, Refusal> {
        let sql = "select to_jsonb(s) || jsonb_build_object('amr', (
                select coalesce(jsonb_agg(jsonb_build_object('method', a.authentication_method,
                    'timestamp', extract(epoch from a.updated_at)::bigint) order by a.updated_at desc), '[]')
                from auth.mfa_amr_claims a where a.session_id = s.id))
            from auth.sessions s where s.id = $1::text::uuid";
        self.first(sql, &[&id.to_string()]).await
    }

    pub(in crate::auth) async fn session_was_refreshed(
        &self,
        id: Uuid,
        now: Time,
    ) -> Result<(), Refusal> {
        let sql = "update auth.sessions
            set refreshed_at = $2::text::timestamptz at time zone 'UTC', updated_at = $2::text::timestamptz
            where id = $1::text::uuid";
        self.execute(sql, &[&id.to_string(), &text(now)])
            .await
            .map(|_| ())
    }

    /// Ends all sessions of the user but one. Their refresh tokens go with them.
    pub(in crate::auth) async fn delete_sessions(
        &self,
        user: Uuid,
        except: Option<Uuid>,
    ) -> Result<(), Refusal> {
        let sql = "delete from auth.sessions
            where user_id = $1::text::uuid and id::text is distinct from $2";
        let except = except.map(|id| id.to_string());
        self.execute(sql, &[&user.to_string(), &except])
            .await
            .map(|_| ())
    }

    pub(in crate::auth) async fn delete_session(&self, id: Uuid) -> Result<(), Refusal> {
        let sql = "delete from auth.sessions where id = $1::text::uuid";
        self.execute(sql, &[&id.to_string()]).await.map(|_| ())
    }

    /// Locks the row until the transaction ends: of two who refresh at once, one waits.
    pub(in crate::auth) async fn refresh_token(
        &self,
        token: &str,
    ) -> Result<Option<RefreshToken>, Refusal> {
        let sql = "select to_jsonb(t) from auth.refresh_tokens t
            where t.token = $1 and t.session_id is not null for update";
        self.first(sql, &[&token]).await
    }

    /// The session's token that counts.
    pub(in crate::auth) async fn active_refresh_token(
        &self,
        session: Uuid,
    ) -> Result<Option<RefreshToken>, Refusal> {
        let sql = "select to_jsonb(t) from auth.refresh_tokens t
            where t.session_id = $1::text::uuid and not t.revoked order by t.id desc limit 1";
        self.first(sql, &[&session.to_string()]).await
    }

    pub(in crate::auth) async fn insert_refresh_token(
        &self,
        session: &Session,
        token: &str,
        parent: Option<&str>,
        now: Time,
    ) -> Result<(), Refusal> {
        let sql = "insert into auth.refresh_tokens
                (instance_id, token, user_id, session_id, parent, revoked, created_at, updated_at)
            values ('00000000-0000-0000-0000-000000000000', $1, $2, $3::text::uuid, $4, false,
                $5::text::timestamptz, $5::text::timestamptz)";
        let (user, id) = (session.user_id.to_string(), session.id.to_string());
        self.execute(sql, &[&token, &user, &id, &parent, &text(now)])
            .await
            .map(|_| ())
    }

    pub(in crate::auth) async fn revoke_token(
        &self,
        token: &str,
        now: Time,
    ) -> Result<(), Refusal> {
        let sql =
            "update auth.refresh_tokens set revoked = true, updated_at = $2::text::timestamptz
            where token = $1";
        self.execute(sql, &[&token, &text(now)]).await.map(|_| ())
    }

    /// All tokens of a session, when one of them was used a second time.
    pub(in crate::auth) async fn revoke_tokens(
        &self,
        session: Uuid,
        now: Time,
    ) -> Result<(), Refusal> {
        let sql =
            "update auth.refresh_tokens set revoked = true, updated_at = $2::text::timestamptz
            where session_id = $1::text::uuid and not revoked";
        self.execute(sql, &[&session.to_string(), &text(now)])
            .await
            .map(|_| ())
    }
}

fn text(time: Time) -> String {
    json!(time).as_str().unwrap_or_default().to_owned()
}
