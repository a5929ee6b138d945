//! Assets whose values no row can hold. They must not keep a run from all the others, nor let it
//! look good.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::governor::Governor;
use super::seen::Seen;
use super::{Reconcile, ReconcileError};
use crate::asset::AssetId;
use crate::supabase::SupabaseError;
use crate::sync::plan::{PlanContext, Tally};
use crate::telemetry;

/// How a run is marked that has left something out.
pub(super) const VALUES_REFUSED: &str = "values_refused";

/// So many a run leaves out: more are no misfortune of single assets.
const MOST: usize = 10;

/// What a run has left out, since the database refuses it.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Refusals {
    assets: BTreeSet<AssetId>,
    /// The first of them, and why it was refused.
    first: Option<(AssetId, String)>,
}

impl Refusals {
    pub(super) fn is_empty(&self) -> bool {
        self.assets.is_empty()
    }

    pub(super) fn assets(&self) -> impl Iterator<Item = &AssetId> {
        self.assets.iter()
    }

    fn add(&mut self, asset: AssetId, error: &SupabaseError) -> Result<(), ReconcileError> {
        let reason = telemetry::chain(error);
        tracing::error!(%asset, error = reason, "no row can hold what Cloudinary tells");
        self.assets.insert(asset.clone());
        self.first.get_or_insert((asset, reason));
        match self.tell() {
            Some(reason) if self.assets.len() > MOST => Err(ReconcileError::Refused(reason)),
            _ => Ok(()),
        }
    }

    /// For people; `None` when there are none.
    pub(super) fn tell(&self) -> Option<String> {
        let (asset, reason) = self.first.as_ref()?;
        Some(match self.assets.len() {
            1 => format!("one asset could not be written, {asset}: {reason}"),
            count if count > MOST => format!(
                "more than {MOST} assets cannot be written, the first is {asset}, and the run has given up: {reason}"
            ),
            count => format!("{count} assets could not be written, the first is {asset}: {reason}"),
        })
    }
}

impl Reconcile {
    /// Finds an asset whose values the database refuses, and forgets what was seen of it. In
    /// halves of halves, some twenty calls of the database, the others are written on the way.
    /// What that has changed is added to `changed`. Answers whether there was one.
    ///
    /// # Errors
    /// See [`ReconcileError`]; `Refused` when there are too many.
    pub(super) async fn leave_one_out(
        &self,
        seen: &mut Seen,
        refusals: &mut Refusals,
        changed: &mut Tally,
        context: PlanContext<'_>,
        governor: Governor,
    ) -> Result<bool, ReconcileError> {
        let mut part = seen.assets();
        loop {
            // The half that holds it is sought, or what is left is tried by itself.
            let rest = part.split_off(part.len().div_ceil(2));
            let mut half = seen.only(&part);
            let applied = self.apply(&mut half, context, governor).await;
            seen.add_calls(half.calls());
            match applied {
                Ok(tally) => changed.add(tally),
                // Whoever keeps its rows from resting, the whole is tried again.
                Err(ReconcileError::Contended) => {}
                Err(ReconcileError::Store(error)) if error.is_about_values() => {
                    if let [asset] = &part[..] {
                        seen.forget(asset);
                        refusals.add(asset.clone(), &error)?;
                        return Ok(true);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            }
            if rest.is_empty() {
                return Ok(false);
            }
            part = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_assets_are_left_out_and_more_end_a_run() {
        let error = SupabaseError::Refused {
            doing: "write".to_owned(),
            status: 400,
            code: "22P05".to_owned(),
            message: "no".to_owned(),
            details: None,
            retry_after: None,
        };
        assert!(error.is_about_values());
        let id = |number: usize| AssetId::parse(&format!("{number:032x}")).unwrap();
        let mut refusals = Refusals::default();
        assert_eq!(refusals.tell(), None);
        for number in 0..MOST {
            refusals.add(id(number), &error).unwrap();
            refusals.add(id(0), &error).unwrap();
        }
        let told = refusals.tell().unwrap();
        assert!(
            told.starts_with(&format!(
                "{MOST} assets could not be written, the first is {}",
                id(0)
            )),
            "{told}"
        );
        let over = refusals.add(id(MOST), &error).unwrap_err();
        assert_eq!(over.code(), VALUES_REFUSED);
        assert!(!over.is_transient());
    }
}
