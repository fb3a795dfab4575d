use std::path::Path;
use std::time::{Duration, Instant};

use chrono::Utc;
use domain::support::email::{Event, Reason, Template, Trouble};
use service_kit::derived_token::{DerivedTokens, Purpose};
use uuid::Uuid;
use workers::mail::Mail;
use workers::runtime::{Registered, replay};

use super::server::{Manner, SmtpServer};
use super::{LIMIT, import, key, mail, now, own_log, queue, retry, told, told_of, workers_of};
use crate::support::wait_for;
use crate::workers::policies::ExpireOrders;
use crate::workers::process::Worker;

const TO: &str = "awa@example.org";
const TEMPLATE: Template = Template::SellerApproved {};

fn by(server: &SmtpServer) -> Mail {
    mail(Some(&server.url()), Path::new("unused"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_is_sent_once_with_a_link_that_is_derived_then() {
    let (log, _) = own_log().await;
    let server = SmtpServer::start(Manner::Takes).await;
    let worker = Worker::of(&log, workers_of(&log, by(&server))).await;
    let token_id = Uuid::now_v7();
    let expires_at = Utc::now();
    let template = Template::ConfirmEmail {
        token_id,
        expires_at,
    };
    let (id, person) = queue(&log, TO, template).await;
    assert_eq!(
        told_of(&log, id, 1).await,
        [Event::EmailSent { attempt: 1 }]
    );
    let received = server.received().remove(0);
    assert_eq!(received.to, TO);
    assert_eq!(
        received.header("Message-ID"),
        format!("<{id}@comptoir.example>")
    );
    // The end of the link is in the text, folded by soft breaks.
    let text = received.message.replace("=\n", "");
    let link = text
        .split("https://comptoir.example/confirm?token=3D")
        .nth(1);
    let token = link.unwrap().split_whitespace().next().unwrap();
    let ids = DerivedTokens::new(&key()).read(Purpose::ConfirmEmail, token);
    assert_eq!(ids, Some([person, token_id]));
    replay::ask(log.pool(), "deliver_email", 0).await.unwrap();
    import(&log, TO, TEMPLATE).await;
    let (last, _) = queue(&log, TO, TEMPLATE).await;
    told_of(&log, last, 1).await;
    assert_eq!(server.received().len(), 2, "no replay, no import");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_refuses_for_now_is_attempted_again() {
    let (log, _) = own_log().await;
    let server = SmtpServer::start(Manner::RefusesRecipients(451)).await;
    let worker = Worker::of(&log, workers_of(&log, by(&server))).await;
    let (id, _) = queue(&log, TO, TEMPLATE).await;
    let Event::EmailAttemptFailed {
        attempt: 1,
        why,
        next_at,
    } = told_of(&log, id, 1).await.remove(0)
    else {
        panic!("it did not fail");
    };
    assert_eq!(why, Trouble::Refused { code: Some(451) });
    let wait = (next_at - Utc::now()).as_seconds_f64();
    assert!((10.0..30.0).contains(&wait), "{wait}");
    server.behave(Manner::Takes);
    now(&log).await;
    let told = told_of(&log, id, 2).await;
    assert_eq!(told[1], Event::EmailSent { attempt: 2 });
    assert_eq!(server.received().len(), 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_refuses_for_good_is_given_up_until_somebody_retries_it() {
    let (log, _) = own_log().await;
    let server = SmtpServer::start(Manner::RefusesRecipients(550)).await;
    let worker = Worker::of(&log, workers_of(&log, by(&server))).await;
    let (id, _) = queue(&log, TO, TEMPLATE).await;
    let why = Reason::Refused { code: Some(550) };
    let given_up = Event::EmailGivenUp { attempt: 1, why };
    assert_eq!(told_of(&log, id, 1).await, [given_up]);
    server.behave(Manner::Takes);
    retry(&log, id).await;
    let told = told_of(&log, id, 3).await;
    let attempt = 2;
    assert_eq!(
        told[1..],
        [
            Event::EmailRetried { attempt },
            Event::EmailSent { attempt }
        ]
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_is_not_given_up_when_the_server_takes_nobodys() {
    let (log, _) = own_log().await;
    let server = SmtpServer::start(Manner::RefusesEverybody(554)).await;
    let worker = Worker::of(&log, workers_of(&log, by(&server))).await;
    let (id, _) = queue(&log, TO, TEMPLATE).await;
    let told = told_of(&log, id, 1).await;
    let why = Trouble::Refused { code: Some(554) };
    assert!(
        matches!(told[0], Event::EmailAttemptFailed { why: of, .. } if of == why),
        "{told:?}"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_after_the_message_may_send_it_twice_under_one_id() {
    let (log, _) = own_log().await;
    let server = SmtpServer::start(Manner::CutsAfterData).await;
    let worker = Worker::of(&log, workers_of(&log, by(&server))).await;
    let (id, _) = queue(&log, TO, TEMPLATE).await;
    let told = told_of(&log, id, 1).await;
    let why = Trouble::Unreachable {};
    assert!(
        matches!(told[0], Event::EmailAttemptFailed { why: of, .. } if of == why),
        "{told:?}"
    );
    server.behave(Manner::Takes);
    now(&log).await;
    told_of(&log, id, 2).await;
    let ids: Vec<String> = server
        .received()
        .iter()
        .map(|received| received.header("Message-ID"))
        .collect();
    assert_eq!(ids, [ids[0].clone(), ids[0].clone()]);
    worker.stop().await;
}

/// Eight connections hang, and everything else goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_holds_up_nothing_else() {
    let (log, url) = own_log().await;
    let server = SmtpServer::start(Manner::Hangs).await;
    let mut slow = by(&server);
    slow.transport = slow.transport.within(Duration::from_secs(4));
    let mut all = workers_of(&log, slow);
    all.push(Registered::policy::<ExpireOrders>());
    let worker = Worker::of(&log, all).await;
    let began = Instant::now();
    let mut emails = Vec::new();
    for _ in 0..10 {
        emails.push(queue(&log, TO, TEMPLATE).await.0);
    }
    let toys = crate::workers::process::open(&url, "toys").await;
    let order = Uuid::now_v7();
    let due = Some(Utc::now());
    crate::workers::happen(&toys, order, crate::workers::order::Event::Ordered { due }).await;
    wait_for("the timer", LIMIT, || async {
        (crate::workers::times(&toys, order, "expired").await == 1).then_some(())
    })
    .await;
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "it waited for the server"
    );
    assert!(told(&log, emails[0]).await.is_empty());
    for email in emails {
        let told = told_of(&log, email, 1).await;
        let why = Trouble::TimedOut {};
        assert!(
            matches!(told[0], Event::EmailAttemptFailed { why: of, .. } if of == why),
            "{told:?}"
        );
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_was_erased_is_not_written_to() {
    let (log, _) = own_log().await;
    let server = SmtpServer::start(Manner::Hangs).await;
    // Registered, but nobody sends yet.
    let all = workers_of(&log, by(&server));
    workers::runtime::register(&log, &all).await.unwrap();
    let (id, person) = queue(&log, TO, TEMPLATE).await;
    let (nowhere, _) = queue(&log, "nobody at all", TEMPLATE).await;
    log.erase(person).await.unwrap();
    server.behave(Manner::Takes);
    let worker = Worker::of(&log, all).await;
    let given_up = |why| Event::EmailGivenUp { attempt: 1, why };
    assert_eq!(told_of(&log, id, 1).await, [given_up(Reason::Erased {})]);
    assert_eq!(
        told_of(&log, nowhere, 1).await,
        [given_up(Reason::Address {})]
    );
    assert_eq!(server.received(), []);
    worker.stop().await;
}
