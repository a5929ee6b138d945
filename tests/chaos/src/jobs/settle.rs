//! Carries out the steps of a settlement one at a time, as `settle::Driver` does in one go.

use media_sync::cloudinary::CloudinaryError;
use media_sync::sync::lookup::stamp;
use media_sync::sync::plan::Plan;
use media_sync::sync::settle::{Inquiry, Policy, Settlement, Step, Written};
use media_sync::sync::store::WriteSet;

use super::{Fault, Sides};
use crate::database::Refused;

/// The outcome of a step.
#[derive(Debug)]
pub(super) enum Settling {
    Going,
    /// A plan, to be written at once with its additions.
    Planned(Plan),
    Settled,
    /// The settlement was given up.
    Failed,
}

/// Carries out one step. A fault concerns the next look.
pub(super) fn settle<P: Policy>(
    settlement: &mut Settlement<P>,
    sides: &mut Sides,
    fault: Fault,
) -> Settling {
    match settlement.next(|| sides.fresh_id()) {
        Ok(Step::Read(query)) => settlement.take_rows(sides.database.fetch(&query)),
        Ok(Step::Look(inquiry)) if fault == Fault::None => {
            let wanted = inquiry.wanted.into_iter().collect();
            let at = stamp(sides.cloud.lower_bound(), inquiry.after);
            settlement.take_looks(sides.cloud.look(&wanted, at));
        }
        Ok(Step::Look(inquiry)) => return fail(settlement, &inquiry),
        Ok(Step::Write(plan)) => return Settling::Planned(*plan),
        Ok(Step::WritePart(_)) => unreachable!("every row of the model can hold every value"),
        Ok(Step::Done) => return Settling::Settled,
        Err(_) => return Settling::Failed,
    }
    Settling::Going
}

fn fail<P: Policy>(settlement: &mut Settlement<P>, inquiry: &Inquiry) -> Settling {
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
pub(super) fn take_answer<P: Policy>(
    settlement: &mut Settlement<P>,
    answer: Result<(), Refused>,
) -> Settling {
    let written = match answer {
        Ok(()) => Written::Applied,
        Err(Refused::Conflict) => Written::Changed,
        Err(Refused::LeaseLost) => return Settling::Failed,
    };
    match settlement.take_written(written) {
        Ok(()) if matches!(answer, Ok(())) => Settling::Settled,
        Ok(()) => Settling::Going,
        Err(_) => Settling::Failed,
    }
}

/// Writes a plan, unless there is nothing to write.
pub(super) fn write<P: Policy>(
    settlement: &mut Settlement<P>,
    sides: &mut Sides,
    plan: Plan,
) -> Settling {
    let answer = if plan.is_empty() {
        Ok(())
    } else {
        sides.database.apply(&WriteSet::of_plan(plan))
    };
    take_answer(settlement, answer)
}
