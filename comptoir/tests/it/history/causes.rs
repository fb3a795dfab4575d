//! `comptoir audit causes`, and the same over HTTP.

use std::time::Duration;

use audit::causes::{self, Bounds, EventName};
use domain::streams::StreamId;
use event_store::idempotency::{OF_POLICIES, stored_as};
use event_store::read;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};
use service_kit::derived_token::Purpose;
use sqlx::Executor;
use uuid::{Timestamp, Uuid};

use super::{admin, audit, audit_at, history, own_log, printed, said};
use crate::shop::old_rows;
use crate::shop::shop_aggregate::Shop;
use crate::support::{Answer, shared, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

/// Somebody registers.
async fn register(role: &str) -> Answer {
    let email = format!("{}@example.com", Uuid::new_v4());
    let body = json!({
        "email": email, "password": "a long password", "name": "Awa", "role": role,
    });
    let path = "/api/auth/register";
    shared().stranger().post(path, body).await.expect(201)
}

async fn tree(event: &str) -> Value {
    let path = format!("/api/audit/events/{event}/causes");
    admin().get(&path).await.expect(200).body
}

/// Every event of a tree, by the policies and effects that lead to it.
fn events(append: &Value, by: &str, found: &mut Vec<(String, Value)>) {
    for event in append["events"].as_array().unwrap() {
        found.push((by.to_owned(), event.clone()));
        for reaction in event["followed"].as_array().unwrap() {
            let by = format!("{by}/{}", reaction["by"].as_str().unwrap());
            for append in reaction["led_to"].as_array().unwrap() {
                events(append, &by, found);
            }
        }
    }
}

/// The one event of this type, and the way to it.
fn one_of(tree: &Value, event_type: &str) -> Option<(String, Value)> {
    let mut found = Vec::new();
    events(&tree["happened"], "", &mut found);
    found.retain(|(_, event)| event["type"] == event_type);
    assert!(found.len() <= 1, "{found:?}");
    found.pop()
}

/// The tree of a seller's registration, once the e-mail about it was sent.
async fn registration_of_a_seller() -> (Answer, Value) {
    let made = register("seller").await;
    let first = history(made.id()).await[0]["position"].to_string();
    let tree = wait_for("the e-mail to be sent", LIMIT, || async {
        let tree = tree(&first).await;
        one_of(&tree, "EmailSent").is_some().then_some(tree)
    })
    .await;
    (made, tree)
}

/// The tree without what tells the event that was asked for.
fn unmarked(tree: &Value) -> Value {
    let text = tree
        .to_string()
        .replace(r#""asked":true"#, r#""asked":false"#);
    let mut tree: Value = serde_json::from_str(&text).unwrap();
    (tree["asked"], tree["found"]) = (Value::Null, Value::Null);
    tree
}

#[tokio::test]
async fn from_the_request_to_the_email_that_was_sent_and_back() {
    let (made, tree) = registration_of_a_seller().await;
    assert_eq!(tree["origin"]["request_id"], made.header("x-request-id"));
    assert_eq!(
        tree["origin"]["actor"],
        Value::Null,
        "nobody is signed in yet"
    );
    assert_eq!(tree["cut"], false);

    // What the request stored is together; the policy's e-mail follows, and the effect's from that.
    let (by, registered) = one_of(&tree, "AccountRegistered").unwrap();
    assert_eq!(
        (by.as_str(), &registered["stream"]["id"]),
        ("", &json!(made.id()))
    );
    assert_eq!(one_of(&tree, "EmailClaimed").unwrap().0, "");
    let (by, requested) = one_of(&tree, "SellerRequested").unwrap();
    assert_eq!(by, "");
    let (by, queued) = one_of(&tree, "EmailQueued").unwrap();
    assert_eq!(by, "/seller_mail");
    let (by, sent) = one_of(&tree, "EmailSent").unwrap();
    assert_eq!(by, "/seller_mail/deliver_email");
    assert_eq!(
        requested["followed"][0]["outcome"],
        json!({ "outcome": "done" })
    );
    assert_eq!(sent["stream"], queued["stream"]);

    // From the other end, by its id, it is the same tree.
    let id = sent["id"].as_str().unwrap();
    let back = super::causes::tree(id).await;
    assert_eq!(
        (&back["asked"], &back["found"]),
        (&sent["position"], &json!("time"))
    );
    assert_eq!(unmarked(&back), unmarked(&tree));
    assert_eq!(one_of(&back, "EmailSent").unwrap().1["asked"], true);
    let printed_tree: Value =
        serde_json::from_str(&printed(&audit(&["causes", id, "--json"]), 0)).unwrap();
    assert_eq!(printed_tree, back);

    // As text, each deeper than what it follows from.
    let text = printed(&audit(&["causes", id]), 0);
    let depth = |word: &str| {
        let line = text.lines().find(|line| line.contains(word)).unwrap();
        line.chars().position(char::is_alphanumeric).unwrap()
    };
    let words = [
        "request ",
        "SellerRequested",
        "seller_mail",
        "EmailQueued",
        "deliver_email",
        "EmailSent",
    ];
    let depths = words.map(depth);
    assert!(depths.is_sorted_by(|a, b| a < b), "{depths:?}\n{text}");
    assert!(
        text.lines()
            .any(|line| line.contains("EmailSent") && line.ends_with("◀ asked for"))
    );
    assert!(!text.contains('@'), "{text}");
}

/// Reads a picture to its end; gives its texts.
#[track_caller]
fn well_formed(svg: &str) -> String {
    let mut reader = Reader::from_str(svg);
    let (mut open, mut texts) = (0_i32, String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                open += 1;
                assert!(element.attributes().all(|attribute| attribute.is_ok()));
            }
            Event::End(_) => open -= 1,
            Event::Text(text) => texts.push_str(&text),
            Event::GeneralRef(reference) => {
                let known = [("amp", "&"), ("lt", "<"), ("gt", ">"), ("quot", "\"")];
                let name: &str = &reference;
                let meant = known.iter().find(|(known, _)| *known == name);
                texts.push_str(meant.unwrap().1);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0);
    texts
}

#[tokio::test]
async fn the_picture_is_well_formed_and_has_every_event() {
    let (_, tree) = registration_of_a_seller().await;
    let (_, sent) = one_of(&tree, "EmailSent").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("causes.svg");
    let id = sent["id"].as_str().unwrap();
    printed(&audit(&["causes", id, "--svg", file.to_str().unwrap()]), 0);
    let svg = std::fs::read_to_string(&file).unwrap();
    let texts = well_formed(&svg);
    for word in ["SellerRequested", "seller_mail", "EmailSent", "request "] {
        assert!(texts.contains(word), "{word}: {texts}");
    }
    assert!(
        !svg.contains("href") && !svg.contains("style="),
        "it stands alone"
    );

    let path = format!("/api/audit/events/{id}/causes");
    let accept = [("accept", "image/svg+xml, */*;q=0.1".to_owned())];
    let method = reqwest::Method::GET;
    let over_http = admin().send(method, &path, &accept, None).await.expect(200);
    assert_eq!(over_http.header("content-type"), "image/svg+xml");
    assert_eq!(over_http.body.as_str().unwrap(), svg);
}

#[tokio::test]
async fn it_goes_back_to_the_actor() {
    let (_, tree) = registration_of_a_seller().await;
    let (_, requested) = one_of(&tree, "SellerRequested").unwrap();
    let request = requested["stream"]["id"].as_str().unwrap();
    let admin = admin();
    let path = format!("/api/admin/seller-requests/{request}/approve");
    let approved = admin.order(&path).await.expect(200);
    let settled = history(request.parse().unwrap()).await.pop().unwrap();
    assert_eq!(settled["type"], "SellerRequestApproved");
    let tree = wait_for("the e-mail to be queued", LIMIT, || async {
        let tree = super::causes::tree(&settled["position"].to_string()).await;
        one_of(&tree, "EmailQueued").is_some().then_some(tree)
    })
    .await;
    assert_eq!(tree["origin"]["actor"], admin.account.to_string());
    assert_eq!(
        tree["origin"]["request_id"],
        approved.header("x-request-id")
    );
    // The account that became a seller's is in the same command.
    assert!(
        tree["happened"]["events"].as_array().unwrap().len() > 1,
        "{tree}"
    );
}

#[tokio::test]
async fn a_timer_is_pending_and_then_cancelled() {
    let made = register("buyer").await;
    let first = history(made.id()).await[0]["position"].to_string();
    let timer = async |outcome: &str| {
        wait_for(outcome, LIMIT, || async {
            let (_, event) = one_of(&tree(&first).await, "ConfirmationRequested")?;
            let reactions = event["followed"].as_array().unwrap().clone();
            let is_it = |reaction: &Value| reaction["by"] == "expire_accounts";
            let timer = reactions.into_iter().find(is_it)?;
            (timer["outcome"]["outcome"] == outcome).then_some(timer)
        })
        .await
    };
    let pending = timer("pending").await;
    assert_eq!(pending["timer"], made.id().to_string());
    assert!(pending["due_at"].is_string() && pending["at"].is_null());
    let token = shared().link(Purpose::ConfirmEmail, made.id()).await;
    let body = json!({ "token": token });
    let confirmed = shared().stranger().post("/api/auth/confirm", body).await;
    confirmed.expect(200);
    assert!(timer("cancelled").await["at"].is_string());
}

/// What a policy has written down about an event of a log without workers.
#[tokio::test]
async fn a_refusal_and_a_parked_event_are_told() {
    let (log, url) = own_log().await;
    let events = [("ShopOpened", r#"{"type":"ShopOpened"}"#)];
    let stream = StreamId::of::<Shop>(Uuid::now_v7());
    old_rows::insert(&log, stream, &events).await;
    let stored = read::after(log.pool(), 0, 1).await.unwrap().remove(0);
    let epoch = log.epoch();
    let (scope, key) = stored_as(OF_POLICIES, &format!("greet/{}/3", stored.event_id));
    let written = format!(
        "INSERT INTO policies (policy, epoch, position) \
             VALUES ('greet', '{epoch}', 1), ('paint', '{epoch}', 1); \
         INSERT INTO idempotency VALUES ('{key}', '{scope}', '', \
             '{{\"refused\":\"email-taken\"}}', '{{}}', now()); \
         INSERT INTO policy_parked (policy, position, aggregate_type, aggregate_id, event_type, \
             error, attempts) VALUES ('paint', 1, 'toys.shop', '{}', 'ShopOpened', 'no <paper> & ink', 1)",
        stream.id
    );
    log.pool().execute(written.as_str()).await.unwrap();
    let text = printed(&audit_at(&url, false, &["causes", "1"]), 0);
    assert!(text.contains("greet: refused: email-taken"), "{text}");
    assert!(text.contains("paint: parked: no <paper> & ink"), "{text}");
    assert!(text.starts_with("a request that is not known"), "{text}");
    let tree = causes::of(log.pool(), EventName::At(1), Bounds::default()).await;
    let svg = causes::svg::draw(&tree.unwrap().unwrap());
    assert!(well_formed(&svg).contains("no <paper> & ink"), "{svg}");
}

#[tokio::test]
async fn a_large_tree_is_cut_and_says_so_but_keeps_the_way_to_the_event() {
    let (_, tree) = registration_of_a_seller().await;
    let (_, sent) = one_of(&tree, "EmailSent").unwrap();
    let asked = EventName::At(sent["position"].as_i64().unwrap());
    let cut = async |events, depth| {
        let bounds = Bounds {
            events,
            depth,
            whole_log: false,
        };
        let tree = causes::of(shared().log.pool(), asked, bounds).await;
        serde_json::to_value(tree.unwrap().unwrap()).unwrap()
    };
    let narrow = cut(1, 32).await;
    assert!(one_of(&narrow, "EmailSent").is_some(), "{narrow}");
    assert_eq!(narrow["cut"], true);
    // From the beginning on there is no way to keep.
    let first = tree["happened"]["events"][0]["position"].to_string();
    let output = audit(&["causes", &first, "--limit", "1"]);
    let text = printed(&output, 0);
    assert!(text.contains("more followed than is shown"), "{text}");
    assert!(said(&output).contains("cut at 1 events"), "{output:?}");
    assert!(!text.contains("EmailSent"), "{text}");
    let shallow = cut(500, 2).await;
    assert_eq!(shallow["cut"], true);
    assert!(shallow["origin"]["caused_by"].is_string(), "{shallow}");
    assert!(one_of(&shallow, "EmailSent").is_some());
}

#[tokio::test]
async fn a_command_of_many_events_is_together_as_far_as_there_is_room() {
    let (log, _) = own_log().await;
    let events = [("ShopOpened", r#"{"type":"ShopOpened"}"#); 450];
    old_rows::insert(&log, StreamId::of::<Shop>(Uuid::now_v7()), &events).await;
    old_rows::insert(&log, StreamId::of::<Shop>(Uuid::now_v7()), &events[..3]).await;
    for (asked, count) in [(1, 450), (225, 450), (450, 450), (451, 3), (453, 3)] {
        let tree = causes::of(log.pool(), EventName::At(asked), Bounds::default()).await;
        let tree = tree.unwrap().unwrap();
        assert_eq!(tree.happened.events.len(), count, "{asked}");
        let marked: Vec<_> = tree
            .happened
            .events
            .iter()
            .filter(|one| one.asked)
            .collect();
        assert_eq!((marked.len(), marked[0].position), (1, asked));
        assert!(!tree.cut);
    }
}

#[tokio::test]
async fn an_id_whose_time_is_wrong_is_searched_for_in_the_whole_log() {
    let (log, url) = own_log().await;
    let events = [("ShopOpened", r#"{"type":"ShopOpened"}"#); 3];
    old_rows::insert(&log, StreamId::of::<Shop>(Uuid::now_v7()), &events).await;
    // Of no time, and of another.
    let early = Uuid::new_v7(Timestamp::from_unix_time(1_500_000_000, 0, 0, 0));
    for (position, odd) in [(2, Uuid::new_v4()), (3, early)] {
        let change = "UPDATE events SET event_id = $2 WHERE position = $1";
        let change = sqlx::query(change).bind(position).bind(odd);
        change.execute(log.pool()).await.unwrap();
        let output = audit_at(&url, false, &["causes", &odd.to_string(), "--json"]);
        let tree: Value = serde_json::from_str(&printed(&output, 0)).unwrap();
        assert_eq!(
            (&tree["asked"], &tree["found"]),
            (&json!(position), &json!("whole_log"))
        );
        assert!(
            said(&output).contains("the whole log is searched"),
            "{output:?}"
        );
        let around = causes::of(log.pool(), EventName::Id(odd), Bounds::default()).await;
        assert!(around.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_event_that_is_not_there_or_no_event_is_said() {
    let unknown = [
        Uuid::now_v7().to_string(),
        i64::MAX.to_string(),
        Uuid::nil().to_string(),
        Uuid::max().to_string(),
    ];
    for event in unknown {
        let output = audit(&["causes", &event]);
        assert_eq!(printed(&output, 1), "");
        let sentence = format!("There is no event {event}.\n");
        assert!(said(&output).ends_with(&sentence), "{output:?}");
        let path = format!("/api/audit/events/{event}/causes");
        admin().get(&path).await.problem(404, "event-unknown");
    }
    for event in ["0", "-1", "x", "9223372036854775808"] {
        printed(&audit(&["causes", "--", event]), 2);
        let path = format!("/api/audit/events/{event}/causes");
        admin().get(&path).await.problem(400, "malformed");
    }
}
