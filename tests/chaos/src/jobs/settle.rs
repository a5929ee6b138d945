//! Carries out the steps of a settlement one at a time, as `SettlementDriver` does in one go.

use media_sync::cloudinary::CloudinaryError;
use media_sync::sync::lookup::stamp;
use media_sync::sync::plan::WritePlan;
use media_sync::sync::settle::{AssetInquiry, SettlePolicy, SettleStep, Settlement, WriteOutcome};
use media_sync::sync::store::WriteSet;

use super::{BothSides, CallFate};
use crate::database::RefusedWrite;

/// The outcome of a step.
#[derive(Debug)]
pub(super) enum Settling {
    Going,
    /// A plan, to be written at once with its additions.
    Planned(Box<WritePlan>),
    Settled,
    /// The settlement was given up.
    Failed,
}

/// Carries out one step. A fault concerns the next look.
pub(super) fn settle<P: SettlePolicy>(
    settlement: &mut Settlement<P>,
    sides: &mut BothSides,
    fault: CallFate,
) -> Settling {
    match settlement.next(|| sides.fresh_id()) {
        Ok(SettleStep::Read(query)) => settlement.take_rows(sides.database.fetch(&query)),
        Ok(SettleStep::Look(inquiry)) if fault == CallFate::None => {
            let wanted = inquiry.wanted.into_iter().collect();
            let at = stamp(sides.cloud.lower_bound(), inquiry.after);
            settlement.take_looks(sides.cloud.look(&wanted, at));
        }
        Ok(SettleStep::Look(inquiry)) => return fail(settlement, &inquiry),
        Ok(SettleStep::Write(plan)) => return Settling::Planned(plan),
        Ok(SettleStep::WritePart(_)) => unreachable!("every row of the model can hold every value"),
        Ok(SettleStep::Done) => return Settling::Settled,
        Err(_) => return Settling::Failed,
    }
    Settling::Going
}

fn fail<P: SettlePolicy>(settlement: &mut Settlement<P>, inquiry: &AssetInquiry) -> Settling {
    let error = CloudinaryError::OutOfTime {
        doing: "look".to_owned(),
    };
    let assets: Vec<_> = inquiry.wanted.iter().map(|(id, _)| id.clone()).collect();
    match settlement.take_failed_look(inquiry, &assets, error) {
        Ok(()) => Settling::Going,
        Err(_) => Settling::Failed,
    }
}

/// Hands the database's answer to the settlement.
pub(super) fn take_answer<P: SettlePolicy>(
    settlement: &mut Settlement<P>,
    answer: Result<(), RefusedWrite>,
) -> Settling {
    let written = match answer {
        Ok(()) => WriteOutcome::Applied,
        Err(RefusedWrite::Conflict) => WriteOutcome::Changed,
        Err(RefusedWrite::LeaseLost) => return Settling::Failed,
    };
    match settlement.take_written(written) {
        Ok(()) if matches!(answer, Ok(())) => Settling::Settled,
        Ok(()) => Settling::Going,
        Err(_) => Settling::Failed,
    }
}

/// Writes a plan, unless there is nothing to write.
pub(super) fn write<P: SettlePolicy>(
    settlement: &mut Settlement<P>,
    sides: &mut BothSides,
    plan: WritePlan,
) -> Settling {
    let answer = if plan.is_empty() {
        Ok(())
    } else {
        sides.database.apply(&WriteSet::of_plan(plan))
    };
    take_answer(settlement, answer)
}
