//! Reads and writes users and their identities.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Transaction, read};
use crate::auth::errors::Refusal;
use crate::auth::time::Time;
use crate::auth::users::{AUTHENTICATED, EMAIL, Metadata, User, WRITTEN};

/// One row as [`ProjectUser`] reads it.
const ROW: &str = "select to_jsonb(u) || jsonb_build_object('identities', (
        select coalesce(jsonb_agg(to_jsonb(i) order by i.created_at), '[]')
        from auth.identities i where i.user_id = u.id))
    from auth.users u
    where u.instance_id = '00000000-0000-0000-0000-000000000000'";

/// The users that a list is to show.
#[derive(Debug)]
pub(in crate::auth) struct UsersAsked {
    pub(in crate::auth) offset: i64,
    pub(in crate::auth) limit: i64,
    pub(in crate::auth) oldest_first: bool,
    /// A part of the address or of the full name; empty for all.
    pub(in crate::auth) filter: String,
}

/// A part of all users.
#[derive(Debug)]
pub(in crate::auth) struct UserPage {
    pub(in crate::auth) users: Vec<User>,
    pub(in crate::auth) total: i64,
}

impl Transaction {
    /// Locks the row until the transaction ends.
    pub(in crate::auth) async fn user(&self, id: Uuid) -> Result<Option<User>, Refusal> {
        let sql = format!("{ROW} and u.id = $1::text::uuid for update of u");
        self.first(&sql, &[&id.to_string()]).await
    }

    /// Locks the row until the transaction ends.
    pub(in crate::auth) async fn user_by_email(
        &self,
        email: &str,
    ) -> Result<Option<User>, Refusal> {
        let sql = format!(
            "{ROW} and lower(u.email) = lower($1) and u.aud = $2 and not u.is_sso_user for update of u"
        );
        self.first(&sql, &[&email, &AUTHENTICATED]).await
    }

    /// Tells whether the address belongs to a user other than this one, by the user's row or by an identity.
    pub(in crate::auth) async fn email_is_taken(
        &self,
        email: &str,
        except: Option<Uuid>,
    ) -> Result<bool, Refusal> {
        let sql = "select to_jsonb(exists (
                select from auth.identities where email = lower($1) and user_id::text is distinct from $2
                union all
                select from auth.users where lower(email) = lower($1) and id::text is distinct from $2))";
        let except = except.map(|id| id.to_string());
        let taken = self.first(sql, &[&email, &except]).await?;
        Ok(taken.unwrap_or(false))
    }

    /// Finds the user whose mail carried this token in one of the columns. Locks the row.
    pub(in crate::auth) async fn user_by_token(
        &self,
        columns: &[&str],
        token: &str,
    ) -> Result<Option<User>, Refusal> {
        let columns: Vec<String> = columns.iter().map(|name| format!("u.{name}")).collect();
        let columns = columns.join(", ");
        let sql = format!("{ROW} and $1 in ({columns}) and $1 <> '' for update of u");
        self.first(&sql, &[&token]).await
    }

    /// Returns the user as the project's triggers left it.
    pub(in crate::auth) async fn insert_user(&self, user: &User) -> Result<User, Refusal> {
        let sql = format!(
            "insert into auth.users ({WRITTEN})
            select {WRITTEN} from jsonb_populate_record(null::auth.users, $1::jsonb)"
        );
        self.execute(&sql, &[&json!(user)]).await?;
        self.reread(user.id).await
    }

    /// Writes the whole row, which must have been read in this transaction.
    pub(in crate::auth) async fn save_user(
        &self,
        user: &mut User,
        now: Time,
    ) -> Result<(), Refusal> {
        user.updated_at = now;
        let sql = format!(
            "update auth.users set ({WRITTEN}) = (
                select {WRITTEN} from jsonb_populate_record(null::auth.users, $1::jsonb))
            where id = $2::text::uuid"
        );
        self.execute(&sql, &[&json!(user), &user.id.to_string()])
            .await?;
        *user = self.reread(user.id).await?;
        Ok(())
    }

    pub(in crate::auth) async fn delete_user(&self, id: Uuid) -> Result<(), Refusal> {
        let sql = "delete from auth.users where id = $1::text::uuid";
        self.execute(sql, &[&id.to_string()]).await.map(|_| ())
    }

    pub(in crate::auth) async fn users(&self, asked: &UsersAsked) -> Result<UserPage, Refusal> {
        let direction = if asked.oldest_first { "asc" } else { "desc" };
        let sql = format!(
            "select to_jsonb(u), count(*) over () from auth.users u
            where u.instance_id = '00000000-0000-0000-0000-000000000000' and u.aud = $1
                and ($2 = '%%' or u.email like $2 or u.raw_user_meta_data ->> 'full_name' ilike $2)
            order by u.created_at {direction} offset $3 limit $4"
        );
        let filter = format!("%{}%", asked.filter);
        let (offset, limit) = (asked.offset, asked.limit);
        let rows = self
            .client()
            .query(&sql, &[&AUTHENTICATED, &filter, &offset, &limit])
            .await?;
        let total = match rows.first() {
            Some(row) => row.get(1),
            None => self.number_of_users(&filter).await?,
        };
        let users = rows.iter().map(|row| read(row.get(0)));
        Ok(UserPage {
            users: users.collect::<Result<_, _>>()?,
            total,
        })
    }

    async fn number_of_users(&self, filter: &str) -> Result<i64, Refusal> {
        let sql = "select to_jsonb(count(*)) from auth.users u
            where u.instance_id = '00000000-0000-0000-0000-000000000000' and u.aud = $1
                and ($2 = '%%' or u.email like $2 or u.raw_user_meta_data ->> 'full_name' ilike $2)";
        let total = self.first(sql, &[&AUTHENTICATED, &filter]).await?;
        Ok(total.unwrap_or(0))
    }

    /// Makes the user's identity by e-mail, or changes its data.
    pub(in crate::auth) async fn put_email_identity(
        &self,
        user: &mut User,
        data: Metadata,
        now: Time,
    ) -> Result<(), Refusal> {
        let sql = "insert into auth.identities
                (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
            values ($1, $1::text::uuid, $2, $3, $4::text::timestamptz, $4::text::timestamptz, $4::text::timestamptz)
            on conflict (provider_id, provider) do update set
                identity_data = identities.identity_data || excluded.identity_data, updated_at = excluded.updated_at";
        let now = json!(now).as_str().unwrap_or_default().to_owned();
        let id = user.id.to_string();
        self.execute(sql, &[&id, &Value::Object(data), &EMAIL, &now])
            .await?;
        user.identities = self.reread(user.id).await?.identities;
        Ok(())
    }

    pub(in crate::auth) async fn delete_identities(&self, user: Uuid) -> Result<(), Refusal> {
        let sql = "delete from auth.identities where user_id = $1::text::uuid";
        self.execute(sql, &[&user.to_string()]).await.map(|_| ())
    }

    async fn reread(&self, id: Uuid) -> Result<User, Refusal> {
        self.user(id).await?.ok_or(Refusal::UserNotFound)
    }
}
