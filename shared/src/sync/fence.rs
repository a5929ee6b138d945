//! The fence between deployments that share a library: its marker names one owner, and the others only read.
//!
//! The marker is mirrored as any other asset, so notifications and runs tell of it, and the database
//! decides by its row. Cloudinary is asked only once, before the first write from a new place.

use serde_json::json;

use super::clients::SyncClients;
use super::lookup;
use super::marker::{
    FenceStanding, FenceState, LibraryOwner, LibraryPlace, MARKER_NAME, marker_upload,
};
use super::plan::ObservationSource;
use super::quota_guard::QuotaGuard;
use super::settle::{ListingPolicy, PlanEvidence, SettleError, SettlementDriver};
use super::store::MirrorStore;
use crate::asset::ResourceType;
use crate::observation::{AbsenceMeaning, Observation};
use crate::supabase::SupabaseError;

/// Looks for the marker, and places it.
#[derive(Clone, Copy, Debug)]
pub struct LibraryFence<'a> {
    pub clients: &'a SyncClients,
}

impl LibraryFence<'_> {
    /// The place of this deployment.
    pub async fn place(&self) -> LibraryPlace {
        let credentials = self.clients.cloudinary.credentials().await;
        LibraryPlace::new(self.clients.store.address(), credentials.cloud_name())
    }

    /// Looks for a marker in Cloudinary, which takes one call, and tells how the deployment stands.
    ///
    /// # Errors
    /// When Cloudinary or the database cannot be asked.
    pub async fn look(&self) -> Result<FenceState, SettleError> {
        let place = self.place().await;
        let store = &self.clients.store;
        let known = store.fetch_fence(&place).await?;
        let names = [MARKER_NAME.to_owned()];
        let cloudinary = &self.clients.cloudinary;
        let listed = cloudinary
            .list_named(ResourceType::Raw, "upload", &names)
            .await?;
        let seen = listed.value.iter().filter_map(|resource| {
            Observation::of_resource(resource, listed.observed_at, AbsenceMeaning::Everything)
        });
        let mut seen: Vec<Observation> = seen.collect();
        // The former one is gone, or has another name.
        if let Some(former) = known.asset_id
            && seen.iter().all(|found| found.asset_id != former)
        {
            let look = lookup::fetch_observations(cloudinary, &[(former, None)], None).await?;
            seen.extend(look.observations);
        }
        let driver = SettlementDriver {
            clients: self.clients,
            quota: QuotaGuard::People,
        };
        let policy = ListingPolicy::few(ObservationSource::Reconcile, None);
        driver
            .settle_few(PlanEvidence::new(seen, 1), policy)
            .await?;
        store.note_fence(&place, false, None).await?;
        Ok(store.fetch_fence(&place).await?)
    }

    /// Marks the library as this deployment's. Another's marker stays unless it is to be `taken_over`. Of two
    /// deployments that mark it at once, the first one's stays.
    ///
    /// # Errors
    /// When Cloudinary or the database cannot be asked.
    pub async fn mark(&self, taken_over: bool) -> Result<FenceState, SettleError> {
        let before = self.look().await?;
        let is_strangers = before.standing == FenceStanding::Strangers;
        if before.standing == FenceStanding::Ours || is_strangers && !taken_over {
            return Ok(before);
        }
        let place = self.place().await;
        let (source, options) = marker_upload(before.id, &place, is_strangers);
        self.clients.cloudinary.upload(source, &options).await?;
        let after = self.look().await?;
        if after.standing == FenceStanding::Ours {
            let store = &self.clients.store;
            store
                .note_fence(&place, true, before.owner.as_ref())
                .await?;
        }
        Ok(after)
    }
}

impl MirrorStore {
    /// The standing of the deployment at this place.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fetch_fence(&self, place: &LibraryPlace) -> Result<FenceState, SupabaseError> {
        let arguments = json!({"p_place": place});
        self.supabase.rpc("media_sync_fence", &arguments).await
    }

    async fn note_fence(
        &self,
        place: &LibraryPlace,
        is_marked: bool,
        former: Option<&LibraryOwner>,
    ) -> Result<(), SupabaseError> {
        let arguments = json!({"p_place": place, "p_is_marked": is_marked, "p_former": former});
        self.supabase.rpc("media_sync_note_fence", &arguments).await
    }
}
