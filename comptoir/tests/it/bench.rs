//! Every bench measures both sides and writes what its readers rely on. Times are never judged.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::support::servers;

/// Runs one bench, as short as can be, on the servers of the run.
fn measured(folder: &Path, bench: &str, sizes: &str) -> Value {
    let file = folder.join(bench);
    let output = Command::new(env!("CARGO_BIN_EXE_comptoir"))
        .args(["bench", bench, "--runs", "1", "--seconds", "0.2", "--json"])
        .arg(&file)
        .args(sizes.split_whitespace())
        .env("DATABASE_URL", servers().postgres.url())
        .env("KAFKA_BROKERS", servers().kafka.brokers())
        .output()
        .unwrap();
    assert!(output.status.success(), "{bench}: {output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("ratio"), "{table}");
    serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap()
}

/// The members that every bench writes; `sides` are in the names of the other sides, in order.
fn check(report: &Value, bench: &str, unit: &str, sides: &[&str]) {
    assert_eq!(report["bench"], bench);
    assert_eq!(report["unit"], unit);
    assert!(report["ours"].as_f64().unwrap() > 0.0, "{report}");
    let theirs = report["theirs"].as_array().unwrap();
    let ratio = report["ratio"].as_array().unwrap();
    assert_eq!((theirs.len(), ratio.len()), (sides.len(), sides.len()));
    for ((side, ratio), name) in theirs.iter().zip(ratio).zip(sides) {
        assert!(side["name"].as_str().unwrap().contains(name), "{side}");
        let quotient = report["ours"].as_f64().unwrap() / side["value"].as_f64().unwrap();
        assert!((quotient / ratio.as_f64().unwrap() - 1.0).abs() < 1e-9);
    }
    let runs = report["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["ours"], report["ours"]);
    assert_eq!(runs[0]["theirs"].as_array().unwrap().len(), sides.len());
    for member in ["p50_ms", "p99_ms", "cpu_us_per_event"] {
        assert!(report.get(member).is_some(), "{member} is missing");
    }
    for figure in report["figures"].as_array().unwrap() {
        for member in ["name", "unit", "ours", "theirs", "ratio", "target", "met"] {
            assert!(figure.get(member).is_some(), "{member} of {figure}");
        }
    }
    assert!(report["machine"]["postgresql"].is_string());
}

fn figures(report: &Value) -> Vec<String> {
    let figures = report["figures"].as_array().unwrap().iter();
    figures
        .map(|figure| figure["name"].as_str().unwrap().to_owned())
        .collect()
}

/// One after the other, since each wants the machine for itself.
#[test]
fn every_bench_writes_what_it_measured_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let run = |bench, sizes| measured(folder.path(), bench, sizes);

    let append = run("append", "--callers 4");
    check(&append, "append", "events/s", &["pgbench", "stock"]);
    for part in ["all callers", "4 processes", "one caller", "CPU of one"] {
        let named = figures(&append);
        assert!(named.iter().any(|name| name.contains(part)), "{named:?}");
    }
    let cpu = &append["cpu_us_per_event"];
    assert!(cpu.as_f64().unwrap() > 0.0, "the server runs here: {cpu}");

    let command = run("command", "--callers 4 --streams 20 --samples 2 --long 60");
    check(&command, "command", "commands/s", &["stock"]);
    let lengths = &command["figures"][1];
    assert_eq!(lengths["against"], "self: stream of 10");

    let hot = run("hot", "--callers 4");
    check(&hot, "hot", "commands/s", &["stock"]);

    let http = run("http", "--connections 4 --hotels 5");
    check(&http, "http", "commands/s", &["pgbench"]);
    assert!(figures(&http)[1].contains("resident memory"));

    let read = run("read-log", "--events 2000");
    check(&read, "read-log", "events/s", &["copy"]);

    let relay = run("relay", "--events 2000");
    check(&relay, "relay", "messages/s", &["rdkafka"]);

    let project = run("project", "--events 2000");
    check(&project, "project", "events/s", &["rdkafka"]);
    assert!(figures(&project)[1].contains("projections"));

    let rebuild = run("rebuild", "--events 2000 --stock-events 50");
    check(&rebuild, "rebuild", "events/s", &["copy", "stock"]);

    let lag = run("lag", "--rate 20");
    check(&lag, "lag", "ms", &["bare"]);
    assert!(figures(&lag)[1].contains("p99"));

    let query = run("query", "--connections 4 --rows 1000");
    check(&query, "query", "queries/s", &["pgbench"]);
    assert!(figures(&query)[1].contains("page of 10"));

    let growth = run("growth", "--callers 4 --small 200 --events 2000");
    check(&growth, "growth", "µs", &["self: 200"]);
    let space = "events_by_position on disk, per million events";
    assert!(figures(&growth).iter().any(|name| name == space));

    let audit = run("audit", "--callers 4 --events 200 --proved 2000");
    check(&audit, "audit", "events/s", &["copy"]);
    assert!(
        figures(&audit)
            .iter()
            .any(|name| name.starts_with("proof of"))
    );

    assert_eq!(left_behind(), Vec::<String>::new());
}

#[tokio::main]
async fn left_behind() -> Vec<String> {
    let url = servers().postgres.url();
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname LIKE 'comptoir_bench%'")
        .fetch_all(&mut connection)
        .await
        .unwrap()
}
