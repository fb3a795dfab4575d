//! One trace from an HTTP command to the rows it changes, as a collector gets it from the services.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::{Answer, Client, Deployment, Service, free_port, servers, wait_for};

const LIMIT: Duration = Duration::from_secs(60);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A span as it was exported.
#[derive(Debug, Clone)]
struct Span {
    service: String,
    name: String,
    trace: String,
    id: String,
    parent: String,
    began: u64,
    ended: u64,
    attributes: BTreeMap<String, String>,
}

/// A collector that keeps what it gets.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    /// Listens on this port of loopback until the task is aborted.
    async fn listen(&self, port: u16) -> JoinHandle<()> {
        let routes = Router::new()
            .route("/v1/traces", post(collect))
            .with_state(self.clone());
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        tokio::spawn(async { axum::serve(listener, routes).await.unwrap() })
    }

    fn spans(&self) -> Vec<Span> {
        self.0.lock().unwrap().clone()
    }

    /// Waits for a span of [`TRACE`] of a service with this name; where several events have one, for
    /// that of the event at `position`.
    async fn span(&self, service: &str, name: &str, position: Option<&str>) -> Span {
        let fits = |span: &Span| {
            let at = span.attributes.get("comptoir.position");
            let here = position.is_none_or(|position| at.is_some_and(|at| at == position));
            span.trace == TRACE && span.service == service && span.name == name && here
        };
        wait_for(name, LIMIT, || async {
            self.spans().into_iter().find(fits)
        })
        .await
    }
}

async fn collect(State(collector): State<Collector>, body: Bytes) {
    let export = ExportTraceServiceRequest::decode(body).unwrap();
    for of_resource in export.resource_spans {
        let resource = attributes(of_resource.resource.unwrap().attributes);
        for span in of_resource
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans)
        {
            collector.0.lock().unwrap().push(Span {
                service: resource["service.name"].clone(),
                name: span.name,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                began: span.start_time_unix_nano,
                ended: span.end_time_unix_nano,
                attributes: attributes(span.attributes),
            });
        }
    }
}

fn attributes(all: Vec<KeyValue>) -> BTreeMap<String, String> {
    let told = all.into_iter().map(|one| {
        let value = match one.value.and_then(|value| value.value) {
            Some(Value::StringValue(text)) => text,
            Some(Value::IntValue(number)) => number.to_string(),
            other => format!("{other:?}"),
        };
        (one.key, value)
    });
    told.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request's `traceparent`.
fn within(trace: &str, flags: &str) -> [(&'static str, String); 1] {
    [("traceparent", format!("00-{trace}-{CALLER}-{flags}"))]
}

/// Every service of a deployment, and a client of each API that is the administrator.
struct Services {
    deployment: Deployment,
    writer: Client,
    reader: Client,
    _running: [Service; 4],
}

impl Services {
    async fn start(folder: &tempfile::TempDir, collector: u16) -> Self {
        let databases = servers().database().await;
        let mut deployment = Deployment::new(databases, folder.path().join("log"));
        deployment.variables = vec![
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                format!("http://127.0.0.1:{collector}"),
            ),
            ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
            // What is not asked for is not sampled.
            ("OTEL_TRACES_SAMPLER_ARG", "0".to_owned()),
        ];
        let commands = deployment.start("command-api").await;
        let relay = deployment.start("relay").await;
        let projector = deployment.start("projector").await;
        let queries = deployment.start("read-api").await;
        let token = commands.sign_in().await;
        let signed_in = |client: &Client| client.clone().with_token(Uuid::nil(), token.clone());
        Self {
            deployment,
            writer: signed_in(&commands.client),
            reader: signed_in(&queries.client),
            _running: [commands, relay, projector, queries],
        }
    }

    async fn create_hotel(&self, headers: &[(&str, String)]) -> Answer {
        let hotel = Client::hotel_body(1);
        self.writer
            .post_with("/api/hotels", headers, hotel)
            .await
            .expect(201)
    }

    /// Waits until a query shows what `command` made.
    async fn shown(&self, command: &Answer) {
        let path = format!("/api/hotels/{}", command.id());
        self.reader.get_after(command, &path).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_from_the_command_to_the_rows_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, port) = (Collector::default(), free_port());
    let _listening = collector.listen(port).await;
    let services = Services::start(&folder, port).await;
    let unsampled = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    services.create_hotel(&[]).await;
    services.create_hotel(&within(unsampled, "00")).await;
    let created = services.create_hotel(&within(TRACE, "01")).await;
    services.shown(&created).await;

    // The hotel's inventory has events and spans of its own.
    let log = event_store::database::pool(&services.deployment.databases.database_url, "log", 1);
    let sql = "SELECT position FROM events WHERE aggregate_id = $1";
    let position: i64 = sqlx::query_scalar(sql)
        .bind(created.id())
        .fetch_one(&log.unwrap())
        .await
        .unwrap();
    let position = position.to_string();
    let here = Some(position.as_str());
    let projected = collector.span("projector", "project hotels", here).await;
    let sent = format!("send {}.hotels", services.deployment.topic_prefix);
    let sent = collector.span("relay", &sent, here).await;
    let commit = collector.span("command-api", "commit", None).await;
    let append = collector.span("command-api", "append", None).await;
    let served = collector
        .span("command-api", "POST /api/hotels", None)
        .await;
    assert_eq!(served.parent, CALLER);
    assert_eq!(append.parent, served.id);
    assert_eq!(commit.parent, append.id);
    assert_eq!(sent.parent, append.id);
    assert_eq!(projected.parent, sent.id);
    assert_eq!(projected.attributes["comptoir.projection"], "hotels");
    assert_eq!(served.attributes["http.response.status_code"], "201");
    for span in [&projected, &sent, &commit, &append, &served] {
        assert!(
            span.began <= span.ended && span.began >= served.began - 1_000_000,
            "{span:?}"
        );
    }

    // A query of the same caller is in the trace too; what is not sampled is nowhere.
    let path = format!("/api/hotels/{}", created.id());
    let shown = services
        .reader
        .send(reqwest::Method::GET, &path, &within(TRACE, "01"), None)
        .await;
    shown.expect(200);
    let query = collector
        .span("read-api", "GET /api/hotels/{id}", None)
        .await;
    assert_eq!(query.parent, CALLER);
    let traces: BTreeSet<String> = collector.spans().into_iter().map(|one| one.trace).collect();
    assert_eq!(traces, BTreeSet::from([TRACE.to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, port) = (Collector::default(), free_port());
    let services = Services::start(&folder, port).await;
    let mut last = services.create_hotel(&within(TRACE, "01")).await;
    for _ in 0..100 {
        last = services.create_hotel(&within(TRACE, "01")).await;
    }
    services.shown(&last).await;
    wait_for("the word that it is away", LIMIT, || async {
        let printed = services.deployment.printed();
        printed
            .contains("the collector of traces is away")
            .then_some(())
    })
    .await;
    // It comes, and gets what happens from then on.
    let _listening = collector.listen(port).await;
    let later = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    wait_for("a span", LIMIT, || async {
        let created = services.create_hotel(&within(later, "01")).await;
        services.shown(&created).await;
        let projected = |span: &Span| span.trace == later && span.service == "projector";
        collector.spans().iter().any(projected).then_some(())
    })
    .await;
}
