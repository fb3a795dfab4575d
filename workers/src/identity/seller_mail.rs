//! Who wants to sell is told that it was heard, and what came of it.

use domain::decisions::queue_email::queue_email;
use domain::identity::seller_request::{Event, SellerRequest, Status, requested};
use domain::streams::{Halt, Streams};
use domain::support::email::{Template, email_id};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::runtime::{Happened, Policy, Reaction};

/// The policy.
pub struct SellerMail;

/// Somebody to be told how their request stands. What is told beside it is personal, so it is read
/// when that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tell {
    /// The e-mail.
    pub email_id: Uuid,
    /// The request.
    pub request_id: Uuid,
    /// How it stands.
    pub status: Status,
}

impl Policy for SellerMail {
    const NAME: &'static str = "seller_mail";
    type Of = SellerRequest;
    type Command = Tell;

    fn react(happened: &Happened<'_, SellerRequest>) -> Vec<Reaction<Tell>> {
        let status = match &happened.event {
            Event::SellerRequested { .. } => Status::Pending,
            Event::SellerRequestApproved { .. } => Status::Approved,
            Event::SellerRequestRejected { .. } => Status::Rejected,
            Event::SellerRequestWithdrawn {} => return vec![],
        };
        vec![Reaction::Do(Tell {
            email_id: email_id(Self::NAME, happened.recorded.event_id),
            request_id: happened.recorded.aggregate_id,
            status,
        })]
    }

    fn carry_out(tell: Tell, streams: &mut Streams) -> Result<(), Halt> {
        let state = streams.state::<SellerRequest>(tell.request_id)?;
        let request = requested(&state)?;
        let template = match (tell.status, &request.reason) {
            (Status::Pending, _) => Template::SellerRequested {},
            (Status::Approved, _) => Template::SellerApproved {},
            (Status::Rejected, Some(reason)) => Template::SellerRejected {
                reason: reason.clone(),
            },
            (Status::Rejected, None) | (Status::Withdrawn, _) => return Ok(()),
        };
        let (account, language) = (request.account_id, request.language);
        queue_email(streams, tell.email_id, account, language, template)
    }
}
