//! `?as_of=`: what queries answered then is what they answer as of then.

use chrono::{DateTime, SecondsFormat, Utc};
use comptoir::contexts::Contexts;
use domain::actor::Role::{Admin, Buyer, Hotelier};
use event_store::Position;
use event_store::as_of::AsOf;
use projections::rebuild::replay::{Schema, drop};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;
use uuid::Uuid;

use super::{LIMIT, replayed as replayed_as_usual};
use crate::projector::one_truth::people;
use crate::runtime::{caught_up, history};
use crate::support::{Answer, Client, Deployment, System, wait_for};

/// `path` as of a moment.
fn as_of(path: &str, moment: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}as_of={moment}")
}

/// Queries of every kind that can be asked about the past.
fn queries(hotel: Uuid, reservation: Uuid, account: Uuid) -> Vec<String> {
    let (from, to) = (Client::day(3), Client::day(9));
    vec![
        "/api/hotels?ordering=-created_at&page_size=2".to_owned(),
        format!("/api/hotels?available_from={from}&available_to={to}&guests=2&search=teranga"),
        format!("/api/hotels/{hotel}"),
        format!("/api/hotels/{hotel}/availability?from={from}&to={to}"),
        format!("/api/dashboard/occupancy?hotel_id={hotel}&from={from}&to={to}"),
        "/api/reservations?ordering=-booked_at&page_size=3".to_owned(),
        "/api/reservations?ordering=booked_at&cursor=&page_size=3".to_owned(),
        "/api/reservations?status=cancelled".to_owned(),
        format!("/api/reservations/{reservation}"),
        "/api/admin/users?ordering=-registered_at".to_owned(),
        format!("/api/admin/users/{account}"),
        "/api/admin/seller-requests".to_owned(),
        "/api/emails".to_owned(),
    ]
}

/// What a query answers: its pages, each with how it is asked for.
type Pages = Vec<(String, Value)>;

async fn pages(admin: &Client, path: &str) -> Pages {
    let (mut pages, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let body = admin.get(&path).await.expect(200).body;
        next = body["next"].as_str().map(str::to_owned);
        pages.push((path, body));
    }
    pages
}

/// What `paths` answer, when nothing happens meanwhile; and as of when that is.
async fn answers(
    system: &System,
    admin: &Client,
    paths: &[String],
) -> (Position, DateTime<Utc>, Vec<Pages>) {
    loop {
        caught_up(&system.log, &system.read).await;
        let before = system.log.head().await.unwrap();
        let mut answers = Vec::new();
        for path in paths {
            answers.push(pages(admin, path).await);
        }
        let now = Utc::now();
        if system.log.head().await.unwrap() == before {
            return (before, now, answers);
        }
    }
}

/// A body without what its links say of the moment.
fn without_moment(mut body: Value, moment: &str) -> Value {
    for link in ["next", "previous"] {
        if let Some(text) = body[link].as_str() {
            body[link] = json!(text.replace(&format!("&as_of={moment}"), ""));
        }
    }
    body
}

/// Everything that the queries show changes.
async fn goes_on(system: &System, admin: &Client, hotel: Uuid, reservation: Uuid, account: Uuid) {
    let mut body = Client::hotel_body(7);
    body["name"] = json!("Another name");
    admin
        .put(&format!("/api/hotels/{hotel}"), body)
        .await
        .expect(200);
    admin.book(hotel, 3, 6).await.expect(201);
    let cancel = format!("/api/reservations/{reservation}/cancel");
    admin.order(&cancel).await.expect(200);
    let deactivate = format!("/api/admin/users/{account}/deactivate");
    admin.order(&deactivate).await.expect(200);
    admin.hotel(3).await;
    let requests = "/api/admin/seller-requests?status=pending";
    let pending = admin.get(requests).await.expect(200).body;
    let pending = pending["results"][0]["id"].as_str().unwrap();
    let approve = format!("/api/admin/seller-requests/{pending}/approve");
    admin.order(&approve).await.expect(200);
    caught_up(&system.log, &system.read).await;
}

