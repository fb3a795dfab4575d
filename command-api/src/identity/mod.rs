//! The commands of identity.

pub mod change_password;
mod find;
pub mod first_admin;
mod lockout;
pub mod login;
pub mod me;
pub mod passwords;
pub mod register;
pub mod seller_requests;
pub mod sessions;
pub mod signed_in;
pub mod sweep;
pub mod users;

use axum::http::{HeaderMap, header};
use domain::actor::Role::Admin;
use domain::language::Language;
use service_kit::access::{Access, Routes, Whose};
use utoipa_axum::routes;

use crate::App;

const ADMIN: Access = Access::Roles(&[Admin]);

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(Access::Anyone, Whose::Platform, routes!(register::register))
        .allow(Access::Anyone, Whose::Platform, routes!(register::confirm))
        .allow(Access::Anyone, Whose::Platform, routes!(login::login))
        .allow(Access::Anyone, Whose::Platform, routes!(sessions::refresh))
        .allow(Access::Anyone, Whose::Platform, routes!(sessions::logout))
        .allow(
            Access::Anyone,
            Whose::Platform,
            routes!(change_password::forgot_password),
        )
        .allow(
            Access::Anyone,
            Whose::Platform,
            routes!(change_password::reset_password),
        )
        .allow(
            Access::SignedIn,
            Whose::Caller,
            routes!(change_password::change_password),
        )
        .allow(
            Access::SignedIn,
            Whose::Owner("whose session it is"),
            routes!(sessions::revoke_session),
        )
        .allow(
            Access::SignedIn,
            Whose::Caller,
            routes!(sessions::revoke_sessions),
        )
        .allow(Access::SignedIn, Whose::Caller, routes!(me::change_profile))
        .allow(Access::SignedIn, Whose::Caller, routes!(me::erase))
        .allow(ADMIN, Whose::Platform, routes!(users::create_user))
        .allow(ADMIN, Whose::Platform, routes!(users::activate_user))
        .allow(ADMIN, Whose::Platform, routes!(users::deactivate_user))
        .allow(ADMIN, Whose::Platform, routes!(users::change_roles))
        .allow(ADMIN, Whose::Platform, routes!(seller_requests::approve))
        .allow(ADMIN, Whose::Platform, routes!(seller_requests::reject))
}

/// The language in which whoever asks is written to.
fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    accepted.map_or_else(Language::default, Language::accepted)
}
