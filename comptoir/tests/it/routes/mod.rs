//! One file a route.

mod activate_user;
mod book_room;
mod cancel_reservation;
mod change_hotel;
mod change_password;
mod change_profile;
mod change_reservation;
mod change_roles;
mod check_in;
mod check_out;
mod confirm;
mod cookies;
mod create_hotel;
mod create_user;
mod deactivate_user;
mod declare_no_show;
mod delete_hotel;
mod erase_me;
mod forgot_password;
mod links;
mod list_hotels;
mod list_reservations;
mod list_users;
mod login;
mod logout;
mod me;
mod refresh;
mod register;
mod seller_requests;
mod sessions;
mod show_availability;
mod show_history;
mod show_hotel;
mod show_occupancy;
mod show_reservation;
mod show_user;

use domain::actor::Role;
use serde_json::{Value, json};
use service_kit::derived_token::Purpose;
use uuid::Uuid;

use crate::support::{Answer, Client, shared};

const PASSWORD: &str = "a long password";

/// Somebody who registered: the account and its address.
async fn registered(role: &str) -> (Uuid, String) {
    let email = format!("{}@example.com", Uuid::new_v4());
    let body = json!({ "email": email, "password": PASSWORD, "name": "Awa", "role": role });
    let path = "/api/auth/register";
    let made = shared().stranger().post(path, body).await.expect(201);
    (made.id(), email)
}

/// A buyer who may sign in.
async fn confirmed() -> (Uuid, String) {
    let (id, email) = registered("buyer").await;
    let token = shared().link(Purpose::ConfirmEmail, id).await;
    let body = json!({ "token": token });
    let path = "/api/auth/confirm";
    shared().stranger().post(path, body).await.expect(200);
    (id, email)
}

async fn sign_in(email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    shared().stranger().post("/api/auth/login", body).await
}

/// A client of whoever signed in.
fn client_of(signed_in: &Answer) -> Client {
    let token = text(signed_in, "access_token");
    shared().stranger().with_token(Uuid::nil(), token)
}

fn text(answer: &Answer, member: &str) -> String {
    answer.body[member].as_str().unwrap().to_owned()
}

async fn refresh(token: &str) -> Answer {
    let body = json!({ "refresh_token": token });
    shared().stranger().post("/api/auth/refresh", body).await
}

/// The account as an admin sees it, once `command` is visible.
async fn shown(command: &Answer, id: Uuid) -> Value {
    let admin = shared().client(&[Role::Admin]);
    let path = format!("/api/admin/users/{id}");
    admin.get_after(command, &path).await.expect(200).body
}
