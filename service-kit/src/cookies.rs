//! Being signed in by cookies, for pages of browsers: their scripts see no token, so none can be
//! stolen from them.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use uuid::Uuid;

use crate::problem::Problem;
use crate::token::Tokens;

/// The cookie of the access token. The prefix has browsers refuse it from subdomains and over
/// plain HTTP (RFC 6265bis §4.1.3).
pub const ACCESS: &str = "__Host-comptoir-access";
/// The cookie of the refresh token, which comes along only where it is needed.
pub const REFRESH: &str = "__Secure-comptoir-refresh";
/// The cookie of the token against forged requests, which scripts of our own pages read.
pub const CSRF: &str = "__Host-comptoir-csrf";
/// The header in which they send it back.
pub const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// Where the refresh token is needed.
const REFRESH_PATH: &str = "/api/auth";

/// The cookies of a session.
#[derive(Debug)]
pub struct SessionCookies<'a> {
    /// The access token, and how long it is good for, in seconds.
    pub access: (&'a str, i64),
    /// The refresh token, and how long it is good for, in seconds.
    pub refresh: (&'a str, i64),
    /// What requests that change something must bring, as long as the refresh token.
    pub csrf: &'a str,
}

impl SessionCookies<'_> {
    /// What takes them all away again.
    pub const GONE: SessionCookies<'static> = SessionCookies {
        access: ("", 0),
        refresh: ("", 0),
        csrf: "",
    };

    /// Adds `Set-Cookie` headers.
    pub fn set(&self, headers: &mut HeaderMap) {
        let (access, refresh) = (self.access, self.refresh);
        for cookie in [
            cookie(ACCESS, access, "/", "; HttpOnly"),
            cookie(REFRESH, refresh, REFRESH_PATH, "; HttpOnly"),
            cookie(CSRF, (self.csrf, refresh.1), "/", ""),
        ] {
            // Tokens are base64 and dots, all of which may stand in a header.
            if let Ok(value) = HeaderValue::try_from(cookie) {
                headers.append(header::SET_COOKIE, value);
            }
        }
    }
}

fn cookie(name: &str, (value, seconds): (&str, i64), path: &str, more: &str) -> String {
    format!("{name}={value}; Path={path}; Max-Age={seconds}; Secure; SameSite=Strict{more}")
}

/// The value of the cookie `name`.
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter();
    let pairs = all.filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Makes sure that a request that came with the cookies of `session` is of our own page.
///
/// # Errors
/// `403 csrf-token`.
pub fn check_csrf(
    headers: &HeaderMap,
    tokens: &Tokens,
    session: Option<Uuid>,
) -> Result<(), Problem> {
    let token = headers.get(CSRF_HEADER);
    let token = token.and_then(|token| token.to_str().ok());
    match session.zip(token) {
        Some((session, token)) if tokens.is_csrf(session, token) => Ok(()),
        _ => {
            let detail = "with cookies, X-CSRF-Token is what signing in gave as csrf_token";
            Err(Problem::new(StatusCode::FORBIDDEN, "csrf-token", detail))
        }
    }
}
