//! A message as it goes out.

use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::address::{AddressError, Envelope};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use uuid::Uuid;

use super::render::Rendered;

/// A message as it goes out.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// To whom: an account.
    pub person: Uuid,
    /// Which e-mail.
    pub id: Uuid,
    /// From where and to where, for the server.
    pub envelope: Envelope,
    /// The whole of it (RFC 5322).
    pub bytes: Vec<u8>,
}

/// Why no message can be made.
#[derive(Debug, thiserror::Error)]
pub enum Unmailable {
    /// The address is none that mail can be sent to.
    #[error("no mail can be sent to such an address")]
    Address(#[from] AddressError),
    /// The message is none.
    #[error("a message: {0}")]
    Message(#[from] lettre::error::Error),
}

/// Says that nobody wrote it by hand (RFC 3834), so that no automatic answer comes back.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Outgoing {
    /// The e-mail `id` to `to`. Its Message-ID follows from the id, so that one that was sent twice
    /// can be told.
    ///
    /// # Errors
    /// See [`Unmailable`].
    pub fn compose(
        (id, person): (Uuid, Uuid),
        from: &Mailbox,
        to: &str,
        date: DateTime<Utc>,
        rendered: Rendered,
    ) -> Result<Self, Unmailable> {
        let to = Mailbox::new(None, to.parse()?);
        let message = Message::builder()
            .from(from.clone())
            .to(to)
            .subject(rendered.subject)
            .date(date.into())
            .message_id(Some(format!("<{id}@{}>", from.email.domain())))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(
                rendered.text,
                rendered.html,
            ))?;
        Ok(Self {
            person,
            id,
            envelope: message.envelope().clone(),
            bytes: message.formatted(),
        })
    }
}