/// Does what the problem says that makes the replays which are missing.
async fn replay_as_told(system: &System, problem: &Answer) {
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::new(system.databases.clone(), folder.path().join("log"));
    let command = problem.body["command"].as_str().unwrap();
    let arguments: Vec<&str> = command.split(' ').skip(1).collect();
    let run = deployment.run(&arguments).await;
    assert!(run.success(), "{command}: {}", deployment.printed());
}

/// A system with some history, and of it a hotel, a reservation and an account.
async fn with_history() -> (System, Client, [Uuid; 3]) {
    let system = System::start(Contexts::all()).await;
    let admin = system.client(&[Admin]);
    let (account, _) = admin.user(&[Buyer]).await;
    history(&system).await;
    let hotel = admin.hotel(5).await;
    admin.book(hotel, 4, 5).await.expect(201);
    let reservation = admin.book(hotel, 4, 8).await.expect(201).id();
    (system, admin, [hotel, reservation, account])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_answer_as_they_did_then() {
    let (system, admin, [hotel, reservation, account]) = with_history().await;
    people(&system).await;
    let paths = queries(hotel, reservation, account);
    let (then, time, answers) = answers(&system, &admin, &paths).await;
    goes_on(&system, &admin, hotel, reservation, account).await;
    for (path, answer) in paths.iter().zip(&answers) {
        let now = pages(&admin, path).await;
        // Whether the next e-mail is queued by now is open.
        assert!(
            &now != answer || path == "/api/emails",
            "{path} shows nothing new"
        );
    }
    let time = time.to_rfc3339_opts(SecondsFormat::Micros, true);
    for moment in [then.to_string(), time] {
        for (path, body) in answers.iter().flatten() {
            let asked = as_of(path, &moment);
            let mut answer = admin.get(&asked).await;
            if answer.status == 409 {
                let problem = answer.problem(409, "not-replayed");
                assert_eq!(problem.body["position"], then, "{asked}");
                replay_as_told(&system, &problem).await;
                answer = admin.get(&asked).await;
            }
            let answered = without_moment(answer.expect(200).body, &moment);
            assert_eq!(&answered, body, "{asked}");
        }
    }
    system.stop.cancel();
}

/// For admins alone, of moments that have come, and of queries that can answer it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_and_what_can_not_be_asked_is_refused() {
    let (system, admin, [hotel, reservation, account]) = with_history().await;
    let tomorrow = Utc::now() + chrono::TimeDelta::days(1);
    let tomorrow = tomorrow.to_rfc3339_opts(SecondsFormat::Secs, true);
    let hotelier = system.client(&[Hotelier, Buyer]);
    for path in queries(hotel, reservation, account) {
        let asked = as_of(&path, "1");
        let open = path.starts_with("/api/hotels");
        let stranger = system.stranger().get(&asked).await;
        assert_eq!(stranger.status, if open { 403 } else { 401 }, "{asked}");
        hotelier.get(&asked).await.problem(403, "forbidden");
        for moment in ["", "x", "-1", "2026-02-30T00:00:00Z", "99999999", &tomorrow] {
            let refused = admin.get(&as_of(&path, moment)).await;
            assert_eq!(refused.status, 400, "{path} as of {moment:?}: {refused:?}");
        }
        let twice = as_of(&asked, "1");
        assert_eq!(admin.get(&twice).await.status, 400, "{twice}");
        // As a client may write it, too.
        let written = asked.replace("as_of", "as%5fof");
        let is_list = admin.get(&path).await.expect(200).body["results"].is_array();
        let refused = admin.get(&written).await;
        assert_eq!(refused.status, if is_list { 409 } else { 404 }, "{written}");
        let token = ("consistency-token", "nonsense".to_owned());
        let refused = admin.send(Method::GET, &asked, &[token], None).await;
        refused.problem(400, "malformed");
    }
    for path in [
        format!("/api/reservations/{reservation}/history"),
        "/api/auth/me".to_owned(),
        "/api/auth/sessions".to_owned(),
    ] {
        let refused = admin.get(&as_of(&path, "1")).await;
        refused.problem(400, "unknown-parameter");
    }
    system.stop.cancel();
}

