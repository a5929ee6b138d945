//! A mass delete is held, and one user's holds nobody else's.

use end_to_end::database;
use serde_json::json;
use uuid::Uuid;

use super::Measure;

/// The assets of each owner. With the one that is there, there are 101.
const OF_EACH: u32 = 25;

/// A library with four owners.
struct Library {
    measure: Measure,
    owners: [Uuid; 4],
}

impl Library {
    async fn fill() -> Self {
        let library = Self {
            measure: Measure::take().await,
            owners: [1, 2, 3, 4].map(Uuid::from_u128),
        };
        for owner in library.owners {
            let assets = format!(
                "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, uploaded_by)
                 select md5('{owner}' || n), '{owner}/' || n, 'image', '{owner}' from generate_series(1, {OF_EACH}) n"
            );
            library.measure.client.batch_execute(&assets).await.unwrap();
        }
        library
    }

    /// Deletes some live assets of an owner in the name of a user.
    async fn delete(&self, owner: Uuid, count: u32, user: Uuid, role: &str) {
        let claims = json!({"sub": user, "role": "authenticated", "app_metadata": {"role": role}});
        let delete = format!(
            "begin;
             select set_config('request.jwt.claims', '{claims}', true);
             update public.media_assets set deleted_at = now() where id in (
                 select id from public.media_assets
                 where uploaded_by = '{owner}' and deleted_at is null order by id limit {count}
             );
             commit"
        );
        self.measure.client.batch_execute(&delete).await.unwrap();
        let claim = "select public.media_sync_claim_intents(
            array(select id from public.media_assets where intent is not null), gen_random_uuid(), 60)";
        self.measure.client.query(claim, &[]).await.unwrap();
    }

    async fn delete_own(&self, owner: usize, count: u32) {
        let owner = self.owners[owner];
        self.delete(owner, count, owner, "user").await;
    }

    /// The held deletes among those of an owner's assets, and all of them.
    async fn held(&self, owner: usize) -> (i64, i64) {
        let sql = format!(
            "select count(*) filter (where sync_error_code = 'held') as held, count(*) as deleted
             from public.media_assets where uploaded_by = '{}' and deleted_at is not null",
            self.owners[owner]
        );
        let row = &database::rows(&self.measure.client, &sql, &[]).await[0];
        (
            row["held"].as_i64().unwrap(),
            row["deleted"].as_i64().unwrap(),
        )
    }

    async fn stop(self) {
        self.measure.stack.stop().await;
    }
}

#[tokio::test]
async fn a_users_many_deletes_hold_their_own_and_nobody_elses() {
    let library = Library::fill().await;
    library.delete_own(0, 21).await;
    assert_eq!(library.held(0).await, (21, 21));
    library.delete_own(0, 1).await;
    assert_eq!(library.held(0).await, (22, 22), "until somebody allows it");
    library.delete_own(1, 20).await;
    assert_eq!(library.held(1).await, (0, 20));
    let admin = Uuid::from_u128(9);
    library.delete(library.owners[2], 20, admin, "admin").await;
    assert_eq!(library.held(2).await, (0, 20));
    library.stop().await;
}

#[tokio::test]
async fn the_deletes_of_all_together_are_held_at_a_tenth_of_the_library() {
    let library = Library::fill().await;
    library.delete_own(0, 20).await;
    library.delete_own(1, 20).await;
    assert_eq!(
        (library.held(0).await, library.held(1).await),
        ((0, 20), (0, 20))
    );
    library.delete_own(2, 1).await;
    assert_eq!(library.held(2).await, (1, 1));
    library.stop().await;
}

#[tokio::test]
async fn deletes_of_others_assets_count_together_and_hold_no_owners_own() {
    let library = Library::fill().await;
    for (owner, role) in [(0, "admin"), (1, "editor")] {
        let user = Uuid::from_u128(9 + owner as u128);
        library.delete(library.owners[owner], 10, user, role).await;
        assert_eq!(library.held(owner).await, (0, 10));
    }
    let admin = Uuid::from_u128(9);
    library.delete(library.owners[2], 5, admin, "admin").await;
    assert_eq!(library.held(2).await, (5, 5));
    library.delete_own(3, 20).await;
    assert_eq!(library.held(3).await, (0, 20));
    library.stop().await;
}
