//! Tests of the whole system on real PostgreSQL and real Kafka, started once for the run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(missing_docs, unreachable_pub, reason = "tests are read, not called")]

mod access;
mod across;
mod audit;
mod bench;
mod conventions;
mod demo;
mod door;
mod emails;
mod export;
mod faults;
mod garbage;
mod history;
mod ids;
mod lag;
mod lists;
mod log;
mod log_reader;
mod metrics;
mod openapi;
mod personal;
mod problems;
mod projector;
mod queries;
mod races;
mod rebuild;
mod relay;
mod replay;
mod restore;
mod routes;
mod runtime;
mod secrets;
mod services;
mod shop;
mod support;
mod tls;
mod torture;
mod toy;
mod traces;
mod versions;
mod workers;
mod writer;
