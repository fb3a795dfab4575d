//! What workers measure. `comptoir_policy_…` is told by whoever leads or looks, `comptoir_due_…` by
//! every worker.

use std::convert::Infallible;
use std::time::Duration;

use domain::support::email::Command;
use metrics::{counter, describe_counter, describe_gauge, gauge};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::runtime::Registered;
use crate::runtime::standing::{Standing, standing};

/// How often it is looked how far policies are.
const EVERY: Duration = Duration::from_secs(5);

/// Describes every metric of this crate to whoever collects metrics.
pub fn describe() {
    describe_gauge!(
        "comptoir_worker_leads",
        "1 where this worker reads the log for all policies, else 0."
    );
    describe_counter!(
        "comptoir_policy_commands_total",
        "Commands of a policy, by what came of them: done, refused, or known from before."
    );
    describe_counter!(
        "comptoir_policy_left_to_history_total",
        "Reactions that were not done since their event is imported history."
    );
    describe_counter!(
        "comptoir_policy_parked_events_total",
        "Events that were parked for a policy."
    );
    describe_gauge!(
        "comptoir_policy_lag_events",
        "Events of the log after the last that a policy has done."
    );
    describe_gauge!(
        "comptoir_policy_lag_seconds",
        "How long ago the first event was recorded that a policy has not done."
    );
    describe_gauge!(
        "comptoir_policy_parked_events",
        "Events that are parked for a policy."
    );
    describe_counter!(
        "comptoir_due_attempts_total",
        "Attempts at what was due, by what came of them: done, failed, given up."
    );
    describe_gauge!(
        "comptoir_due_pending",
        "Timers and acts that are to be done some time."
    );
    describe_gauge!(
        "comptoir_due_overdue_seconds",
        "For how long the first of those is due that are not done."
    );
    describe_counter!(
        "comptoir_email_attempts_total",
        "Attempts at e-mails, by what came of them: sent, failed, given up."
    );
    describe_gauge!(
        "comptoir_due_failed",
        "Timers and acts that failed too often, and wait for an operator."
    );
}

/// What came of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Done,
    Refused,
    Replayed,
}

/// What came of an attempt at what is due.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attempt {
    Done,
    Failed,
    GivenUp,
}

/// Begins what is counted at 0, so that the first time shows as a change.
pub(crate) fn begin(policies: &[Registered]) {
    leads(false);
    for outcome in ["sent", "failed", "given_up"] {
        counter!("comptoir_email_attempts_total", "outcome" => outcome).absolute(0);
    }
    for one in policies {
        let policy = one.name;
        counter!("comptoir_policy_parked_events_total", "policy" => policy).absolute(0);
        counter!("comptoir_policy_left_to_history_total", "policy" => policy).absolute(0);
        for outcome in ["done", "refused", "replayed"] {
            let labels = [("policy", policy), ("outcome", outcome)];
            counter!("comptoir_policy_commands_total", &labels).absolute(0);
        }
        for outcome in ["done", "failed", "given_up"] {
            let labels = [("policy", policy), ("outcome", outcome)];
            counter!("comptoir_due_attempts_total", &labels).absolute(0);
        }
    }
}

/// What becomes of an e-mail is about to be written down, after an attempt that may be the last.
pub(crate) fn email(command: &Command, last: bool) {
    let outcome = match command {
        Command::MarkSent { .. } => "sent",
        Command::MarkFailed { .. } if last => "given_up",
        Command::MarkFailed { .. } => "failed",
        Command::GiveUp { .. } => "given_up",
        Command::Queue { .. } | Command::Retry => return,
    };
    counter!("comptoir_email_attempts_total", "outcome" => outcome).increment(1);
}

/// Whether this process leads.
pub(crate) fn leads(leads: bool) {
    gauge!("comptoir_worker_leads").set(f64::from(u8::from(leads)));
}

pub(crate) fn carried_out(policy: &'static str, outcome: Outcome) {
    let outcome = match outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
        Outcome::Replayed => "replayed",
    };
    counter!("comptoir_policy_commands_total", "policy" => policy, "outcome" => outcome)
        .increment(1);
}

pub(crate) fn left_to_history(policy: &'static str) {
    counter!("comptoir_policy_left_to_history_total", "policy" => policy).increment(1);
}

pub(crate) fn parked(policy: &'static str) {
    counter!("comptoir_policy_parked_events_total", "policy" => policy).increment(1);
}

pub(crate) fn attempted(policy: &'static str, attempt: Attempt) {
    let outcome = match attempt {
        Attempt::Done => "done",
        Attempt::Failed => "failed",
        Attempt::GivenUp => "given_up",
    };
    counter!("comptoir_due_attempts_total", "policy" => policy, "outcome" => outcome).increment(1);
}

/// Keeps the gauges of policies and of what is due up to date, until `stop`. Whoever has the log's
/// database may do it: it tells of workers that are gone, too.
///
/// # Errors
/// None: what can't be read now is read again.
pub async fn measure(pool: PgPool, stop: CancellationToken) -> Result<(), Infallible> {
    let mut ticks = tokio::time::interval(EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match standing(&pool).await {
            Ok(all) => all.iter().for_each(tell),
            Err(error) => tracing::debug!(%error, "can't measure the workers now"),
        }
    }
    Ok(())
}

fn tell(one: &Standing) {
    let labels = [("policy", one.policy.clone())];
    gauge!("comptoir_policy_lag_events", &labels).set(one.events_behind.max(0) as f64);
    gauge!("comptoir_policy_lag_seconds", &labels).set(one.seconds_behind.max(0.0));
    gauge!("comptoir_policy_parked_events", &labels).set(one.parked as f64);
    gauge!("comptoir_due_pending", &labels).set(one.pending as f64);
    gauge!("comptoir_due_overdue_seconds", &labels).set(one.overdue_seconds);
    gauge!("comptoir_due_failed", &labels).set(one.failed as f64);
}
