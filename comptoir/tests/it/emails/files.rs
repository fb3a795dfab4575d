//! E-mails as files, as admins see them, and what they do about them.

use std::path::PathBuf;

use domain::actor::Role::{Admin, Buyer};
use domain::decisions::queue_email::queue_email;
use domain::identity::account::{self, Account};
use domain::language::Language;
use domain::streams::Streams;
use domain::support::email::{Email, Reason, Template};
use event_store::append::Request;
use uuid::Uuid;

use super::{LIMIT, run, told_of};
use crate::support::{System, shared, wait_for};

async fn write_to(system: &System, account: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let decide = move |streams: &mut Streams| {
        let template = Template::PasswordChanged {};
        queue_email(streams, id, account, Language::French, template)
    };
    run(&system.log, Request::default(), decide).await;
    id
}

#[tokio::test]
async fn an_email_is_a_file_and_a_row() {
    let system = shared();
    let admin = system.client(&[Admin]);
    let (account, address) = admin.user(&[Buyer]).await;
    let id = write_to(system, account).await;
    let path = format!("/api/emails/{id}");
    let shown = wait_for("the row", LIMIT, || async {
        let shown = admin.get(&path).await;
        (shown.body["status"] == "sent").then_some(shown.body)
    })
    .await;
    assert_eq!(shown["recipient"], address);
    assert_eq!(shown["account_id"], account.to_string());
    assert_eq!(shown["template"], "password_changed");
    assert_eq!(shown["language"], "fr");
    assert_eq!(shown["attempts"], 1);
    let listed = admin
        .get(&format!("/api/emails?account_id={account}&status=sent"))
        .await
        .expect(200);
    assert_eq!(listed.body["count"], 1);
    assert_eq!(listed.body["results"][0], shown);
    let none = format!("/api/emails?account_id={account}&status=queued");
    assert_eq!(admin.get(&none).await.expect(200).body["count"], 0);
    admin.get("/api/emails?status=lost").await.expect(400);

    let folder: PathBuf = system.mail.join(account.to_string());
    let file = std::fs::read_to_string(folder.join(format!("{id}.eml"))).unwrap();
    assert!(file.contains(&format!("To: {address}")), "{file}");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);

    let again = admin.order(&format!("{path}/retry")).await;
    again.problem(409, "email-not-given-up");
    let nobody = format!("/api/emails/{}", Uuid::nil());
    admin.get(&nobody).await.problem(404, "email-unknown");
    let again = admin.order(&format!("{nobody}/retry")).await;
    again.problem(404, "email-unknown");
}

/// The files that somebody was sent go with the account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_to_somebody_who_is_erased_is_taken_away() {
    let system = shared();
    let admin = system.client(&[Admin]);
    let (account, _) = admin.user(&[Buyer]).await;
    let id = write_to(system, account).await;
    told_of(&system.log, id, 1).await;
    let folder = system.mail.join(account.to_string());
    assert!(folder.exists());
    let erase =
        move |streams: &mut Streams| streams.decide::<Account>(account, account::Command::Erase);
    run(&system.log, Request::default(), erase).await;
    wait_for("the folder to go", LIMIT, || async {
        (!folder.exists()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_admin_sees_what_was_given_up_and_retries_it() {
    let system = shared();
    let admin = system.client(&[Admin]);
    let (account, _) = admin.user(&[Buyer]).await;
    // In the way of the person's folder.
    std::fs::create_dir_all(&system.mail).unwrap();
    let in_the_way = system.mail.join(account.to_string());
    std::fs::write(&in_the_way, "").unwrap();
    let id = write_to(system, account).await;
    let path = format!("/api/emails/{id}");
    let shown = wait_for("the failure", LIMIT, || async {
        let shown = admin.get(&path).await;
        (shown.body["attempts"] == 1).then_some(shown.body)
    })
    .await;
    assert_eq!(shown["status"], "queued");
    assert_eq!(shown["trouble"]["kind"], "not_written");
    assert!(shown["next_at"].is_string());
    let give_up = move |streams: &mut Streams| {
        let why = Reason::Address {};
        let give_up = domain::support::email::Command::GiveUp { attempt: 2, why };
        streams.decide::<Email>(id, give_up)
    };
    run(&system.log, Request::default(), give_up).await;
    wait_for("the end", LIMIT, || async {
        let given_up = admin.get("/api/emails?status=given_up&page_size=100").await;
        let ids = given_up.body["results"].as_array().cloned()?;
        ids.iter()
            .any(|one| one["id"] == id.to_string())
            .then_some(())
    })
    .await;
    std::fs::remove_file(&in_the_way).unwrap();
    let retried = admin.order(&format!("{path}/retry")).await.expect(200);
    assert_eq!(retried.version(), 4);
    told_of(&system.log, id, 4).await;
    assert!(in_the_way.join(format!("{id}.eml")).exists());
}
