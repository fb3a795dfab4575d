//! The OpenAPI document and its page.

use std::time::Duration;

use crate::support::{shared, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_document_is_as_reviewed() {
    let document = shared()
        .stranger()
        .get("/openapi.json")
        .await
        .expect(200)
        .body;
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn the_page_is_bundled() {
    let page = shared().stranger().get("/docs/").await.expect(200).body;
    let page = page.as_str().unwrap();
    assert!(page.contains("swagger-ui"));
    assert!(
        !page.contains("//cdn"),
        "the page loads nothing from elsewhere"
    );
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let stranger = shared().stranger();
    assert_eq!(stranger.get("/livez").await.expect(200).body, "alive\n");
    // Tables of a log that is new are made a moment after it is up.
    let ready = wait_for("it to be ready", LIMIT, async || {
        let ready = stranger.get("/readyz").await;
        (ready.status == 200).then_some(ready.body)
    });
    assert_eq!(ready.await["status"], "ready");
    stranger.get("/metrics").await.expect(200);
    stranger.get("/api/health").await.expect(200);
}

#[tokio::test]
async fn every_operation_says_how_it_refuses() {
    let stranger = shared().stranger();
    let document = stranger.get("/openapi.json").await.expect(200).body;
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|item| item.as_object().unwrap().values());
    for operation in operations {
        let answers = operation["responses"].as_object().unwrap();
        let guarded = operation["security"].is_array();
        for status in ["429", "503", "default"] {
            assert!(answers.contains_key(status), "{status} {operation}");
        }
        for status in ["401", "403"] {
            assert!(!guarded || answers.contains_key(status), "{operation}");
        }
        let refusals = answers
            .iter()
            .filter(|(status, _)| !status.starts_with('2'));
        for (status, answer) in refusals {
            let schema = &answer["content"]["application/problem+json"]["schema"];
            let problem = "#/components/schemas/Problem";
            assert_eq!(schema["$ref"], problem, "{status} {operation}");
        }
    }
}
