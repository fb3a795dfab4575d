//! The log over TLS, with each `sslmode` and each way to sign in. The certificates in `tls/` are
//! made once, by `tls/make.sh`.

mod opened;
mod server;

use event_store::append::AppendError;
use event_store::database;
use read_api::query::{Sql, Tables};
use sqlx::Executor;
use sqlx::postgres::PgPoolOptions;

use opened::{Opened, appends, refused};
use server::{ENCODED, PASSWORD, Server};

#[tokio::test]
async fn the_log_is_appended_to_over_tls() {
    let server = Server::start().await;
    let scram = format!("scram:{ENCODED}");
    let root = format!("sslrootcert={}", server.file("ca.pem"));
    for settings in [
        "sslmode=prefer",
        "sslmode=require",
        &format!("sslmode=require&{root}"),
        &format!("sslmode=verify-ca&{root}"),
        &format!("sslmode=verify-full&{root}"),
    ] {
        appends(&server, &scram, settings, true).await;
    }
    for name in ["md5", "clear"] {
        let user = format!("{name}:{ENCODED}");
        appends(&server, &user, &format!("sslmode=verify-full&{root}"), true).await;
    }
    let key = format!(
        "sslmode=verify-full&{root}&sslcert={}&sslkey={}",
        server.file("client.pem"),
        server.file("server.key")
    );
    appends(&server, "certified", &key, true).await;
    let plain = format!("plain:{ENCODED}");
    appends(&server, &plain, "sslmode=disable", false).await;

    // The environment may give the certificate itself (PGSSLROOTCERT), which a URL can't.
    let options = database::options(&server.url(&scram, "sslmode=verify-full")).unwrap();
    let options = options.ssl_root_cert_from_pem(include_bytes!("tls/ca.pem").to_vec());
    let options = options.options([("search_path", "log")]);
    let log = Opened::on(PgPoolOptions::new().connect_lazy_with(options)).await;
    log.unwrap().append().await.unwrap();
}

#[tokio::test]
async fn queries_go_over_tls() {
    let server = Server::start().await;
    let root = format!("sslrootcert={}", server.file("ca.pem"));
    let settings = format!("sslmode=verify-full&{root}");
    let url = server.url(&format!("scram:{ENCODED}"), &settings);
    let tables = Tables::of(&database::pool(&url, "log", 1).unwrap());
    let query = Sql::new("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    let (ssl,): (bool,) = query.fetch_one(&tables).await.unwrap();
    assert!(ssl);
}

#[tokio::test]
async fn a_server_that_is_not_the_one_is_refused() {
    let server = Server::start().await;
    let scram = format!("scram:{ENCODED}");
    let url = |mode: &str, root: &str| {
        let settings = format!("sslmode={mode}&sslrootcert={}", server.file(root));
        server.url(&scram, &settings)
    };
    for mode in ["require", "verify-ca", "verify-full"] {
        refused(
            &url(mode, "other-ca.pem"),
            "invalid peer certificate: UnknownIssuer",
        )
        .await;
    }
    refused(&url("verify-ca", "none.pem"), "No such file").await;
    // The well-known authorities did not sign it.
    refused(&server.url(&scram, "sslmode=verify-full"), "UnknownIssuer").await;

    // These have their pool's connection, and make the others when they first append.
    let full = Opened::at(&url("verify-full", "ca.pem")).await.unwrap();
    let chain = Opened::at(&url("verify-ca", "ca.pem")).await.unwrap();
    server.set(&["ssl_cert_file = 'elsewhere.pem'"]).await;
    let why = "certificate not valid for name \"127.0.0.1\"";
    refused(&url("verify-full", "ca.pem"), why).await;
    let error = full.append().await.unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
    chain.append().await.unwrap();
    // To sqlx, `verify-ca` is `verify-full`: when it no longer is, docs/operations says too much.
    refused(&url("verify-ca", "ca.pem"), why).await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_asked_for() {
    let server = Server::start().await;
    let scram = format!("scram:{ENCODED}");
    let require = server.url(&scram, "sslmode=require");
    let opened = Opened::at(&require).await.unwrap();
    server.set(&["ssl = off"]).await;
    refused(&require, "server does not support TLS").await;
    let error = opened.append().await.unwrap_err().to_string();
    let why = "the server has no TLS, and sslmode asks for it";
    assert!(error.contains(why), "{error}");
    let plain = format!("plain:{ENCODED}");
    appends(&server, &plain, "sslmode=prefer", false).await;
}

/// Nobody is told to wait until it comes right by itself.
#[tokio::test]
async fn a_wrong_password_is_a_fault() {
    let server = Server::start().await;
    for name in ["scram", "md5", "clear"] {
        let wrong = server.url(&format!("{name}:wrong"), "sslmode=require");
        let error = refused(&wrong, "password authentication failed").await;
        assert!(!database::is_away(&error), "{error:?}");

        let user = format!("{name}:{ENCODED}");
        let opened = Opened::at(&server.url(&user, "sslmode=require")).await;
        let opened = opened.unwrap();
        let mut admin = server.admin().await;
        let change = |password: &str| {
            format!(
                "SET password_encryption = '{}'; ALTER ROLE {name} PASSWORD '{password}'",
                if name == "md5" {
                    "md5"
                } else {
                    "scram-sha-256"
                }
            )
        };
        admin.execute(change("another").as_str()).await.unwrap();
        let refused = opened.append().await;
        let fault = matches!(&refused, Err(AppendError::Fault(why)) if why.contains("28P01"));
        assert!(fault, "{name}: {refused:?}");
        admin.execute(change(PASSWORD).as_str()).await.unwrap();
        opened.append().await.unwrap();
    }
}