/// Tags of the past are those of no version, and of no answer of today.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_of_the_past_are_their_own() {
    let (system, admin, [_, reservation, _]) = with_history().await;
    let path = format!("/api/reservations/{reservation}");
    let (then, ..) = answers(&system, &admin, std::slice::from_ref(&path)).await;
    let asked = as_of(&path, &then.to_string());
    let (now, past) = (admin.get(&path).await, admin.get(&asked).await);
    assert_eq!(now.body, past.body);
    let (now, past) = (now.header("etag"), past.header("etag"));
    assert_ne!(now, past);
    let known = async |path: &str, tag: &str| {
        let headers = [("if-none-match", tag.to_owned())];
        admin.send(Method::GET, path, &headers, None).await.status
    };
    assert_eq!(known(&asked, &past).await, 304);
    assert_eq!(known(&asked, &now).await, 200);
    assert_eq!(known(&path, &past).await, 200);
    assert_eq!(known(&path, &now).await, 304);
    let cancel = format!("{path}/cancel");
    let headers = [("if-match", past)];
    let refused = admin.send(Method::POST, &cancel, &headers, None).await;
    refused.problem(400, "malformed");
    system.stop.cancel();
}

/// What is about one thing is folded from its streams where no replay is, and from a replay with the
/// same answer where there is; what is not there yet is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_thing_is_answered_without_a_replay() {
    let (system, admin, [hotel, reservation, account]) = with_history().await;
    people(&system).await;
    let list = admin
        .get("/api/admin/seller-requests")
        .await
        .expect(200)
        .body;
    let request = list["results"][0]["id"].as_str().unwrap();
    let list = admin.get("/api/emails").await.expect(200).body;
    let email = list["results"][0]["id"].as_str().unwrap();
    let mut paths = queries(hotel, reservation, account);
    paths.retain(|path| path.contains(&hotel.to_string()) || !path.contains('?'));
    paths.retain(|path| path != "/api/admin/seller-requests" && path != "/api/emails");
    paths.push(format!("/api/admin/seller-requests/{request}"));
    paths.push(format!("/api/emails/{email}"));
    assert_eq!(paths.len(), 7, "{paths:?}");
    let (then, _, answers) = answers(&system, &admin, &paths).await;
    goes_on(&system, &admin, hotel, reservation, account).await;
    let rooms = |name: &str| {
        let mut body = Client::hotel_body(5);
        body["room_types"][0]["code"] = json!(name);
        body
    };
    // A type of room that is not offered any more has its nights still.
    let elsewhere = admin.post("/api/hotels", rooms("suite")).await.created();
    admin
        .put(&format!("/api/hotels/{elsewhere}"), rooms("single"))
        .await
        .expect(200);
    for replayed in [false, true] {
        for (path, body) in answers.iter().flatten() {
            let asked = as_of(path, &then.to_string());
            let answered = admin.get(&asked).await.expect(200).body;
            assert_eq!(&answered, body, "{asked} {replayed}");
            let before = admin.get(&as_of(path, "0")).await;
            assert_eq!(before.status, 404, "{before:?}");
        }
        let now = system.log.head().await.unwrap().to_string();
        for what in ["", "/availability?from=2031-01-01&to=2031-01-05"] {
            let path = format!("/api/hotels/{elsewhere}{what}");
            let body = admin.get(&path).await.expect(200).body;
            let answered = admin.get(&as_of(&path, &now)).await.expect(200).body;
            assert_eq!(answered, body, "{path}");
        }
        for projection in projections::all() {
            let then = AsOf::Position(then);
            replayed_as_usual(&system, &projection, then).await.unwrap();
        }
    }
    system.stop.cancel();
}

