//! What running services tell of themselves, held against the document.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use crate::support::{Deployment, Service, servers, wait_for};

const LIMIT: Duration = Duration::from_secs(60);
const DOCUMENT: &str = include_str!("../../../docs/operations/metrics.md");

/// A metric: its kind and its labels.
type Described = (String, BTreeSet<String>);

/// The metrics of the document's tables.
fn documented() -> BTreeMap<String, Described> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
    let metrics = rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[3]
            .split(',')
            .map(|label| label.trim().trim_matches('`'));
        let labels = labels.filter(|label| !label.is_empty());
        let described = (cells[2].to_owned(), labels.map(str::to_owned).collect());
        (cells[1].trim_matches('`').to_owned(), described)
    });
    metrics.collect()
}

/// What a service tells: each metric by name, and all its lines.
#[derive(Default)]
struct Told {
    metrics: BTreeMap<String, Described>,
    helped: BTreeSet<String>,
    samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Told {
    async fn by(service: &Service) -> Self {
        let answer = service.client.get("/metrics").await.expect(200);
        let mut told = Self::default();
        told.read(answer.body.as_str().unwrap());
        told
    }

    fn read(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["#", "HELP", name, _] => {
                    self.helped.insert(name.to_owned());
                }
                ["#", "TYPE", name, kind] => {
                    let described = (kind.to_owned(), BTreeSet::new());
                    self.metrics.insert(name.to_owned(), described);
                }
                _ => self.sample(line),
            }
        }
    }

    fn sample(&mut self, line: &str) {
        let (metric, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = metric.split_once('{').unwrap_or((metric, "}"));
        // No value of ours has a quote or a comma in it.
        let labels = labels.trim_end_matches('}').split(',');
        let labels = labels.filter_map(|label| label.split_once('='));
        let labels: BTreeMap<String, String> = labels
            .map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned()))
            .collect();
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .find(|base| self.metrics.contains_key(*base))
            .unwrap_or(name);
        let (_, known) = self.metrics.get_mut(base).unwrap();
        known.extend(labels.keys().filter(|label| *label != "le").cloned());
        self.samples
            .push((name.to_owned(), labels, value.parse().unwrap()));
    }

    /// The values of a metric whose labels have these values.
    fn values(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        let fits = |has: &BTreeMap<String, String>| {
            labels
                .iter()
                .all(|(label, value)| has.get(*label).is_some_and(|has| has == value))
        };
        let found = self
            .samples
            .iter()
            .filter(|(of, has, _)| of == name && fits(has));
        found.map(|(.., value)| *value).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_tell_what_the_document_says_also_of_a_projector_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let databases = servers().database().await;
    let deployment = Deployment::new(databases, folder.path().join("log"));
    let commands = deployment.start("command-api").await;
    let relay = deployment.start("relay").await;
    let mut projector = deployment.start("projector").await;
    let queries = deployment.start("read-api").await;
    let worker = deployment.start("worker").await;
    let token = commands.sign_in().await;
    let writer = commands
        .client
        .clone()
        .with_token(Uuid::nil(), token.clone());
    let reader = queries.client.clone().with_token(Uuid::nil(), token);
    let hotel = writer.hotel(40).await;
    let mut last = writer.book(hotel, 5, 6).await.expect(201);
    for _ in 0..30 {
        last = writer.book(hotel, 5, 6).await.expect(201);
    }
    let shown = format!("/api/hotels/{hotel}");
    reader.get_after(&last, &shown).await.expect(200);
    // A word that no method is becomes no label.
    let odd = reqwest::Method::from_bytes(b"ODD").unwrap();
    reader
        .send(odd, "/nowhere", &[], None)
        .await
        .problem(404, "not-found");

    let documented = documented();
    wait_for("every metric", LIMIT, || async {
        let mut all = BTreeMap::new();
        for service in [&commands, &relay, &projector, &queries, &worker] {
            let told = Told::by(service).await;
            for (name, (kind, labels)) in told.metrics {
                assert!(told.helped.contains(&name), "{name} has no HELP");
                let known = all.entry(name).or_insert((kind, BTreeSet::new()));
                known.1.extend(labels);
            }
        }
        for (name, described) in &all {
            assert_eq!(Some(described), documented.get(name), "{name}");
        }
        let missing: Vec<&String> = documented
            .keys()
            .filter(|name| !all.contains_key(*name))
            .collect();
        missing
            .is_empty()
            .then_some(())
            .ok_or(missing)
            .inspect_err(|missing| eprintln!("not yet: {missing:?}"))
            .ok()
    })
    .await;

    let told = Told::by(&commands).await;
    let bookings = [
        ("method", "POST"),
        ("route", "/api/hotels/{id}/reservations"),
        ("status", "201"),
    ];
    let count = "comptoir_http_request_duration_seconds_count";
    assert!(told.values(count, &bookings)[0] > 30.0);
    let told = Told::by(&queries).await;
    let nowhere = [("method", "other"), ("route", "other"), ("status", "404")];
    assert_eq!(told.values(count, &nowhere), [1.0]);

    // The projector is gone: the query side tells how far its tables are behind.
    projector.kill();
    writer.book(hotel, 7, 8).await.expect(201);
    let of = [("projection", "reservations")];
    wait_for("the lag", LIMIT, || async {
        let told = Told::by(&queries).await;
        let events: f64 = told
            .values("comptoir_projection_lag_events", &of)
            .iter()
            .sum();
        let seconds = told.values("comptoir_projection_lag_seconds", &of);
        let late = seconds.iter().copied().fold(0.0, f64::max);
        (events > 0.0 && late > 3.0).then_some(())
    })
    .await;
    let _projector = deployment.start("projector").await;
    wait_for("no lag", LIMIT, || async {
        let told = Told::by(&queries).await;
        let seconds = told.values("comptoir_projection_lag_seconds", &of);
        (!seconds.is_empty() && seconds.iter().all(|late| *late == 0.0)).then_some(())
    })
    .await;
    let told = Told::by(&relay).await;
    assert_eq!(told.values("comptoir_relay_leads", &[]), [1.0]);
    let head = told.values("comptoir_log_position", &[]);
    wait_for("the relay", LIMIT, || async {
        let told = Told::by(&relay).await;
        (told.values("comptoir_relay_position", &[])[0] >= head[0]).then_some(())
    })
    .await;
}
