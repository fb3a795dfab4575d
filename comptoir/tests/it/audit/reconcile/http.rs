//! The same over HTTP, for admins.

use comptoir::contexts::Contexts;
use domain::actor::Role::{Admin, Hotelier};
use futures::StreamExt;
use serde_json::Value;
use tokio::net::TcpListener;

use super::LIMIT;
use crate::runtime::history;
use crate::support::{System, wait_for};

const PATH: &str = "/api/audit/reconcile";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_has_it_streamed_and_one_at_a_time() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let admin = system.client(&[Admin]);
    system
        .client(&[Hotelier])
        .get(PATH)
        .await
        .problem(403, "forbidden");
    for query in [
        "?from=0",
        "?to=0",
        "?from=9&to=8",
        "?from=1000000",
        "?from=x",
        "?since=1",
    ] {
        let answer = admin.get(&format!("{PATH}{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    let url = format!("http://{}{PATH}?all=true", system.address);
    let actor = domain::actor::Actor {
        account: uuid::Uuid::now_v7(),
        roles: vec![Admin],
    };
    let token = system.tokens.issue(&actor, chrono::Utc::now()).unwrap();
    let ask = || {
        let asking = reqwest::Client::new().get(&url).bearer_auth(&token).send();
        async { asking.await.unwrap() }
    };
    let answer = ask().await;
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    let text = answer.text().await.unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!(summary["findings"], 0, "{summary}");
    let positions = lines
        .iter()
        .filter(|line| line["told"] == "position")
        .count();
    assert_eq!(summary["to"], positions);
    assert!(
        summary["kafka"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );

    // While another audit has the turn it is not answered; and who goes away leaves it.
    let app = system.queries.clone();
    let turn = app.audits.clone().try_acquire_owned().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{PATH}", listener.local_addr().unwrap());
    let (router, _) = read_api::router(app.clone(), read_api::CONTEXTS)
        .0
        .split_for_parts();
    let serving = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    let ask = || async {
        let asking = reqwest::Client::new().get(&url).bearer_auth(&token);
        asking.send().await.unwrap()
    };
    let refused = ask().await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "10");
    drop(turn);
    let mut listening = ask().await.bytes_stream();
    assert!(listening.next().await.is_some());
    drop(listening);
    let _turn = wait_for("the turn", LIMIT, || async {
        app.audits.clone().try_acquire_owned().ok()
    })
    .await;
    serving.abort();
    system.stop.cancel();
}