/// A replay that is not complete, or was dropped, is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_whole_is_not_read() {
    let (system, admin, _) = with_history().await;
    let then = system.log.head().await.unwrap();
    let asked = as_of("/api/admin/users", &then.to_string());
    let accounts = projections::named("accounts").unwrap();
    let outcome = replayed_as_usual(&system, &accounts, AsOf::Position(then)).await;
    let schema = Schema::parse(&outcome.unwrap().schema).unwrap();
    let listed = admin.get("/api/audit/replays").await.expect(200).body;
    assert_eq!(listed["results"].as_array().unwrap().len(), 1);
    let listed = &listed["results"][0];
    assert_eq!(listed["schema"], schema.name());
    assert_eq!(
        (&listed["position"], &listed["state"]),
        (&json!(then), &json!("complete"))
    );
    let refused = admin.get(&as_of("/api/audit/replays", "1")).await;
    refused.problem(400, "unknown-parameter");
    let whole = admin.get(&asked).await.expect(200);
    assert!(whole.body["count"].as_i64().unwrap() > 0);
    let sql = format!("SELECT obj_description('{schema}'::regnamespace, 'pg_namespace')");
    let said: String = sqlx::query_scalar(&sql)
        .fetch_one(&system.read)
        .await
        .unwrap();
    let unfinished = said.replace("\"complete\":true", "\"complete\":false");
    assert_ne!(unfinished, said);
    let comment = format!("COMMENT ON SCHEMA {schema} IS '{unfinished}'");
    system.read.execute(comment.as_str()).await.unwrap();
    admin.get(&asked).await.problem(409, "not-replayed");
    let comment = format!("COMMENT ON SCHEMA {schema} IS '{said}'");
    system.read.execute(comment.as_str()).await.unwrap();
    admin.get(&asked).await.expect(200);
    drop(&system.read, &schema).await.unwrap();
    admin.get(&asked).await.problem(409, "not-replayed");
    system.stop.cancel();
}

/// Between looking for a replay and reading it, another one may take its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_anew_while_it_is_read_is_not_answered() {
    let (system, admin, _) = with_history().await;
    let then = system.log.head().await.unwrap();
    let asked = as_of("/api/admin/users", &then.to_string());
    let accounts = projections::named("accounts").unwrap();
    let outcome = replayed_as_usual(&system, &accounts, AsOf::Position(then)).await;
    let outcome = outcome.unwrap();
    let (schema, id) = (&outcome.schema, outcome.marker.id.to_string());
    let sql = format!("SELECT obj_description('{schema}'::regnamespace, 'pg_namespace')");
    let said: String = sqlx::query_scalar(&sql)
        .fetch_one(&system.read)
        .await
        .unwrap();
    let other = said.replace(&id, &Uuid::new_v4().to_string());
    let mut anew = system.read.begin().await.unwrap();
    for sql in [
        format!("LOCK TABLE {schema}.accounts"),
        format!("COMMENT ON SCHEMA {schema} IS '{other}'"),
    ] {
        anew.execute(sql.as_str()).await.unwrap();
    }
    let (answer, ()) = tokio::join!(admin.get(&asked), async {
        wait_for("the query to wait", LIMIT, async || {
            let sql = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted \
                 AND relation = $1::regclass)";
            let query = sqlx::query_scalar(sql).bind(format!("{schema}.accounts"));
            let waits: bool = query.fetch_one(&system.read).await.unwrap();
            waits.then_some(())
        })
        .await;
        anew.commit().await.unwrap();
    });
    answer.problem(409, "not-replayed");
    admin.get(&asked).await.expect(200);
    system.stop.cancel();
}
