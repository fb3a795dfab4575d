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
use service_kit::access::{Access, Routes};
use utoipa_axum::routes;

use crate::App;

const ADMIN: Access = Access::Roles(&[Admin]);

/// Who may call what. What somebody is `SignedIn` for is about their own account alone.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(Access::Anyone, routes!(register::register))
        .allow(Access::Anyone, routes!(register::confirm))
        .allow(Access::Anyone, routes!(login::login))
        .allow(Access::Anyone, routes!(sessions::refresh))
        .allow(Access::Anyone, routes!(sessions::logout))
        .allow(Access::Anyone, routes!(change_password::forgot_password))
        .allow(Access::Anyone, routes!(change_password::reset_password))
        .allow(Access::SignedIn, routes!(change_password::change_password))
        .allow(Access::SignedIn, routes!(sessions::revoke_session))
        .allow(Access::SignedIn, routes!(sessions::revoke_sessions))
        .allow(Access::SignedIn, routes!(me::change_profile))
        .allow(Access::SignedIn, routes!(me::erase))
        .allow(ADMIN, routes!(users::create_user))
        .allow(ADMIN, routes!(users::activate_user))
        .allow(ADMIN, routes!(users::deactivate_user))
        .allow(ADMIN, routes!(users::change_roles))
        .allow(ADMIN, routes!(seller_requests::approve))
        .allow(ADMIN, routes!(seller_requests::reject))
}

/// The language in which whoever asks is written to.
fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    accepted.map_or_else(Language::default, Language::accepted)
}
