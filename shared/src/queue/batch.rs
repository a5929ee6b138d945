//! Tells SQS which messages of a batch are to be delivered again (pure).

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};

/// The answer of a worker: the ids of the messages whose handling failed, and no others.
pub fn partial_failures<E>(
    outcomes: impl IntoIterator<Item = (String, Result<(), E>)>,
) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for (message_id, outcome) in outcomes {
        if outcome.is_err() {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failed_messages_come_back() {
        let outcomes = [("a", Ok(())), ("b", Err("why")), ("c", Ok(()))];
        let response = partial_failures(outcomes.map(|(id, outcome)| (id.to_owned(), outcome)));
        assert_eq!(
            serde_json::to_string(&response).unwrap(),
            r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#
        );
    }
}
