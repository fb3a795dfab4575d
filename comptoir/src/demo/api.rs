//! The public API as the play uses it: signed in, and patient with a server that is away.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::Options;
use super::bar::Bar;
use super::outcome::Outcome;
use super::reply::{self, Raw, Reply};
use super::request::Request;

pub(super) const CONSISTENCY_TOKEN: &str = "consistency-token";
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The API of one server, and who asks.
pub(super) struct Api {
    http: Client,
    base: String,
    email: String,
    password: String,
    access: RwLock<String>,
}

/// What became of a command.
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) id: Option<Uuid>,
    pub(super) token: Option<String>,
    pub(super) at: Instant,
}

#[derive(Deserialize)]
struct SignedIn {
    access_token: String,
}

impl Api {
    pub(super) fn new(options: &Options) -> anyhow::Result<Self> {
        let url = Url::parse(&options.url);
        let url = url.with_context(|| format!("{:?} is not a URL", options.url))?;
        ensure!(
            url.scheme() == "http",
            "the demo speaks http, not {}",
            url.scheme()
        );
        let http = Client::builder()
            .timeout(ANSWER_LIMIT)
            .redirect(redirect::Policy::none())
            // A proxy of the environment would not reach a server on this machine.
            .no_proxy();
        Ok(Self {
            http: http.build()?,
            base: url.as_str().trim_end_matches('/').to_owned(),
            email: options.email.clone(),
            password: options.password.clone(),
            access: RwLock::new(String::new()),
        })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Sends a command until it is decided: the same request with the same key each time.
    pub(super) async fn decide(&self, request: &Request, bar: &Bar) -> anyhow::Result<Answer> {
        let mut signed_in = false;
        let mut pause = FIRST_PAUSE;
        loop {
            let why = match self.attempt(self.command(request)).await? {
                Ok(raw) => match reply::read(&raw)? {
                    Reply::Decided { outcome, id } => {
                        bar.goes_on();
                        let (token, at) = (raw.token, Instant::now());
                        return Ok(Answer {
                            outcome,
                            id,
                            token,
                            at,
                        });
                    }
                    Reply::SignIn if signed_in => {
                        bail!("the server answered {}", reply::told(&raw))
                    }
                    Reply::SignIn => {
                        self.sign_in(bar).await?;
                        signed_in = true;
                        continue;
                    }
                    Reply::Later(why) => why,
                },
                Err(why) => why,
            };
            // A server that comes back may sign with another key.
            signed_in = false;
            wait(bar, &why, &mut pause).await;
        }
    }

    /// Signs in; waits for a server that is away.
    pub(super) async fn sign_in(&self, bar: &Bar) -> anyhow::Result<()> {
        let mut pause = FIRST_PAUSE;
        let credentials = json!({ "email": self.email, "password": self.password });
        loop {
            let login = self.http.post(format!("{}/api/auth/login", self.base));
            let why = match self.attempt(login.json(&credentials)).await? {
                Ok(raw) if raw.status.is_success() => {
                    let signed_in: SignedIn = serde_json::from_slice(&raw.body)
                        .context("the answer to the sign-in has no access token")?;
                    let mut access = self.access.write().unwrap_or_else(PoisonError::into_inner);
                    *access = signed_in.access_token;
                    bar.goes_on();
                    return Ok(());
                }
                Ok(raw) if is_for_now(raw.status) => reply::told(&raw),
                Ok(raw) => bail!("{} cannot sign in: {}", self.email, reply::told(&raw)),
                Err(why) => why,
            };
            wait(bar, &why, &mut pause).await;
        }
    }

    /// A query's status, with a consistency token; none where there is no answer.
    pub(super) async fn sees(&self, path: &str, token: &str) -> Option<StatusCode> {
        let query = self.http.get(format!("{}{path}", self.base));
        let query = self.authorized(query).header(CONSISTENCY_TOKEN, token);
        let answer = query.send().await.ok()?;
        let status = answer.status();
        answer.bytes().await.ok()?;
        Some(status)
    }

    fn command(&self, request: &Request) -> RequestBuilder {
        let post = self.http.post(format!("{}{}", self.base, request.path));
        let post = self
            .authorized(post)
            .header("idempotency-key", &request.key)
            .header("occurred-at", &request.occurred_at);
        match &request.body {
            Some(body) => post.json(body),
            None => post,
        }
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        let access = self.access.read().unwrap_or_else(PoisonError::into_inner);
        request.bearer_auth(&*access)
    }

    /// The whole answer, or why there is none.
    async fn attempt(&self, request: RequestBuilder) -> anyhow::Result<Result<Raw, String>> {
        let request = request.build().context("the request can't be made")?;
        Ok(self
            .whole_answer(request)
            .await
            .map_err(|error| cause(&error)))
    }

    async fn whole_answer(&self, request: reqwest::Request) -> reqwest::Result<Raw> {
        let answer = self.http.execute(request).await?;
        let token = answer.headers().get(CONSISTENCY_TOKEN);
        let token = token
            .and_then(|token| token.to_str().ok())
            .map(str::to_owned);
        Ok(Raw {
            status: answer.status(),
            token,
            body: answer.bytes().await?.to_vec(),
        })
    }
}

fn is_for_now(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
    )
}

async fn wait(bar: &Bar, why: &str, pause: &mut Duration) {
    bar.waiting(why);
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}

/// The innermost cause: "connection refused" rather than "error sending request".
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
