//! Workers as a deployment runs them.

use std::collections::BTreeSet;
use std::path::Path;

use comptoir::settings::Databases;
use domain::support::email::{Event, Template};

use super::server::{Manner, SmtpServer};
use super::{LIMIT, own_log, queue, told, told_of};
use crate::support::{Deployment, wait_for};

const TEMPLATE: Template = Template::PasswordChanged {};

fn deployment(url: &str, server: &SmtpServer, folder: &Path) -> Deployment {
    let databases = Databases {
        database_url: url.to_owned(),
        read_database_url: None,
    };
    let mut deployment = Deployment::new(databases, folder.join("log"));
    deployment.variables.push(("SMTP_URL", server.url()));
    deployment
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_send_every_email_once() {
    let (log, url) = own_log().await;
    let folder = tempfile::tempdir().unwrap();
    let server = SmtpServer::start(Manner::Takes).await;
    let deployment = deployment(&url, &server, folder.path());
    let mut workers = [
        deployment.start("worker").await,
        deployment.start("worker").await,
    ];
    let mut emails = Vec::new();
    for index in 0..60 {
        let to = format!("p{index}@example.org");
        emails.push((queue(&log, &to, TEMPLATE).await.0, to));
        if index == 30 {
            // Between two e-mails, or after one that it has not written down: see the next test.
            workers[0].signal("TERM");
        }
    }
    for (email, _) in &emails {
        told_of(&log, *email, 1).await;
    }
    assert!(workers[0].ended().await.success());
    let all: Vec<String> = server.received().into_iter().map(|one| one.to).collect();
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), 60);
    assert!(all.len() <= 60 + 8, "{}", all.len());
}

/// The one window: the server has the message, and the worker dies before it hears so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_while_the_server_answers_sends_again_under_the_same_id() {
    let (log, url) = own_log().await;
    let folder = tempfile::tempdir().unwrap();
    let server = SmtpServer::start(Manner::HangsAfterData).await;
    let deployment = deployment(&url, &server, folder.path());
    let mut worker = deployment.start("worker").await;
    let other = deployment.start("worker").await;
    // One of them has it, and may be frozen without another beginning.
    let (id, _) = queue(&log, "awa@example.org", TEMPLATE).await;
    wait_for("the message", LIMIT, || async {
        (!server.received().is_empty()).then_some(())
    })
    .await;
    for frozen in [&worker, &other] {
        frozen.signal("STOP");
    }
    server.behave(Manner::Takes);
    let third = deployment.start("worker").await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(
        server.received().len(),
        1,
        "a frozen worker keeps what it has"
    );
    assert!(told(&log, id).await.is_empty());
    worker.kill();
    drop(other);
    assert_eq!(
        told_of(&log, id, 1).await,
        [Event::EmailSent { attempt: 1 }]
    );
    let ids: Vec<String> = server
        .received()
        .iter()
        .map(|received| received.header("Message-ID"))
        .collect();
    assert_eq!(ids, vec![format!("<{id}@comptoir.example>"); 2]);
    drop(third);
}
