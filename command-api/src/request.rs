//! What every command's request brings beside its body: who asks, and under which conditions.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, header};
use chrono::{DateTime, SubsecRound, Utc};
use domain::actor::{Actor, Role};
use event_store::append::Metadata;
use event_store::idempotency::Key;
use serde::de::DeserializeOwned;
use service_kit::access::MaybeCaller;
use service_kit::conditional::{if_match, single};
use service_kit::extract::{JsonBody, NoBody};
use service_kit::problem::Problem;
use service_kit::server::RequestId;
use uuid::Uuid;

use crate::App;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const OCCURRED_AT: HeaderName = HeaderName::from_static("occurred-at");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const LONGEST_KEY: usize = 255;

/// Who asks, and under which conditions.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The signed-in caller, on routes that demand one.
    pub actor: Option<Actor>,
    /// What the rules of the domain take for now.
    pub now: DateTime<Utc>,
    /// When it happened, for an import.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The version that the resource must have.
    pub if_match: Option<u64>,
    /// The caller's key, with a keyed digest of method, path and body.
    pub idempotency: Option<Key>,
    /// What is written with each event.
    pub metadata: Metadata,
}

/// A command without a body.
#[derive(Debug, Clone)]
pub struct Order(pub Envelope);

/// A command with a JSON body.
#[derive(Debug, Clone)]
pub struct OrderWith<T>(pub Envelope, pub T);

impl Envelope {
    /// The signed-in caller.
    ///
    /// # Errors
    /// `401` when there is none.
    pub fn actor(&self) -> Result<&Actor, Problem> {
        self.actor
            .as_ref()
            .ok_or_else(|| Problem::unauthorized("sign in first"))
    }
}

impl Envelope {
    /// The same of a command that `account` gives about itself before it is signed in.
    pub(crate) fn by(mut self, account: Uuid) -> Self {
        self.metadata.actor = Some(account);
        self
    }

    /// The same without a key: what it is given, or gives, is secret, so no answer is kept.
    pub(crate) fn without_key(self) -> Self {
        Self {
            idempotency: None,
            ..self
        }
    }
}

impl FromRequest<App> for Order {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let MaybeCaller(actor) = MaybeCaller::from_request_parts(&mut parts, app).await?;
        NoBody::read(body).await?;
        Ok(Self(envelope(app, &parts, actor, &Bytes::new())?))
    }
}

impl<T: DeserializeOwned> FromRequest<App> for OrderWith<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let MaybeCaller(actor) = MaybeCaller::from_request_parts(&mut parts, app).await?;
        let body = JsonBody::read(&parts.headers, body).await?;
        let envelope = envelope(app, &parts, actor, &body.bytes)?;
        Ok(Self(envelope, body.value))
    }
}

fn envelope(
    app: &App,
    parts: &Parts,
    actor: Option<Actor>,
    body: &Bytes,
) -> Result<Envelope, Problem> {
    let real = Utc::now().trunc_subsecs(6);
    let occurred_at = occurred_at(parts, actor.as_ref(), real)?;
    let request_id = parts
        .extensions
        .get::<RequestId>()
        .map(|id| id.0.clone())
        .unwrap_or_default();
    let metadata = Metadata {
        actor: actor.as_ref().map(|actor| actor.account),
        correlation_id: request_id.clone(),
        causation_id: request_id.clone(),
        request_id,
        traceparent: traceparent(parts)?,
        imported: occurred_at.is_some(),
    };
    Ok(Envelope {
        now: occurred_at.unwrap_or(real),
        occurred_at,
        if_match: if_match(&parts.headers)?,
        idempotency: idempotency(app, parts, actor.as_ref(), body)?,
        metadata,
        actor,
    })
}

/// History is an admin's to import, and is past.
fn occurred_at(
    parts: &Parts,
    actor: Option<&Actor>,
    real: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(text) = single(&parts.headers, &OCCURRED_AT)? else {
        return Ok(None);
    };
    if !actor.is_some_and(|actor| actor.is(Role::Admin)) {
        return Err(Problem::forbidden("history is an admin's to import"));
    }
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| Problem::malformed("Occurred-At is a time of RFC 3339"))?
        .to_utc()
        .trunc_subsecs(6);
    if time > real {
        let why = "what is imported has happened already: the time is in the future";
        return Err(Problem::invalid("Occurred-At", why));
    }
    Ok(Some(time))
}

fn idempotency(
    app: &App,
    parts: &Parts,
    actor: Option<&Actor>,
    body: &Bytes,
) -> Result<Option<Key>, Problem> {
    let Some(key) = single(&parts.headers, &IDEMPOTENCY_KEY)? else {
        return Ok(None);
    };
    let fits = (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if !fits {
        let why = "Idempotency-Key has 1 to 255 visible ASCII characters";
        return Err(Problem::malformed(why));
    }
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let request = [method.as_bytes(), path.as_bytes(), body.as_ref()];
    let digest = app.master_key.digest("request", &request);
    let scope = match actor {
        Some(actor) => actor.account.to_string(),
        // Strangers share no keys: theirs are good for the very same request only.
        None => format!("{method} {path} {digest:02x?}"),
    };
    Ok(Some(Key {
        scope,
        key: key.to_owned(),
        digest,
    }))
}

/// The caller's trace (W3C Trace Context), if it is one.
fn traceparent(parts: &Parts) -> Result<Option<String>, Problem> {
    let Some(text) = single(&parts.headers, &TRACEPARENT)? else {
        return Ok(None);
    };
    let mut fields = text.split('-').map(str::len);
    let lengths = [2, 32, 16, 2];
    let fits = lengths.iter().all(|length| fields.next() == Some(*length))
        && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    // By the standard one that can't be read is as good as none.
    Ok(fits.then(|| text.to_owned()))
}

/// `Idempotency-Replayed`, on an answer that was given before.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
pub(crate) const LOCATION: HeaderName = header::LOCATION;
