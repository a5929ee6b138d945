//! Brings uploads to an end that nobody has ended: their function died, or never had an answer.

use std::collections::{BTreeMap, BTreeSet};

use super::{DueUpload, Uploads};
use crate::asset::ResourceType;
use crate::observation::{AbsenceMeaning, Observation, ObservedState};
use crate::sync::name_lists::cut;
use crate::sync::plan::ObservationSource;
use crate::sync::settle::{ListingPolicy, PlanEvidence, SettleError};

/// The number brought to an end at once; the rest is the next drain's.
const AT_ONCE: usize = 40;

impl Uploads {
    /// Looks in Cloudinary for uploads that wait too long. What is there is taken in, and so gets
    /// the row that waits for it, if it is the upload's; the rows of the others go. Answers how
    /// many uploads were brought to an end.
    ///
    /// # Errors
    /// The first, when Cloudinary or the database cannot be asked for some; those wait for the next
    /// time.
    pub async fn resolve_due(&self) -> Result<usize, SettleError> {
        let due = self.clients.store.fetch_due_uploads(AT_ONCE).await?;
        let mut first_error = None;
        for ((resource_type, delivery_type), uploads) in by_kind(&due) {
            let names: Vec<String> = uploads.iter().map(|due| due.public_id.clone()).collect();
            let mut rest = uploads.as_slice();
            for names in cut(&names) {
                let (asked, others) = rest.split_at(names.len());
                rest = others;
                let looked = self.look(resource_type, delivery_type, names, asked).await;
                first_error = first_error.or(looked.err());
            }
        }
        first_error.map_or(Ok(due.len()), Err)
    }

    /// Looks for `names`, which are those of `uploads`.
    async fn look(
        &self,
        resource_type: ResourceType,
        delivery_type: &str,
        names: &[String],
        uploads: &[&DueUpload],
    ) -> Result<(), SettleError> {
        let listed = self
            .clients
            .cloudinary
            .list_named(resource_type, delivery_type, names)
            .await?;
        let at = listed.observed_at;
        let seen: Vec<_> = listed
            .value
            .iter()
            .filter_map(|resource| {
                Observation::of_resource(resource, at, AbsenceMeaning::Everything)
            })
            .filter(|seen| matches!(seen.fact, ObservedState::Seen(_)))
            .collect();
        let found: BTreeSet<String> = seen
            .iter()
            .filter_map(Observation::seen_name)
            .map(|name| name.public_id.clone())
            .collect();
        let policy = ListingPolicy::few(ObservationSource::Reconcile, None);
        let refused = match self.settle(PlanEvidence::new(seen, 1), policy).await {
            Ok(()) => None,
            Err(SettleError::ValuesRefused(reason)) => Some(reason),
            Err(error) => return Err(error),
        };
        for due in uploads {
            // What was taken in has ended by that, and stays as it is.
            let (outcome, code, message) = match &refused {
                Some(reason) if found.contains(&due.public_id) => {
                    ("refused", "values_refused", reason.as_str())
                }
                _ => (
                    "lost",
                    "upload_lost",
                    "Nothing of this name was found in Cloudinary.",
                ),
            };
            let store = &self.clients.store;
            store.end_upload(due.id, outcome, code, message).await?;
        }
        Ok(())
    }
}

fn by_kind(due: &[DueUpload]) -> BTreeMap<(ResourceType, &str), Vec<&DueUpload>> {
    let mut kinds: BTreeMap<_, Vec<&DueUpload>> = BTreeMap::new();
    for upload in due {
        kinds
            .entry((upload.resource_type, upload.delivery_type.as_str()))
            .or_default()
            .push(upload);
    }
    kinds
}
